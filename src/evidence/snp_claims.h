/* Claims of SEV-SNP evidence (claims.md 4). */
#ifndef ASSAY_EVIDENCE_SNP_CLAIMS_H
#define ASSAY_EVIDENCE_SNP_CLAIMS_H

#include "evidence/snp.h"

/* Into x->incoming, from verified evidence. */
void snp_claims(struct exam *x, const struct snp_evidence *e);
/* Those of the report alone, under names that begin with x-ms-sevsnpvm-. */
void snp_report_claims(struct claims *out, const struct snp_report *r, const struct snp_tcb *reported);

#endif
