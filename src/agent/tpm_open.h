/* What the files about the TPM share: the open TPM. */
#ifndef ASSAY_AGENT_TPM_OPEN_H
#define ASSAY_AGENT_TPM_OPEN_H

#include <tss2/tss2_esys.h>

#include "agent/tpm.h"

enum { AGENT_OBJECTS = 8 }; /* loaded at one time: an attestation key, a key of a request, a session */

struct agent_tpm {
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    ESYS_TR flush[AGENT_OBJECTS], close[AGENT_OBJECTS]; /* of the TPM; of the software stack alone */
    size_t flushes, closes;
};

/* False with a fault that says which command failed with what, unless rc is success. */
bool agent_tpm_did(TSS2_RC rc, const char *command, struct fault *fault);
bool agent_tpm_keep(struct agent_tpm *t, ESYS_TR object, struct fault *fault);
/* Public area and what a request says of it. */
bool agent_key_describe(struct arena *a, const TPM2B_PUBLIC *public, struct agent_key *out, struct fault *fault);
/* TPMT_SIGNATURE, and of RSA the number alone. */
bool agent_signature_write(struct arena *a, const TPMT_SIGNATURE *s, struct bytes *whole, struct bytes *raw,
                           struct fault *fault);
TPMI_ALG_HASH agent_hash_id(enum digest_alg alg);
/* Room for a copy of what the software stack gave. False: it does not fit (FAULT_LIMIT). */
bool agent_nonce(struct bytes nonce, TPM2B_DATA *out, struct fault *fault);
void agent_select(const struct agent_bank *bank, TPMS_PCR_SELECTION *out);

#endif
