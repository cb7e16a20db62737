/* What a verified request of the protocol of TPMs proves, as claims (claims.md 8.1). */
#ifndef ASSAY_EVIDENCE_TPM_CLAIMS_H
#define ASSAY_EVIDENCE_TPM_CLAIMS_H

#include "evidence/tpm.h"

void tpm_claims(struct exam *x, const struct tpm_evidence *e);

#endif
