/* Claims of SGX evidence (claims.md 3). */
#ifndef ASSAY_EVIDENCE_SGX_CLAIMS_H
#define ASSAY_EVIDENCE_SGX_CLAIMS_H

#include "endorsement/intel/intel.h"

struct sgx_evidence;

/* Appends to x->incoming what verified evidence proves. */
void sgx_claims(struct exam *x, const struct sgx_evidence *e, const struct intel_basis *basis);

#endif
