/* Reports of Azure's paravisor as evidence by themselves, as they lie in NV index 0x01400001 (snp-cvm.md 3.2); for tools. One of
 * SEV-SNP is what SevSnpVm judges, with the runtime claims as runtime data. One of TDX holds a TDREPORT, which its own processor
 * alone can check: it is refused, and says what to give instead. */
#ifndef ASSAY_EVIDENCE_HCL_H
#define ASSAY_EVIDENCE_HCL_H

#include "evidence/attester.h"

extern const struct attester hcl_attester; /* not among those that attester_find knows */

/* The certificates, DER or PEM, are those of the chip. */
bool hcl_decode_file(struct exam *x, struct bytes file, struct bytes certificates);

#endif
