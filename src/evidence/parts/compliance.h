/* x-ms-compliance-status: does evidence come from what Azure runs, by the operator's lists? (snp-cvm.md 2.7, claims.md 4.1) */
#ifndef ASSAY_EVIDENCE_PARTS_COMPLIANCE_H
#define ASSAY_EVIDENCE_PARTS_COMPLIANCE_H

#include "evidence/parts/uvm.h"

/* What a verified SEV-SNP report says. */
struct snp_compliance {
    uint32_t vmpl;
    bool debuggable, migratable;
    struct bytes id_key_digest;
    const struct json *runtime; /* the object that the report's data bind; NULL: none was sent, or it is no JSON */
    const struct uvm *uvm;      /* verified; may be NULL */
};
/* The status, or NULL: a utility VM's by its endorsement, else a confidential VM's by what its paravisor bound. */
const char *compliance_of_snp(const struct reference_values *r, const struct snp_compliance *s);
const char *compliance_of_tdx(const struct reference_values *r, bool under_test, struct bytes mrtd);
/* Makes the claim where there is a status. */
void compliance_claim(struct claims *incoming, const char *status);

#endif
