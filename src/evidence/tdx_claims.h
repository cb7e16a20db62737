/* Claims of TDX evidence: the EAT profile of claims.md 5. */
#ifndef ASSAY_EVIDENCE_TDX_CLAIMS_H
#define ASSAY_EVIDENCE_TDX_CLAIMS_H

#include "endorsement/exam.h"

struct tdx_evidence;

/* Appends to x->incoming what verified evidence proves. */
void tdx_claims(struct exam *x, const struct tdx_evidence *e);

#endif
