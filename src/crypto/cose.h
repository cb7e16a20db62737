/* COSE_Sign1 (RFC 9052 4.2) with the algorithms that endorsements of utility VMs may use: PS256, PS384, PS512, ES256, ES384. */
#ifndef ASSAY_CRYPTO_COSE_H
#define ASSAY_CRYPTO_COSE_H

#include "base/fault.h"
#include "crypto/cbor.h"
#include "crypto/verify.h"

/* Header labels that are registered (RFC 9052 3.1, RFC 9360, RFC 9597). */
enum cose_label { COSE_ALG = 1, COSE_CRIT = 2, COSE_CONTENT_TYPE = 3, COSE_CWT_CLAIMS = 15, COSE_X5CHAIN = 33 };

struct cose_sign1 {
    enum signature_alg alg;
    struct bytes protected_bytes; /* as they are signed */
    const struct cbor *headers;   /* the protected map; what is not protected proves nothing */
    struct bytes payload, signature;
};

/* Tag 18 over the four members, payload within. A header that is critical, or stands in both maps, is refused. */
bool cose_sign1_decode(struct arena *a, struct bytes b, struct cose_sign1 *out, struct fault *fault);
/* Is it signed by this key, which must be of the kind that its algorithm is for? */
bool cose_sign1_verify(struct arena *a, const struct cose_sign1 *m, const struct public_key *key);
/* What the signature is made over: Sig_structure without external data. */
struct bytes cose_sign1_signed(struct arena *a, struct bytes protected_bytes, struct bytes payload);

#endif
