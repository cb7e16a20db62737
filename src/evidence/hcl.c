#include "evidence/hcl.h"

#include "evidence/parts/hcl_report.h"
#include "evidence/snp.h"
#include "evidence/snp_claims.h"

struct hcl_evidence {
    struct hcl_report report;
    struct hcl_claims claims;
    struct snp_evidence snp;
};

static const enum check_id required[] = {CHECK_HCL_SHAPE, CHECK_HCL_TYPE, CHECK_SNP_REQUEST, SNP_REPORT_CHECKS,
                                         CHECK_UVM_SHAPE, HCL_CHECKS,     CHECK_END};

static bool decode_report(struct exam *x, struct bytes file, struct hcl_report *out)
{
    struct fault fault = {0};

    if (!check_that(x, HCL_SHAPE, hcl_report_read(file, out, &fault))) {
        check_note(x->trace, "%s", fault.text);
        return false;
    }
    if (check_eq(x, HCL_TYPE, hcl_type_name(out->type), hcl_type_name(HCL_SNP)))
        return true;
    if (out->type == HCL_TDX)
        check_note(x->trace,
                   "a TDREPORT means nothing outside its processor: verify its TD quote, and give this file as "
                   "the runtime data");
    return false;
}

bool hcl_decode_file(struct exam *x, struct bytes file, struct bytes certificates)
{
    struct hcl_evidence *e = ARENA_NEW(x->arena, struct hcl_evidence);

    x->evidence = e;
    if (!decode_report(x, file, &e->report) || !hcl_claims_decode(x, e->report.claims, &e->claims))
        return false;
    e->snp.runtime = (struct request_data){.type = DATA_JSON, .data = e->claims.bytes, .json = e->claims.json};
    return snp_decode_report(x, e->report.hardware, certificates, &e->snp);
}

static bool verify(struct exam *x)
{
    struct hcl_evidence *e = x->evidence;
    bool absent = false;

    if (!snp_verify_report(x, &e->snp, &absent))
        return absent;
    if (!hcl_claims_bound(x, &e->claims, e->snp.report.report_data))
        return false;
    snp_claims(x, &e->snp);
    return true;
}

const struct attester hcl_attester = {
    .path = "SevSnpVm",
    .type = "sevsnpvm",
    .default_policy = NULL,
    .required = required,
    .verify = verify,
};
