/* JOSE, compact form only (RFC 7515, 7518): reading and verifying JWS. The key's type decides which algorithms are
 * possible; the header only chooses among them. `none` is a caller's explicit choice. */
#ifndef ASSAY_CRYPTO_JOSE_H
#define ASSAY_CRYPTO_JOSE_H

#include "base/json.h"
#include "crypto/x509.h"

struct jws {
    struct bytes text;          /* the whole compact form */
    struct bytes signing_input; /* header "." payload, as it stood */
    const struct json *header;  /* an object with unique members */
    struct bytes payload;       /* decoded */
    struct bytes signature;     /* decoded; empty for alg none */
    enum signature_alg alg;     /* SIGNATURE_NONE with unsecured set: alg "none" */
    bool unsecured;
};

/* Split and decode. Base64url is strict (no padding, canonical). Names RSA256 and ECDH256 of the .NET client count as
 * RS256 and ES256 when lenient_names is set (clients.md 1.6). A header with "crit", or an alg not in this list, is
 * refused: none, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384. */
bool jws_decode(struct arena *a, struct bytes text, bool lenient_names, struct jws *out, struct fault *fault);
/* The algorithm that the header chooses is one of the key's (RFC 8725 3.1). */
bool jws_fits_key(const struct jws *jws, const struct public_key *key);
/* True only for a secured JWS whose algorithm fits the key and whose signature verifies. */
bool jws_verify(const struct jws *jws, const struct public_key *key);
const char *signature_alg_name(enum signature_alg alg); /* "RS256" */
/* Key of a JWK: kty RSA (n, e) or EC (crv P-256, P-384; x, y). A "use" other than sig, "key_ops" without verify or sign, or
 * an "alg" that does not fit the key refuses it; "alg" binds the key to that algorithm. x5c is not looked at. */
bool jwk_decode(struct arena *a, const struct json *jwk, struct public_key *out, struct fault *fault);
/* The same without a look at what the key is for: keys of others, that somebody else vouches for. */
bool jwk_decode_numbers(struct arena *a, const struct json *jwk, struct public_key *out, struct fault *fault);
/* Key of an entry of a key set (RFC 7517 5): that of the first certificate of its x5c, which is *certificate then, else its own
 * numbers (*certificate is NULL). Where both stand they must be one key. "use", "key_ops" and "alg" as above. Dates and issuer of
 * the certificate are not looked at: who serves the set vouches for it. */
bool jwk_decode_listed(struct arena *a, const struct json *jwk, struct public_key *out,
                       const struct certificate **certificate, struct fault *fault);

#endif
