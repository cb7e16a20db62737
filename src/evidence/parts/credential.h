/* Credential activation (TCG TPM 2.0 Library, part 1, "Credential Protection"; tpm-vbs.md 2.5): a secret that only the TPM with
 * this endorsement key can give back, and only where it holds an object of this name. Whoever issues certificates for attestation
 * keys proves so that the key is in the TPM. */
#ifndef ASSAY_EVIDENCE_PARTS_CREDENTIAL_H
#define ASSAY_EVIDENCE_PARTS_CREDENTIAL_H

#include "evidence/parts/tpm.h"

/* What the two sizes stand before (TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET). */
struct credential {
    struct bytes id_object, secret;
};
/* The file of tpm2_makecredential: magic, version 1, then the two; nothing behind. */
bool credential_read(struct arena *a, struct bytes file, struct credential *out, struct fault *fault);
struct bytes credential_write(struct arena *a, const struct credential *c);

/* Randomness that making one takes: a seed, and as many bytes to pad it. */
enum { CREDENTIAL_RANDOM = 2 * DIGEST_MAX, CREDENTIAL_SECRET_MOST = 32 };
/* ek: RSA, restricted and decrypting, with AES-128 in CFB mode, as the default template has it; its name algorithm is used all
 * through. name: of the attestation key. secret: at most CREDENTIAL_SECRET_MOST bytes. False, with a fault, for keys of other
 * forms. */
bool credential_make(struct arena *a, const struct tpm_public *ek, struct bytes name, struct bytes secret,
                     const uint8_t random[CREDENTIAL_RANDOM], struct credential *out, struct fault *fault);

#endif
