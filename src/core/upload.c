#include "core/upload.h"

#include "base/limits.h"
#include "base/text.h"

static bool refuse(struct refusal *refusal, const char *code, const char *message)
{
    *refusal = (struct refusal){code, bytes_text(message)};
    return false;
}

static struct bytes trim(struct bytes b)
{
    b = bytes_trim_end(b);
    while (b.n && strchr(" \t\r\n", b.p[0]) && b.p[0])
        b = bytes_after(b, 1);
    return b;
}

/* A JSON string goes through the parser: .NET writes `+` as \u002B. */
bool upload_bare_text(struct arena *a, struct bytes body, const char *member, struct bytes *out,
                      struct refusal *refusal)
{
    struct fault fault = {0};
    const struct json *v;

    body = trim(body);
    *out = body;
    if (body.n == 0)
        return refuse(refusal, "InvalidOperation",
                      "Malformed JWT: the body is empty. Send the policy as a compact JWS.");
    if (body.p[0] != '"' && body.p[0] != '{')
        return true;
    if (!json_parse(a, body, &(struct json_rules){.fold_case = true}, &v, &fault))
        return refuse(refusal, "InvalidOperation", arena_printf(a, "Malformed JWT: %s", fault.text));
    if (v->kind == JSON_OBJECT && member)
        v = json_member_nocase(v, member);
    if (!json_text(v, out))
        return refuse(refusal, "InvalidOperation",
                      "Malformed JWT: the body is neither a compact JWS nor a JSON string that holds one.");
    *out = trim(*out);
    return true;
}

/* Certificates of an x5c member: standard base64 DER, leaf first. */
static bool decode_x5c(struct arena *a, const struct json *x5c, const struct certificate **chain,
                       struct refusal *refusal)
{
    struct certificate *previous = NULL;

    *chain = NULL;
    if (!x5c || x5c->kind != JSON_ARRAY || x5c->count == 0 || x5c->count > LIMIT_CHAIN)
        return refuse(refusal, "InvalidOperation",
                      arena_printf(a, "x5c must be an array of 1 to %d certificates in base64.", LIMIT_CHAIN));
    JSON_EACH (item, x5c) {
        const struct certificate *decoded;
        struct fault fault = {0};
        struct bytes text, der;

        if (!json_text(item, &text) || !base64_decode(a, text, &der, NULL))
            return refuse(refusal, "InvalidOperation", "An entry of x5c is not base64.");
        if (!certificate_decode(a, der, &decoded, &fault))
            return refuse(refusal, "InvalidParameter",
                          arena_printf(a, "A certificate of x5c does not decode: %s", fault.text));
        struct certificate *link = ARENA_NEW(a, struct certificate);
        *link = *decoded;
        link->next = NULL;
        if (previous)
            previous->next = link;
        else
            *chain = link;
        previous = link;
    }
    return true;
}

static const char *common_name(struct arena *a, struct bytes cn)
{
    return cn.n ? arena_string(a, cn) : "(none)";
}

/* May `issuer` have signed `c`? Its own dates are judged only when it is no anchor. */
static bool issued_by(const struct certificate *c, const struct certificate *issuer)
{
    return bytes_equal(c->issuer, issuer->subject) && issuer->is_ca && !issuer->critical_unknown &&
           (!issuer->has_key_usage || issuer->key_usage & KEY_USAGE_CERT_SIGN) &&
           certificate_signed_by(c, &issuer->key);
}

static bool in_date(struct arena *a, const struct certificate *c, int64_t time, struct refusal *refusal)
{
    if (c->not_before <= time && time <= c->not_after)
        return true;
    return refuse(
        refusal, "InvalidParameter",
        arena_printf(a, "The certificate CN=%s is not in date. Sign with one that is.", common_name(a, c->subject_cn)));
}

/* The certificate that issued c: the next of the chain, or behind its end a registered one. */
static const struct certificate *issuer_of(const struct certificate *c, const struct certificate *registered)
{
    if (c->next)
        return c->next;
    for (const struct certificate *anchor = registered; anchor; anchor = anchor->next)
        if (issued_by(c, anchor))
            return anchor;
    return c;
}

/* Each certificate is issued by the next; the last by itself or by a registered one. */
static bool chain_links(struct arena *a, const struct certificate *chain, const struct certificate *registered,
                        int64_t time, struct refusal *refusal)
{
    for (const struct certificate *c = chain; c; c = c->next) {
        const struct certificate *issuer = issuer_of(c, registered);

        if (issuer != c && c->critical_unknown)
            return refuse(refusal, "InvalidParameter",
                          "A certificate of x5c has a critical extension that is not known here.");
        if (issuer == c && bytes_equal(c->subject, c->issuer) && certificate_signed_by(c, &c->key))
            return true; /* an anchor counts for its key: its dates are not judged (api.md 3.8) */
        if (!issued_by(c, issuer))
            return refuse(refusal, "InvalidParameter",
                          arena_printf(a, "Unable to find issuer certificate CN=%s: it must follow in x5c and be a CA.",
                                       common_name(a, c->issuer_cn)));
        if (!in_date(a, c, time, refusal))
            return false;
    }
    return true;
}

struct json *signer_json(struct arena *a, enum signature_alg alg, const struct certificate *chain)
{
    struct json *jwk = json_new(a, JSON_OBJECT), *x5c = json_new(a, JSON_ARRAY);

    for (const struct certificate *c = chain; c; c = c->next)
        json_append(x5c, json_new_text(a, base64_encode(a, c->der)));
    JSON_SET(jwk, "alg", json_new_text(a, bytes_text(signature_alg_name(alg))));
    JSON_SET(jwk, "kty", json_new_text(a, chain->key.kind == KEY_RSA ? BYTES_LIT("RSA") : BYTES_LIT("EC")));
    JSON_SET(jwk, "use", json_new_text(a, BYTES_LIT("sig")));
    JSON_SET(jwk, "x5c", x5c);
    return jwk;
}

