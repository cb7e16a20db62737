#include "core/upload.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"

enum { REFUSAL_MAX = 1024 };

bool upload_require(struct upload_exam *x, enum check_id id, bool ok, const char *code, const char *format, ...)
{
    char text[REFUSAL_MAX];
    va_list args;

    if (check_record(x->trace, id, ok, CHECK_NO_VALUE, CHECK_NO_VALUE))
        return true;
    va_start(args, format);
    text_format(text, sizeof text, format, args);
    va_end(args);
    x->refusal = (struct refusal){code, bytes_text(arena_string(x->arena, bytes_text(text)))};
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
bool upload_bare_text(struct upload_exam *x, struct bytes body, const char *member, struct bytes *out)
{
    struct fault fault = {0};
    const struct json *v;

    body = trim(body);
    *out = body;
    if (body.n == 0)
        return upload_require(x, CHECK_UPLOAD_BODY, false, INVALID_OPERATION,
                              "Malformed JWT: the body is empty. Send the policy as a compact JWS.");
    if (body.p[0] != '"' && body.p[0] != '{')
        return check_that(x, UPLOAD_BODY, true);
    if (!json_parse(x->arena, body, &(struct json_rules){.fold_case = true}, &v, &fault))
        return upload_require(x, CHECK_UPLOAD_BODY, false, INVALID_OPERATION, "Malformed JWT: %s", fault.text);
    if (v->kind == JSON_OBJECT && member)
        v = json_member_nocase(v, member);
    bool ok = json_text(v, out);
    *out = trim(*out);
    return upload_require(x, CHECK_UPLOAD_BODY, ok, INVALID_OPERATION,
                          "Malformed JWT: the body is neither a compact JWS nor a JSON string that holds one.");
}

/* Certificates of an x5c member: standard base64 DER, leaf first. */
static bool decode_chain(struct upload_exam *x, const struct json *x5c, const struct certificate **chain)
{
    struct certificate *previous = NULL;

    *chain = NULL;
    if (!x5c || x5c->kind != JSON_ARRAY || x5c->count == 0 || x5c->count > LIMIT_CHAIN)
        return upload_require(x, CHECK_UPLOAD_X5C, false, INVALID_OPERATION,
                              "x5c must be an array of 1 to %d certificates in base64.", LIMIT_CHAIN);
    JSON_EACH (item, x5c) {
        const struct certificate *decoded;
        struct fault fault = {0};
        struct bytes text, der;

        if (!json_text(item, &text) || !base64_decode(x->arena, text, &der, NULL))
            return upload_require(x, CHECK_UPLOAD_X5C, false, INVALID_OPERATION, "An entry of x5c is not base64.");
        if (!certificate_decode(x->arena, der, &decoded, &fault))
            return upload_require(x, CHECK_UPLOAD_X5C, false, INVALID_PARAMETER,
                                  "A certificate of x5c does not decode: %s", fault.text);
        struct certificate *link = ARENA_NEW(x->arena, struct certificate);
        *link = *decoded;
        link->next = NULL;
        if (previous)
            previous->next = link;
        else
            *chain = link;
        previous = link;
    }
    return check_that(x, UPLOAD_X5C, true);
}

static const char *common_name(struct arena *a, struct bytes cn)
{
    return cn.n ? arena_string(a, cn) : "(none)";
}

/* Does `issuer` stand where c looks for one, with the right to be one? Signature and dates apart. */
static bool may_issue(const struct certificate *c, const struct certificate *issuer)
{
    return bytes_equal(c->issuer, issuer->subject) && issuer->is_ca && !issuer->critical_unknown &&
           (!issuer->has_key_usage || issuer->key_usage & KEY_USAGE_CERT_SIGN);
}

static bool issued_by(const struct certificate *c, const struct certificate *issuer)
{
    return may_issue(c, issuer) && certificate_signed_by(c, &issuer->key);
}

static bool is_registered(const struct upload_exam *x, const struct certificate *c)
{
    for (const struct certificate *r = x->registered; r; r = r->next)
        if (bytes_equal(r->der, c->der))
            return true;
    return false;
}

/* The certificate of x5c behind c, or for the last a registered one that issued it; NULL: nobody is known. */
static const struct certificate *issuer_of(const struct upload_exam *x, const struct certificate *c)
{
    if (c->next)
        return c->next;
    for (const struct certificate *r = x->registered; r; r = r->next)
        if (issued_by(c, r))
            return r;
    return NULL;
}

/* Where the chain may end: at a registered certificate, or at its last when that one signed itself. An anchor counts for its
 * key, and nothing else of it is judged (api.md 3.8). */
static bool is_anchor(const struct upload_exam *x, const struct certificate *c)
{
    return is_registered(x, c) ||
           (!issuer_of(x, c) && bytes_equal(c->subject, c->issuer) && certificate_signed_by(c, &c->key));
}

/* The first certificate below the anchor of which `good` does not hold, or NULL. */
static const struct certificate *first_flawed(const struct upload_exam *x, const struct certificate *chain,
                                              bool (*good)(const struct upload_exam *, const struct certificate *))
{
    for (const struct certificate *c = chain; c && !is_anchor(x, c); c = c->next)
        if (!good(x, c))
            return c;
    return NULL;
}

static bool all_known(const struct upload_exam *x, const struct certificate *c)
{
    (void)x;
    return !c->critical_unknown;
}

static bool is_signed(const struct upload_exam *x, const struct certificate *c)
{
    const struct certificate *issuer = issuer_of(x, c);

    return issuer && certificate_signed_by(c, &issuer->key);
}

static bool has_issuer(const struct upload_exam *x, const struct certificate *c)
{
    const struct certificate *issuer = issuer_of(x, c);

    return !issuer || may_issue(c, issuer); /* without one it is not signed, which is a check of its own */
}

static bool in_date(const struct upload_exam *x, const struct certificate *c)
{
    return c->not_before <= x->time && x->time <= c->not_after;
}

static bool require_dates(struct upload_exam *x, const struct certificate *flawed)
{
    return upload_require(x, CHECK_UPLOAD_DATES, !flawed, INVALID_PARAMETER,
                          "The certificate CN=%s is not in date. Sign with one that is.",
                          flawed ? common_name(x->arena, flawed->subject_cn) : "");
}

static bool require_issuer(struct upload_exam *x, enum check_id id, const struct certificate *flawed)
{
    return upload_require(x, id, !flawed, INVALID_PARAMETER,
                          "Unable to find issuer certificate CN=%s: it must follow in x5c and be a CA.",
                          flawed ? common_name(x->arena, flawed->issuer_cn) : "");
}

/* Each certificate is issued by the next; the last by itself or by a registered one. Without x5c there is none. */
static bool chain_links(struct upload_exam *x, const struct certificate *chain)
{
    return upload_require(x, CHECK_UPLOAD_CRITICAL, !first_flawed(x, chain, all_known), INVALID_PARAMETER,
                          "A certificate of x5c has a critical extension that is not known here.") &&
           require_issuer(x, CHECK_UPLOAD_CHAIN, first_flawed(x, chain, is_signed)) &&
           require_issuer(x, CHECK_UPLOAD_ISSUER, first_flawed(x, chain, has_issuer)) &&
           require_dates(x, first_flawed(x, chain, in_date));
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

/* The key that the header itself carries, and whether it may be believed to be the one it claims to be. */
static bool own_key(struct upload_exam *x, struct upload *u, struct public_key *key)
{
    const struct json *x5c = json_member(u->jws.header, "x5c"), *jwk = json_member(u->jws.header, "jwk");
    struct fault fault = {0};

    if (!upload_require(x, CHECK_UPLOAD_KEY, x5c || jwk, INVALID_OPERATION,
                        "A signed JWS must carry its certificate in x5c (or its key in jwk)."))
        return false;
    if (x5c) {
        if (!decode_chain(x, x5c, &u->chain))
            return false;
        *key = u->chain->key;
        u->signer = signer_json(x->arena, u->jws.alg, u->chain);
    } else {
        if (!jwk_decode(x->arena, jwk, key, &fault))
            return upload_require(x, CHECK_UPLOAD_KEY, false, INVALID_OPERATION,
                                  "The jwk of the header cannot be used: %s", fault.text);
        u->signer = jwk;
    }
    return chain_links(x, u->chain);
}

/* The signature verifies under the key that the header itself carries. */
static bool verify_own(struct upload_exam *x, struct upload *u)
{
    static const char message[] = "The signature of the JWS does not verify under its certificate's key, or alg does "
                                  "not fit that key.";
    struct public_key key;

    return own_key(x, u, &key) &&
           upload_require(x, CHECK_UPLOAD_ALGORITHM, jws_fits_key(&u->jws, &key), INVALID_OPERATION, "%s", message) &&
           upload_require(x, CHECK_UPLOAD_SIGNATURE, jws_verify(&u->jws, &key), INVALID_OPERATION, "%s", message);
}

/* Is one of the chain registered, or issued by one that is? The chain was verified up to there. */
static bool vouched_for(const struct upload_exam *x, const struct certificate *chain)
{
    for (const struct certificate *c = chain; c; c = c->next) {
        if (is_registered(x, c))
            return true;
        for (const struct certificate *r = x->registered; r; r = r->next)
            if (issued_by(c, r))
                return true;
    }
    return false;
}

static bool verify_signer(struct upload_exam *x, const struct upload *u)
{
    return upload_require(
        x, CHECK_UPLOAD_SIGNER, vouched_for(x, u->chain), INVALID_OPERATION,
        "The JWS is not signed by a registered policy management certificate, nor by one that chains to it. "
        "Sign with one that GET /certificates lists.");
}

#define SETTING_SIGNERS "signers" /* none are configured: the trust model is not Isolated */

/* Without registered certificates a policy may be unsigned, and then there is nothing to verify (api.md 3.4). */
static bool skip_signature(struct upload_exam *x)
{
    check_skip(x, UPLOAD_KEY, SETTING_SIGNERS);
    check_skip(x, UPLOAD_CRITICAL, SETTING_SIGNERS);
    check_skip(x, UPLOAD_CHAIN, SETTING_SIGNERS);
    check_skip(x, UPLOAD_ISSUER, SETTING_SIGNERS);
    check_skip(x, UPLOAD_DATES, SETTING_SIGNERS);
    check_skip(x, UPLOAD_ALGORITHM, SETTING_SIGNERS);
    check_skip(x, UPLOAD_SIGNATURE, SETTING_SIGNERS);
    check_skip(x, UPLOAD_SIGNER, SETTING_SIGNERS);
    return !x->trace->failed;
}

bool upload_verify(struct upload_exam *x, struct bytes body, const char *member, struct upload *out)
{
    struct fault fault = {0};

    *out = (struct upload){0};
    if (!upload_bare_text(x, body, member, &out->text))
        return false;
    bool ok = jws_decode(x->arena, out->text, true, &out->jws, &fault);
    if (!upload_require(x, CHECK_UPLOAD_JWS, ok, INVALID_OPERATION, "Malformed JWT: %s", fault.text))
        return false;
    if (x->isolated)
        return upload_require(x, CHECK_UPLOAD_SIGNED, !out->jws.unsecured, INVALID_OPERATION,
                              "Unsigned JWS specified but enclave is configured with signing certificates.") &&
               verify_own(x, out) && verify_signer(x, out);
    check_skip(x, UPLOAD_SIGNED, SETTING_SIGNERS);
    if (out->jws.unsecured)
        return skip_signature(x);
    check_skip(x, UPLOAD_SIGNER, SETTING_SIGNERS);
    return verify_own(x, out);
}

bool upload_decode_stored(struct upload_exam *x, struct bytes jws, struct upload *out)
{
    struct fault fault = {0};

    *out = (struct upload){.text = jws};
    bool ok = jws_decode(x->arena, jws, true, &out->jws, &fault);
    if (!upload_require(x, CHECK_UPLOAD_JWS, ok, INVALID_OPERATION, "Malformed JWT: %s", fault.text))
        return false;
    if (out->jws.unsecured)
        return true;
    const struct json *x5c = json_member(out->jws.header, "x5c");
    if (x5c && !decode_chain(x, x5c, &out->chain))
        return false;
    out->signer = out->chain ? signer_json(x->arena, out->jws.alg, out->chain) : json_member(out->jws.header, "jwk");
    return true;
}

static bool payload_object(struct upload_exam *x, const struct upload *u, const struct json **out)
{
    struct fault fault = {0};
    bool ok = json_parse(x->arena, u->jws.payload, NULL, out, &fault) && (*out)->kind == JSON_OBJECT;

    return upload_require(x, CHECK_UPLOAD_PAYLOAD, ok, INVALID_OPERATION,
                          "Malformed JWT: the payload is not a JSON object. %s", fault.text);
}

bool upload_policy_text(struct upload_exam *x, const struct upload *u, struct bytes *text)
{
    const struct json *payload;
    struct bytes encoded;
    uint8_t bad;

    if (!payload_object(x, u, &payload))
        return false;
    if (!json_text(json_member(payload, "AttestationPolicy"), &encoded))
        return upload_require(x, CHECK_UPLOAD_POLICY, false, INVALID_OPERATION,
                              "Could not find \"AttestationPolicy\" claim in policy token");
    if (base64_decode(x->arena, encoded, text, &bad))
        return check_that(x, UPLOAD_POLICY, true);
    if (!bad)
        return upload_require(x, CHECK_UPLOAD_POLICY, false, INVALID_OPERATION,
                              "AttestationPolicy is not base64url: its length or its last character is impossible.");
    return upload_require(x, CHECK_UPLOAD_POLICY, false, INVALID_OPERATION,
                          "Unknown base64 character: %d ('%c'). AttestationPolicy holds the text in base64url.", bad,
                          bad >= ' ' && bad < 127 ? bad : '?');
}

bool upload_empty(struct upload_exam *x, const struct upload *u)
{
    return upload_require(x, CHECK_UPLOAD_RESET, u->jws.payload.n == 0, INVALID_OPERATION,
                          "A reset is a JWS with an empty payload; to set a policy use PUT.");
}

bool upload_certificate(struct upload_exam *x, const struct upload *u, const struct certificate **out)
{
    static const char *const names[] = {"policyCertificate", "x-ms-policyCertificate", "maa-policyCertificate",
                                        "aas-policyCertificate"};
    const struct json *payload, *jwk = NULL;

    if (!payload_object(x, u, &payload))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !jwk; i++)
        jwk = json_member(payload, names[i]);
    if (!jwk)
        return upload_require(x, CHECK_UPLOAD_CERTIFICATE, false, INVALID_OPERATION,
                              "Could not find \"policyCertificate\" claim in policy token");
    return decode_chain(x, json_member(jwk, "x5c"), out) &&
           upload_require(
               x, CHECK_UPLOAD_CERTIFICATE, (*out)->key.kind != KEY_NONE, INVALID_PARAMETER,
               "The certificate's key is of no accepted kind: use RSA of 2048 to 4096 bits, P-256 or P-384.");
}

bool upload_complete(struct upload_exam *x, enum check_id last)
{
    const enum check_id required[] = {CHECK_UPLOAD_BODY,
                                      CHECK_UPLOAD_JWS,
                                      CHECK_UPLOAD_SIGNED,
                                      CHECK_UPLOAD_KEY,
                                      CHECK_UPLOAD_CRITICAL,
                                      CHECK_UPLOAD_CHAIN,
                                      CHECK_UPLOAD_ISSUER,
                                      CHECK_UPLOAD_DATES,
                                      CHECK_UPLOAD_ALGORITHM,
                                      CHECK_UPLOAD_SIGNATURE,
                                      CHECK_UPLOAD_SIGNER,
                                      last,
                                      CHECK_END};

    return upload_made(x, required);
}

bool upload_made(struct upload_exam *x, const enum check_id *required)
{
    enum check_id missing;

    if (trace_complete(x->trace, required, &missing))
        return true;
    if (!trace_failure(x->trace))
        x->refusal = (struct refusal){
            "InternalError", bytes_text(arena_printf(x->arena,
                                                     "The check %s was never made, so nothing was stored. This is an "
                                                     "error of the service: please report it.",
                                                     check_table[missing].id))};
    return false;
}
