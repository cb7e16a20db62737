/* Claims of Azure's virtual machines (claims.md 6). */
#ifndef ASSAY_EVIDENCE_AZURE_GUEST_CLAIMS_H
#define ASSAY_EVIDENCE_AZURE_GUEST_CLAIMS_H

#include "evidence/azure_guest.h"

/* Into x->incoming, from verified evidence. */
void guest_claims(struct exam *x, const struct guest_evidence *e);

#endif
