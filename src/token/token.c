#include "token/members.h"

#include "base/text.h"

static struct json *text(struct arena *a, const char *s)
{
    return json_new_text(a, bytes_text(s));
}

static struct bytes url(struct arena *a, struct bytes issuer, const char *path)
{
    struct writer w = wr_open(a);

    wr_put(&w, issuer);
    wr_text(&w, path);
    return wr_done(&w);
}

struct json *token_signer_member(struct arena *a, const struct json *signer)
{
    struct json *both = json_new(a, JSON_OBJECT);

    JSON_EACH (member, signer)
        json_set(both, member->name, json_link(a, member));
    JSON_SET(both, "jwk", json_link(a, signer));
    return both;
}

static void set_frame(struct arena *a, struct json *payload, const struct token_frame *frame)
{
    JSON_SET(payload, "iss", json_new_text(a, frame->issuer));
    JSON_SET(payload, "iat", json_new_integer(a, frame->time));
    JSON_SET(payload, "nbf", json_new_integer(a, frame->time));
    JSON_SET(payload, "exp", json_new_integer(a, frame->time + frame->lifetime));
    JSON_SET(payload, "jti", json_new_text(a, hex_encode(a, frame->jti_entropy)));
    JSON_SET(payload, "x-ms-ver", text(a, "1.0"));
    JSON_SET(payload, "x-ms-attestation-type", json_new_text(a, frame->type));
    JSON_SET(payload, "x-ms-policy-hash", json_new_text(a, frame->policy_hash));
    if (frame->policy_signer)
        JSON_SET(payload, "x-ms-policy-signer", token_signer_member(a, frame->policy_signer));
    if (frame->nonce.n)
        JSON_SET(payload, "nonce", json_new_text(a, frame->nonce));
}

struct json *token_proven(struct arena *a, const struct claims *incoming)
{
    struct claims own;

    claims_init(&own, a);
    for (size_t i = 0; i < incoming->n; i++)
        if (incoming->v[i].issuer != ISSUER_POLICY)
            claims_add(&own, incoming->v[i]);
    return claims_object(a, &own, CLAIM_TOKEN);
}

