/* libtss2-mu, for the files that read structures of a TPM; nothing else of this program sees its types. */
#ifndef ASSAY_EVIDENCE_PARTS_TPM_MU_H
#define ASSAY_EVIDENCE_PARTS_TPM_MU_H

#include <tss2/tss2_mu.h>

#include "evidence/parts/tpm.h"

#endif
