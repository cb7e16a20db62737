/* Endorsements: what vouches for hardware (RFC 9334). One immutable set serves many appraisals; it is decoded, and its
 * signatures are verified, when it is loaded. Validity periods, revocation, baseline and settings are judged anew by every
 * appraisal (DESIGN 5, "Caches"). */
#ifndef ASSAY_ENDORSEMENT_ENDORSEMENT_H
#define ASSAY_ENDORSEMENT_ENDORSEMENT_H

#include "crypto/x509.h"

struct endorsements;

struct held_crl {
    const struct crl *crl;
    uint8_t pem_hash[SHA256_SIZE]; /* of the CRL in PEM and one NUL (sgx-tdx.md 10) */
};

struct endorsements *endorsements_new(size_t memory_limit);
void endorsements_free(struct endorsements *e);
/* Add one file, recognised by its content: TCB info, enclave identity (JSON); certificates (DER or PEM); CRLs (DER, PEM,
 * hex); OE endorsements (sgx-tdx.md 9.5). The text is copied. name is for messages. Returns false with a fault for what is
 * none of these or does not decode; the set is then as it was. The same content twice counts once. */
bool endorsements_add(struct endorsements *e, const char *name, struct bytes text, struct fault *fault);
/* Trust this key too, for every kind of chain: operator's and simulated roots. development marks simulated ones: tokens
 * that rest on them carry x-assay-development. */
void endorsements_add_anchor(struct endorsements *e, const uint8_t spki_digest[SHA256_SIZE], bool development);
/* After the last add: verify signatures among what was loaded. Nothing may be added later. */
void endorsements_seal(struct endorsements *e);

#endif
