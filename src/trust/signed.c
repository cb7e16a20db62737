/* Step 1: the token is signed by a certificate that the service lists (api.md 5.1-5.3). */
#include "base/clock.h"
#include "base/text.h"
#include "token/token.h"
#include "trust/judging.h"

static bool read_certificate(struct judging *j, const struct json *entry)
{
    const struct json *chain = json_member(entry, "x5c");
    struct fault fault = {0};
    struct bytes text, der = BYTES_NONE;
    bool ok = chain && chain->kind == JSON_ARRAY && json_text(chain->first, &text) &&
              base64_decode_strict(j->q->arena, text, &der) &&
              certificate_decode(j->q->arena, der, &j->key->certificate, &fault);

    if (!check_that(j, TRUST_KEY_CERTIFICATE, ok)) {
        check_note(j->trace, "%s", fault.code ? fault.text : "x5c is missing, or its first is no base64");
        return false;
    }
    const struct certificate *c = j->key->certificate;
    if (!check_that(j, TRUST_KEY_ALONE, chain->count == 1)) {
        check_note(j->trace, "%zu certificates, the first of %s issued by %s", chain->count,
                   arena_string(j->q->arena, c->subject_cn), arena_string(j->q->arena, c->issuer_cn));
        return false;
    }
    return true;
}

/* The key is of an accepted kind; a short one only where that was said. */
static bool check_key(struct judging *j)
{
    const struct certificate *c = j->key->certificate;
    struct arena *a = j->q->arena;

    j->key_text = key_text(a, c->spki);
    bool decoded = public_key_decode_short(a, c->spki, &j->public_key);
    if (c->key.kind == KEY_NONE && decoded && j->q->rules->allow_short_key) {
        check_skip(j, TRUST_CERTIFICATE_KEY, "--allow-short-key");
        return !j->trace->failed;
    }
    if (check_that(j, TRUST_CERTIFICATE_KEY, c->key.kind != KEY_NONE))
        return true;
    if (decoded)
        check_note(j->trace, "RSA of %zu bits", j->public_key.modulus.n * 8);
    return false;
}

static bool check_dates(struct judging *j)
{
    const struct certificate *c = j->key->certificate;
    int64_t now = j->q->time;

    if (j->q->rules->allow_expired && now > c->not_after) {
        check_skip(j, TRUST_CERTIFICATE_DATES, "--allow-expired");
        return !j->trace->failed;
    }
    if (check_record(j->trace, CHECK_TRUST_CERTIFICATE_DATES, c->not_before <= now && now <= c->not_after,
                     check_time(now), check_time(now < c->not_before ? c->not_before : c->not_after)))
        return true;
    check_note(j->trace, now < c->not_before ? "it is not valid yet" : "it has expired");
    return false;
}

/* The key set of a service that writes reports of TPMs has each key twice: there the kid is the certificate's thumbprint. */
static bool check_kid(struct judging *j)
{
    struct arena *a = j->q->arena;
    struct bytes kid = key_id(a, j->key->certificate->spki);

    return check_record(j->trace, CHECK_TRUST_KEY_KID,
                        bytes_equal(j->key->kid, kid) ||
                            bytes_equal(j->key->kid, token_thumbprint(a, j->key->certificate->der)),
                        check_text(arena_string(a, j->key->kid)), check_text(arena_string(a, kid)));
}

static bool check_certificate(struct judging *j)
{
    const struct certificate *c = j->key->certificate;
    struct bytes service = j->q->service;

    return check_key(j) && check_that(j, TRUST_CERTIFICATE_SIGNATURE, certificate_signed_by(c, &j->public_key)) &&
           check_that(j, TRUST_CERTIFICATE_CRITICAL, !c->critical_unknown) &&
           check_record(j->trace, CHECK_TRUST_CERTIFICATE_NAME,
                        bytes_equal(c->subject, c->issuer) && bytes_equal(c->subject_cn, service),
                        check_text(arena_string(j->q->arena, c->subject_cn)),
                        check_text(arena_string(j->q->arena, service))) &&
           check_dates(j) && check_kid(j);
}

/* exp and nbf; a token without an end holds for ever, which none of the service does. */
static bool token_dates(struct judging *j)
{
    int64_t expires = 0, from = 0, issued = 0;
    const struct json *nbf = json_member(j->payload, "nbf");
    bool told = json_integer(json_member(j->payload, "exp"), &expires) &&
                json_integer(json_member(j->payload, "iat"), &issued) && (!nbf || json_integer(nbf, &from));

    if (!check_record(j->trace, CHECK_TRUST_TOKEN_DATES, told && from <= j->q->time && j->q->time < expires,
                      check_time(j->q->time), check_time(j->q->time < from ? from : expires))) {
        check_note(j->trace, !told               ? "it does not say when it was issued and when it expires"
                             : j->q->time < from ? "it does not hold yet"
                                                 : "it has expired");
        return false;
    }
    /* A token that was given before its measurement was retired is good until it expires. How long ago that can be is not the
     * token's word: whoever got a key out by the flaw that a release was retired for would put the time back. */
    int64_t oldest = j->q->time - TOKEN_ATTEST_LIFETIME;
    if (issued < j->moment)
        j->moment = issued < oldest ? oldest : issued;
    return true;
}

static bool check_token(struct judging *j)
{
    static const enum check_id ids[] = {CHECK_TRUST_TOKEN_SIGNATURE, CHECK_TRUST_TOKEN_ISSUER, CHECK_TRUST_TOKEN_DATES};
    struct bytes issuer = BYTES_NONE;

    if (!j->token) {
        for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
            check_skip_(j->trace, ids[i], "no token was given");
        return !j->trace->failed;
    }
    json_text(json_member(j->payload, "iss"), &issuer);
    return check_that(j, TRUST_TOKEN_SIGNATURE, jws_verify(j->token, &j->public_key)) &&
           check_record(j->trace, CHECK_TRUST_TOKEN_ISSUER, bytes_equal(issuer, j->q->service),
                        check_text(arena_string(j->q->arena, issuer)),
                        check_text(arena_string(j->q->arena, j->q->service))) &&
           token_dates(j);
}

bool trust_step_signed(struct judging *j, const struct json *entry)
{
    return read_certificate(j, entry) && check_certificate(j) && check_token(j);
}
