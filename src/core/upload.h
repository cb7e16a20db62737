/* What callers send to manage a provider: policies and certificates as JWS in the five encodings that clients use, and the
 * rules for who signed them (api.md 0 items 3 and 4, 3.3-3.5, 3.8; policy.md 10; clients.md 1). */
#ifndef ASSAY_CORE_UPLOAD_H
#define ASSAY_CORE_UPLOAD_H

#include "core/core.h"
#include "crypto/jose.h"

/* Why a request to manage was refused: an error code of api.md 1.4 and a sentence with the remedy. */
struct refusal {
    const char *code;
    struct bytes message;
};

struct upload {
    struct bytes text; /* the bare compact JWS, as it is stored and hashed */
    struct jws jws;
    const struct certificate *chain; /* x5c, leaf first; NULL: unsigned, or a bare jwk */
    const struct json *signer;       /* x-ms-policy-signer; NULL: unsigned */
};

/* The compact JWS inside a body, as upload_decode finds it. */
bool upload_bare_text(struct arena *a, struct bytes body, const char *member, struct bytes *out,
                      struct refusal *refusal);
/* The JWS of a body: white space and one pair of JSON quotes stripped; for certificates also the object form, whose member
 * is `member` (NULL: none). Decodes it and, when it is signed, verifies the signature under its own x5c or jwk. */
bool upload_decode(struct arena *a, struct bytes body, const char *member, const struct certificate *registered,
                   int64_t time, struct upload *out, struct refusal *refusal);
/* One that was accepted before: decoded again, neither signature nor dates are judged anew. */
bool upload_decode_stored(struct arena *a, struct bytes jws, struct upload *out, struct refusal *refusal);
/* The policy text of an upload's payload ({"AttestationPolicy": base64url}). */
bool upload_policy_text(struct arena *a, const struct upload *u, struct bytes *text, struct refusal *refusal);
/* The certificate to add or remove ({"policyCertificate": JWK with x5c}, and its older names). */
bool upload_certificate(struct arena *a, const struct upload *u, const struct certificate **out,
                        struct refusal *refusal);
/* Isolated trust model: signed, by a registered certificate or one that chains to it. */
bool upload_signed_by(struct arena *a, const struct upload *u, const struct certificate *registered, int64_t time,
                      struct refusal *refusal);
/* {"alg","kty","use","x5c"} of a chain, as answers and tokens name a signer. */
struct json *signer_json(struct arena *a, enum signature_alg alg, const struct certificate *chain);

#endif
