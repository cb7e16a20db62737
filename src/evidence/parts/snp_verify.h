/* What evidence with a SEV-SNP report shares: the checks over the report, its key's certificate and its TCB (snp-cvm.md 1.9). */
#ifndef ASSAY_EVIDENCE_PARTS_SNP_VERIFY_H
#define ASSAY_EVIDENCE_PARTS_SNP_VERIFY_H

#include "evidence/parts/snp_report.h"

/* Rows of checks.def that these state, for lists of required checks. */
#define SNP_REPORT_CHECKS                                                                                       \
    CHECK_SNP_REPORT_SHAPE, CHECK_SNP_REPORT_VERSION, CHECK_SNP_REPORT_ALGORITHM, CHECK_SNP_REPORT_KEY,         \
        CHECK_SNP_REPORT_VMPL, AMD_CHECKS, CHECK_SNP_GENERATION, CHECK_SNP_PRODUCT, CHECK_SNP_REPORT_SIGNATURE, \
        CHECK_SNP_TCB, CHECK_SNP_CHIP_ID, CHECK_SNP_TCB_ORDER, CHECK_SNP_TCB_MINIMUM, CHECK_SNP_CHIP_NOT_DENIED

/* What a verified report rests on. */
struct snp_basis {
    const struct amd_chain *chain;
    enum snp_product product;
    struct snp_tcb reported, current, committed, launch;
};

/* Reads the report and states the rows about its bytes. */
bool snp_report_decode(struct exam *x, struct bytes bytes, struct snp_report *out);
/* Certificates are those that came with the evidence, DER or PEM; may be empty. False with *absent set when only a mutant let it
 * come this far without a certificate. */
bool snp_report_verify(struct exam *x, const struct snp_report *r, struct bytes certificates, struct snp_basis *out,
                       bool *absent);

#endif