/* The signature verifies under the key that the header itself carries. */
static bool verify_own(struct arena *a, const struct certificate *registered, int64_t time, struct upload *u,
                       struct refusal *refusal)
{
    const struct json *x5c = json_member(u->jws.header, "x5c"), *jwk = json_member(u->jws.header, "jwk");
    struct fault fault = {0};
    struct public_key key;

    if (x5c) {
        if (!decode_x5c(a, x5c, &u->chain, refusal) || !chain_links(a, u->chain, registered, time, refusal))
            return false;
        key = u->chain->key;
        u->signer = signer_json(a, u->jws.alg, u->chain);
    } else if (jwk) {
        if (!jwk_decode(a, jwk, &key, &fault))
            return refuse(refusal, "InvalidOperation",
                          arena_printf(a, "The jwk of the header cannot be used: %s", fault.text));
        u->signer = jwk;
    } else {
        return refuse(refusal, "InvalidOperation",
                      "A signed JWS must carry its certificate in x5c (or its key in jwk).");
    }
    if (!jws_verify(&u->jws, &key))
        return refuse(
            refusal, "InvalidOperation",
            "The signature of the JWS does not verify under its certificate's key, or alg does not fit that key.");
    return true;
}

bool upload_decode(struct arena *a, struct bytes body, const char *member, const struct certificate *registered,
                   int64_t time, struct upload *out, struct refusal *refusal)
{
    struct fault fault = {0};

    *out = (struct upload){0};
    if (!upload_bare_text(a, body, member, &out->text, refusal))
        return false;
    if (!jws_decode(a, out->text, true, &out->jws, &fault))
        return refuse(refusal, "InvalidOperation", arena_printf(a, "Malformed JWT: %s", fault.text));
    return out->jws.unsecured || verify_own(a, registered, time, out, refusal);
}

bool upload_decode_stored(struct arena *a, struct bytes jws, struct upload *out, struct refusal *refusal)
{
    struct fault fault = {0};

    *out = (struct upload){.text = jws};
    if (!jws_decode(a, jws, true, &out->jws, &fault))
        return refuse(refusal, "InvalidOperation", arena_printf(a, "Malformed JWT: %s", fault.text));
    if (out->jws.unsecured)
        return true;
    const struct json *x5c = json_member(out->jws.header, "x5c");
    if (x5c && !decode_x5c(a, x5c, &out->chain, refusal))
        return false;
    out->signer = out->chain ? signer_json(a, out->jws.alg, out->chain) : json_member(out->jws.header, "jwk");
    return true;
}

static bool payload_object(struct arena *a, const struct upload *u, const struct json **out, struct refusal *refusal)
{
    struct fault fault = {0};

    if (!json_parse(a, u->jws.payload, NULL, out, &fault) || (*out)->kind != JSON_OBJECT)
        return refuse(refusal, "InvalidOperation",
                      arena_printf(a, "Malformed JWT: the payload is not a JSON object. %s", fault.text));
    return true;
}

bool upload_policy_text(struct arena *a, const struct upload *u, struct bytes *text, struct refusal *refusal)
{
    const struct json *payload;
    struct bytes encoded;
    uint8_t bad;

    if (!payload_object(a, u, &payload, refusal))
        return false;
    if (!json_text(json_member(payload, "AttestationPolicy"), &encoded))
        return refuse(refusal, "InvalidOperation", "Could not find \"AttestationPolicy\" claim in policy token");
    if (!base64_decode(a, encoded, text, &bad))
        return refuse(
            refusal, "InvalidOperation",
            bad ? arena_printf(a, "Unknown base64 character: %d ('%c'). AttestationPolicy holds the text in base64url.",
                               bad, bad >= ' ' && bad < 127 ? bad : '?')
                : "AttestationPolicy is not base64url: its length or its last character is impossible.");
    return true;
}

bool upload_certificate(struct arena *a, const struct upload *u, const struct certificate **out,
                        struct refusal *refusal)
{
    static const char *const names[] = {"policyCertificate", "x-ms-policyCertificate", "maa-policyCertificate",
                                        "aas-policyCertificate"};
    const struct json *payload, *jwk = NULL;

    if (!payload_object(a, u, &payload, refusal))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !jwk; i++)
        jwk = json_member(payload, names[i]);
    if (!jwk)
        return refuse(refusal, "InvalidOperation", "Could not find \"policyCertificate\" claim in policy token");
    if (!decode_x5c(a, json_member(jwk, "x5c"), out, refusal))
        return false;
    if ((*out)->key.kind == KEY_NONE)
        return refuse(refusal, "InvalidParameter",
                      "The certificate's key is of no accepted kind: use RSA of 2048 to 4096 bits, P-256 or P-384.");
    return true;
}

bool upload_signed_by(struct arena *a, const struct upload *u, const struct certificate *registered, int64_t time,
                      struct refusal *refusal)
{
    if (u->jws.unsecured)
        return refuse(refusal, "InvalidOperation",
                      "Unsigned JWS specified but enclave is configured with signing certificates.");
    for (const struct certificate *c = u->chain; c; c = c->next) {
        for (const struct certificate *anchor = registered; anchor; anchor = anchor->next) {
            if (bytes_equal(c->der, anchor->der))
                return true; /* upload_decode judged all below it */
            if (issued_by(c, anchor))
                return in_date(a, c, time, refusal);
        }
    }
    return refuse(refusal, "InvalidOperation",
                  "The JWS is not signed by a registered policy management certificate, nor by one that chains to it. "
                  "Sign with one "
                  "that GET /certificates lists.");
}
