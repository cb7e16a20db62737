/* The token of TPMs, which the original service calls a report and writes in a form of its own (claims.md 1.1, 8.3). */
#include "base/text.h"
#include "token/members.h"

struct bytes token_thumbprint(struct arena *a, struct bytes certificate)
{
    return base64url_encode(a, digest(a, DIGEST_SHA1, certificate));
}

struct bytes token_report_header(struct arena *a, enum token_form form, struct bytes certificate)
{
    struct json *header = json_new(a, JSON_OBJECT), *chain = json_new(a, JSON_ARRAY);
    struct bytes thumbprint = token_thumbprint(a, certificate);

    JSON_SET(header, "typ", json_new_text(a, BYTES_LIT("JWT")));
    JSON_SET(header, "alg", json_new_text(a, BYTES_LIT("RS256")));
    if (form == TOKEN_REPORT_SHORT) {
        JSON_SET(header, "x5t", json_new_text(a, thumbprint));
    } else {
        json_append(chain, json_new_text(a, base64_encode(a, certificate)));
        JSON_SET(header, "x5c", chain);
    }
    JSON_SET(header, "kid", json_new_text(a, thumbprint));
    return json_print(a, header, JSON_IN_ORDER);
}

static bool stands(const struct json *object, struct bytes name)
{
    JSON_EACH (m, object)
        if (bytes_equal(m->name, name))
            return true;
    return false;
}

/* Members of evidence that stand among those of the service, in their place. */
static void move(struct arena *a, struct json *payload, const struct json *proven, const char *from, const char *name)
{
    const struct json *m = json_member(proven, from);

    if (m)
        json_set(payload, bytes_text(name), json_link(a, m));
}

static struct json *fixed_members(struct arena *a, const struct token_frame *frame, const struct json *proven)
{
    struct json *payload = json_new(a, JSON_OBJECT);
    struct bytes jti = hex_encode(a, bytes_first(frame->jti_entropy, TOKEN_REPORT_JTI));

    JSON_SET(payload, "nbf", json_new_integer(a, frame->time - TOKEN_REPORT_LEEWAY));
    JSON_SET(payload, "exp", json_new_integer(a, frame->time + frame->lifetime));
    JSON_SET(payload, "iat", json_new_integer(a, frame->time));
    JSON_SET(payload, "iss", json_new_text(a, frame->issuer));
    JSON_SET(payload, "jti", json_new_text(a, jti));
    JSON_SET(payload, "ver", json_new_text(a, BYTES_LIT("1.0")));
    JSON_SET(payload, "x-ms-ver", json_new_text(a, BYTES_LIT("1.0")));
    move(a, payload, proven, "rp_data", "rp_data");
    move(a, payload, proven, "rp_data", "nonce");
    move(a, payload, proven, "cnf", "cnf");
    JSON_SET(payload, "x-ms-policy-hash", json_new_text(a, frame->policy_hash));
    if (frame->policy_signer)
        JSON_SET(payload, "x-ms-policy-signer", token_signer_member(a, frame->policy_signer));
    return payload;
}

/* Said by the request alone: a policy that issues one where the request had none would speak for the client. */
static bool of_request(struct bytes name)
{
    return bytes_is(name, "rp_data") || bytes_is(name, "cnf") || token_service_name(name);
}

/* What the evidence proves first: an issued claim of the same name does not replace it. */
static struct json *sorted_members(struct arena *a, const struct token_frame *frame, const struct json *proven,
                                   const struct json *issued, const struct json *fixed)
{
    struct json *sorted = json_new(a, JSON_OBJECT);

    JSON_SET(sorted, "x-ms-attestation-type", json_new_text(a, frame->type));
    JSON_EACH (m, proven)
        if (!stands(fixed, m->name) && !stands(sorted, m->name))
            json_set(sorted, m->name, json_link(a, m));
    JSON_EACH (m, issued)
        if (!stands(fixed, m->name) && !stands(sorted, m->name) && !of_request(m->name))
            json_set(sorted, m->name, json_link(a, m));
    return sorted;
}

struct bytes token_report_payload(struct arena *a, const struct token_frame *frame, const struct claims *incoming,
                                  const struct claims *outgoing)
{
    const struct json *proven = token_proven(a, incoming), *issued = claims_object(a, outgoing, 0);
    struct json *payload = fixed_members(a, frame, proven);
    struct writer w = wr_open(a);
    struct bytes head = json_print(a, payload, JSON_IN_ORDER);
    struct bytes tail = json_print(a, sorted_members(a, frame, proven, issued, payload), JSON_SORTED);

    wr_put(&w,
           bytes_first(head, head.n - 1)); /* two objects become one: the first keeps its order, the second is sorted */
    wr_u8(&w, ',');
    wr_put(&w, bytes_after(tail, 1));
    return wr_done(&w);
}
