/* Structures of TPMs, and attestation objects, as trees. */
#ifndef ASSAY_CLI_SHOW_TPM_H
#define ASSAY_CLI_SHOW_TPM_H

#include "cli/show.h"

/* NULL with a fault when the bytes are none of the kind. */
struct json *show_tpm_attest(struct arena *a, struct bytes b, struct fault *fault);
struct json *show_tpm_public(struct arena *a, struct bytes b, struct fault *fault);
struct json *show_tpm_signature(struct arena *a, struct bytes b, struct fault *fault);
/* The object of tpm-vbs.md 1.4. */
struct json *show_tpm_attestation(struct arena *a, struct bytes b, struct fault *fault);
/* Add "tpm" where the certificate tells of which TPM its key is. */
void show_tpm_device(struct arena *a, struct json *o, const struct certificate *c);

#endif
