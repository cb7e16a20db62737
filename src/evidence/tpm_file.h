/* TPM evidence as a file, for tools (DESIGN 12, `--type tpm`): the attestation object of tpm-vbs.md 1.4 by itself. */
#ifndef ASSAY_EVIDENCE_TPM_FILE_H
#define ASSAY_EVIDENCE_TPM_FILE_H

#include "evidence/attester.h"
#include "evidence/parts/tpm_attestation.h"

struct tpm_file {
    struct tpm_attestation attestation;
    struct bytes nonce;
    bool has_nonce;
};
extern const struct attester tpm_file_attester; /* no path: no request carries it */
/* certificates: where the key's is looked for when the file brings none. nonce: what the quote's extra data must be, or NULL. */
bool tpm_decode_file(struct exam *x, struct bytes file, struct bytes certificates, const struct bytes *nonce);

#endif
