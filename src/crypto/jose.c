#include "crypto/jose.h"

#include "base/limits.h"
#include "base/text.h"

static const struct {
    const char *name;
    enum signature_alg alg;
    enum key_kind key;
} algorithms[] = {
    {"RS256", SIGNATURE_RS256, KEY_RSA},  {"RS384", SIGNATURE_RS384, KEY_RSA},  {"RS512", SIGNATURE_RS512, KEY_RSA},
    {"PS256", SIGNATURE_PS256, KEY_RSA},  {"PS384", SIGNATURE_PS384, KEY_RSA},  {"PS512", SIGNATURE_PS512, KEY_RSA},
    {"ES256", SIGNATURE_ES256, KEY_P256}, {"ES384", SIGNATURE_ES384, KEY_P384},
};

enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };

const char *signature_alg_name(enum signature_alg alg)
{
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (algorithms[i].alg == alg)
            return algorithms[i].name;
    return "none";
}

static bool alg_by_name(struct bytes name, bool lenient, enum signature_alg *out)
{
    if (lenient && bytes_is(name, "RSA256"))
        name = BYTES_LIT("RS256");
    if (lenient && bytes_is(name, "ECDH256"))
        name = BYTES_LIT("ES256");
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (bytes_is(name, algorithms[i].name)) {
            *out = algorithms[i].alg;
            return true;
        }
    return false;
}

/* The key's type decides what is possible (RFC 8725 3.1); the header chooses among that. */
static bool alg_fits_key(enum signature_alg alg, enum key_kind kind)
{
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (algorithms[i].alg == alg)
            return algorithms[i].key == kind;
    return false;
}

static bool split(struct bytes text, struct bytes part[3], struct fault *fault)
{
    static const char *const places[] = {"first", "second"};

    for (int i = 0; i < 2; i++) {
        const uint8_t *dot = text.n ? memchr(text.p, '.', text.n) : NULL;

        if (!dot)
            return fault_set(fault, FAULT_SYNTAX, "Could not find %s period in the token.", places[i]);
        part[i] = bytes_make(text.p, (size_t)(dot - text.p));
        text = bytes_after(text, part[i].n + 1);
    }
    part[2] = text;
    return !(text.n && memchr(text.p, '.', text.n)) ||
           fault_set(fault, FAULT_SYNTAX, "There is a third period in the token.");
}

static bool read_header(struct arena *a, struct bytes encoded, bool lenient, struct jws *out, struct fault *fault)
{
    struct bytes text, alg;

    if (encoded.n > LIMIT_JOSE_HEADER)
        return fault_set(fault, FAULT_LIMIT, "The header is longer than %d bytes.", LIMIT_JOSE_HEADER);
    if (!base64url_decode_strict(a, encoded, &text))
        return fault_set(fault, FAULT_SYNTAX, "The header is not base64url.");
    if (!json_parse(a, text, NULL, &out->header, fault))
        return false;
    if (out->header->kind != JSON_OBJECT || !json_text(json_member(out->header, "alg"), &alg))
        return fault_set(fault, FAULT_SYNTAX, "The header has no alg.");
    if (json_member(out->header, "crit"))
        return fault_set(fault, FAULT_SYNTAX, "The header has crit: no critical extension is known here.");
    out->unsecured = bytes_is(alg, "none");
    return out->unsecured || alg_by_name(alg, lenient, &out->alg) ||
           fault_set(fault, FAULT_SYNTAX,
                     "The alg '%.*s' is not accepted; use RS256, RS384, RS512, PS256, PS384, PS512, ES256 or ES384.",
                     (int)(alg.n < 32 ? alg.n : 32), (const char *)alg.p);
}

bool jws_decode(struct arena *a, struct bytes text, bool lenient_names, struct jws *out, struct fault *fault)
{
    struct bytes part[3];

    *out = (struct jws){.text = text};
    if (!split(text, part, fault) || !read_header(a, part[0], lenient_names, out, fault))
        return false;
    out->signing_input = bytes_first(text, part[0].n + 1 + part[1].n);
    if (!base64url_decode_strict(a, part[1], &out->payload))
        return fault_set(fault, FAULT_SYNTAX, "The payload is not base64url.");
    if (!base64url_decode_strict(a, part[2], &out->signature))
        return fault_set(fault, FAULT_SYNTAX, "The signature is not base64url.");
    if (out->unsecured != (part[2].n == 0))
        return fault_set(fault, FAULT_SYNTAX,
                         out->unsecured ? "alg is none, but there is a signature." : "The signature is empty.");
    return true;
}

bool jws_fits_key(const struct jws *jws, const struct public_key *key)
{
    return !jws->unsecured && alg_fits_key(jws->alg, key->kind) && (key->alg == SIGNATURE_NONE || key->alg == jws->alg);
}