bool token_service_name(struct bytes name)
{
    static const char *const names[] = {"x-ms-policy",        "x-ms-policy-signer", "x-ms-compliance-status",
                                        "x-ms-isolation-tee", "x-ms-azurevm-vmid",  "nonce"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (bytes_is(name, names[i]))
            return true;
    return false;
}

/* Add the members of `from` whose names the payload does not have; names in `from` are unique. */
static void set_absent(struct arena *a, struct json *payload, const struct json *from, bool issued)
{
    const struct json *end = payload->last;

    JSON_EACH (member, from) {
        bool taken = issued && token_service_name(member->name);

        for (const struct json *m = payload->first; m && !taken; m = m == end ? NULL : m->next)
            taken = bytes_equal(m->name, member->name);
        if (!taken)
            json_set(payload, member->name, json_link(a, member));
    }
}

struct bytes token_payload(struct arena *a, const struct token_frame *frame, const struct claims *incoming,
                           const struct claims *outgoing)
{
    struct json *payload = json_new(a, JSON_OBJECT), *issued = claims_object(a, outgoing, 0);

    set_frame(a, payload, frame);
    if (issued->count)
        JSON_SET(payload, "x-ms-policy", json_link(a, issued));
    set_absent(a, payload, token_proven(a, incoming), false);
    set_absent(a, payload, issued, true);
    return json_print(a, payload, JSON_SORTED);
}

struct bytes token_header(struct arena *a, const char *alg, struct bytes issuer, struct bytes kid)
{
    struct json *header = json_new(a, JSON_OBJECT);

    JSON_SET(header, "alg", text(a, alg));
    JSON_SET(header, "jku", json_new_text(a, url(a, issuer, "/certs")));
    JSON_SET(header, "kid", json_new_text(a, kid));
    JSON_SET(header, "typ", text(a, "JWT"));
    return json_print(a, header, JSON_IN_ORDER);
}

struct bytes token_signing_input(struct arena *a, struct bytes header, struct bytes payload)
{
    struct writer w = wr_open(a);

    wr_base64url(&w, header);
    wr_u8(&w, '.');
    wr_base64url(&w, payload);
    return wr_done(&w);
}

struct bytes token_compact(struct arena *a, struct bytes signing_input, struct bytes signature)
{
    struct writer w = wr_open(a);

    wr_put(&w, signing_input);
    wr_u8(&w, '.');
    wr_base64url(&w, signature);
    return wr_done(&w);
}

struct bytes token_unsigned(struct arena *a, struct bytes issuer, struct bytes kid, struct bytes payload)
{
    return token_compact(a, token_signing_input(a, token_header(a, "none", issuer, kid), payload), BYTES_NONE);
}

bool token_sign(struct arena *a, const struct signing_key *key, const struct token_head *head, struct bytes payload,
                struct bytes *token, struct fault *fault)
{
    struct bytes signature, header;

    if (signing_key_kind(key) != KEY_RSA)
        return fault_set(fault, FAULT_CRYPTO, "tokens are signed with RS256: the key must be RSA");
    if (head->form != TOKEN_USUAL && !head->certificate.n)
        return fault_set(fault, FAULT_CRYPTO, "a report needs the certificate of the key that signs it");
    header = head->form == TOKEN_USUAL ? token_header(a, "RS256", head->issuer, head->kid)
                                       : token_report_header(a, head->form, head->certificate);
    struct bytes input = token_signing_input(a, header, payload);
    if (!sign_message(key, SIGNATURE_RS256, input, a, &signature))
        return fault_set(fault, FAULT_CRYPTO, "the signing key failed");
    *token = token_compact(a, input, signature);
    return true;
}

static struct json *listed_key(struct arena *a, struct bytes certificate, struct bytes kid)
{
    struct json *key = json_new(a, JSON_OBJECT), *chain = json_new(a, JSON_ARRAY);

    json_append(chain, json_new_text(a, base64_encode(a, certificate)));
    JSON_SET(key, "x5c", chain);
    JSON_SET(key, "kid", json_new_text(a, kid));
    JSON_SET(key, "kty", text(a, "RSA"));
    return key;
}

struct bytes token_jwks(struct arena *a, const struct key_record *keys, size_t count, bool reports)
{
    struct json *jwks = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < count; i++)
        json_append(list, listed_key(a, keys[i].certificate, keys[i].kid));
    for (size_t i = 0; i < count && reports; i++)
        json_append(list, listed_key(a, keys[i].certificate, token_thumbprint(a, keys[i].certificate)));
    JSON_SET(jwks, "keys", list);
    return json_print(a, jwks, JSON_IN_ORDER);
}

static struct json *texts(struct arena *a, const char *const *list)
{
    struct json *array = json_new(a, JSON_ARRAY);

    for (; *list; list++)
        json_append(array, text(a, *list));
    return array;
}

struct bytes token_openid(struct arena *a, struct bytes issuer)
{
    static const char *const responses[] = {"token", "none", NULL};
    static const char *const algorithms[] = {"RS256", NULL};
    static const char *const claims[] = {"cnf",
                                         "nonce",
                                         "x-ms-ver",
                                         "x-ms-attestation-type",
                                         "x-ms-policy-hash",
                                         "x-ms-policy-signer",
                                         "x-ms-sgx-is-debuggable",
                                         "x-ms-sgx-mrenclave",
                                         "x-ms-sgx-mrsigner",
                                         "x-ms-sgx-svn",
                                         "x-ms-sgx-ehd",
                                         "x-ms-sgx-collateral",
                                         "is-debuggable",
                                         "sgx-mrsigner",
                                         "sgx-mrenclave",
                                         "product-id",
                                         "svn",
                                         "tee",
                                         NULL};
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_SET(o, "response_types_supported", texts(a, responses));
    JSON_SET(o, "id_token_signing_alg_values_supported", texts(a, algorithms));
    JSON_SET(o, "revocation_endpoint", json_new_text(a, url(a, issuer, "/revoke")));
    JSON_SET(o, "issuer", json_new_text(a, issuer));
    JSON_SET(o, "jwks_uri", json_new_text(a, url(a, issuer, "/certs")));
    JSON_SET(o, "claims_supported", texts(a, claims));
    return json_print(a, o, JSON_IN_ORDER);
}
