/* The attestations of a request, as version 2 has them: of the present state, and of the boot before hibernation. Version 1 sends
 * the same in other members (tpm-vbs.md 1.3), which are brought into that form. */
#ifndef ASSAY_EVIDENCE_TPM_ATTESTATIONS_H
#define ASSAY_EVIDENCE_TPM_ATTESTATIONS_H

#include "evidence/tpm_request.h"

/* States ATTREQ_CLAIMS. *boot is NULL where there is none; *current is where it is missing, too. */
bool tpm_attestations_find(struct exam *x, const struct tpm_request *r, const struct json **current,
                           const struct json **boot);

#endif