bool jws_verify(const struct jws *jws, const struct public_key *key)
{
    return jws_fits_key(jws, key) && signature_verify(key, jws->alg, jws->signing_input, jws->signature);
}

static bool unsigned_member(struct arena *a, const struct json *jwk, const char *name, struct bytes *out)
{
    struct bytes text;

    return json_text(json_member(jwk, name), &text) && base64url_decode_strict(a, text, out) && out->n > 0;
}

static bool decode_rsa(struct arena *a, const struct json *jwk, struct public_key *out)
{
    struct bytes n, e;

    return unsigned_member(a, jwk, "n", &n) && unsigned_member(a, jwk, "e", &e) && public_key_from_rsa(n, e, out);
}

static bool decode_ec(struct arena *a, const struct json *jwk, struct public_key *out)
{
    struct bytes curve, x, y;

    if (!json_text(json_member(jwk, "crv"), &curve) || !unsigned_member(a, jwk, "x", &x) ||
        !unsigned_member(a, jwk, "y", &y))
        return false;
    size_t size = bytes_is(curve, "P-256") ? 32 : bytes_is(curve, "P-384") ? 48 : 0;
    if (size == 0 || x.n != size || y.n != size)
        return false;
    struct writer point = wr_open(a);
    wr_put(&point, x);
    wr_put(&point, y);
    return public_key_from_point(wr_done(&point), out);
}

/* key_ops, where it stands, names an operation on signatures. */
static bool for_signatures(const struct json *operations)
{
    if (!operations)
        return true;
    JSON_EACH (operation, operations)
        if (operation->kind == JSON_STRING &&
            (bytes_is(operation->text, "verify") || bytes_is(operation->text, "sign")))
            return true;
    return false;
}

static bool decode_numbers(struct arena *a, const struct json *jwk, struct public_key *out, struct fault *fault)
{
    struct bytes text;

    if (!json_text(json_member(jwk, "kty"), &text))
        return fault_set(fault, FAULT_SYNTAX, "JWK: no kty");
    return (bytes_is(text, "RSA") ? decode_rsa(a, jwk, out) : bytes_is(text, "EC") && decode_ec(a, jwk, out)) ||
           fault_set(fault, FAULT_SYNTAX,
                     "JWK: neither RSA of 2048 to 4096 bits (n, e) nor a point of P-256 or P-384 (crv, x, y)");
}

/* What the JWK says that its key is for. */
static bool decode_purpose(const struct json *jwk, struct public_key *key, struct fault *fault)
{
    const struct json *use = json_member(jwk, "use"), *alg = json_member(jwk, "alg");
    enum signature_alg named = SIGNATURE_NONE;
    struct bytes text;

    if (use && (!json_text(use, &text) || !bytes_is(text, "sig")))
        return fault_set(fault, FAULT_SYNTAX, "JWK: its use is not sig");
    if (!for_signatures(json_member(jwk, "key_ops")))
        return fault_set(fault, FAULT_SYNTAX, "JWK: its key_ops name no operation on signatures");
    if (alg && (!json_text(alg, &text) || !alg_by_name(text, true, &named) || !alg_fits_key(named, key->kind)))
        return fault_set(fault, FAULT_SYNTAX, "JWK: its alg does not fit the key");
    key->alg = named;
    return true;
}

bool jwk_decode_numbers(struct arena *a, const struct json *jwk, struct public_key *out, struct fault *fault)
{
    *out = (struct public_key){0};
    return decode_numbers(a, jwk, out, fault);
}

bool jwk_decode(struct arena *a, const struct json *jwk, struct public_key *out, struct fault *fault)
{
    *out = (struct public_key){0};
    return decode_numbers(a, jwk, out, fault) && decode_purpose(jwk, out, fault);
}

bool jwk_decode_listed(struct arena *a, const struct json *jwk, struct public_key *out,
                       const struct certificate **certificate, struct fault *fault)
{
    const struct json *x5c = json_member(jwk, "x5c");
    struct public_key numbers;
    struct bytes text, der;

    *certificate = NULL;
    if (!x5c)
        return jwk_decode(a, jwk, out, fault);
    *out = (struct public_key){0};
    if (!json_text(json_element(x5c, 0), &text) || !base64_decode(a, text, &der, NULL) ||
        !certificate_decode(a, der, certificate, NULL) || (*certificate)->key.kind == KEY_NONE)
        return fault_set(fault, FAULT_SYNTAX, "JWK: x5c begins with no certificate of an accepted key");
    if ((json_member(jwk, "n") || json_member(jwk, "x")) &&
        (!decode_numbers(a, jwk, &numbers, fault) || !public_key_equal(&numbers, &(*certificate)->key)))
        return fault_set(fault, FAULT_SYNTAX, "JWK: its certificate is of another key than its numbers");
    *out = (*certificate)->key;
    return decode_purpose(jwk, out, fault);
}
