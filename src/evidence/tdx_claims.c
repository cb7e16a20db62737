#include "evidence/tdx_claims.h"

#include "base/text.h"
#include "evidence/parts/compliance.h"
#include "evidence/tdx.h"

enum { BOTH = CLAIM_POLICY | CLAIM_TOKEN };

static void attributes(struct exam *x, const struct td_report *r)
{
    static const struct {
        const char *claim;
        enum td_attribute bit;
    } flags[] = {{"tdx_td_attributes_debug", TD_DEBUG},
                 {"tdx_td_attributes_septve_disable", TD_SEPT_VE_DISABLE},
                 {"tdx_td_attributes_protection_keys", TD_PKS},
                 {"tdx_td_attributes_key_locker", TD_KEY_LOCKER},
                 {"tdx_td_attributes_perfmon", TD_PERFMON}};

    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        claims_boolean(&x->incoming, flags[i].claim, td_report_has(r, flags[i].bit), BOTH);
    claims_hex(&x->incoming, "tdx_td_attributes", r->td_attributes_bytes, BOTH);
    claims_hex(&x->incoming, "tdx_seam_attributes", r->seam_attributes, BOTH);
    claims_hex(&x->incoming, "tdx_xfam", r->xfam, BOTH);
}

static void measurements(struct exam *x, const struct td_report *r)
{
    claims_hex(&x->incoming, "tdx_mrsignerseam", r->mrsignerseam, BOTH);
    claims_hex(&x->incoming, "tdx_mrseam", r->mrseam, BOTH);
    claims_hex(&x->incoming, "tdx_mrtd", r->mrtd, BOTH);
    for (int i = 0; i < TD_RTMR_COUNT; i++)
        claims_hex(&x->incoming, arena_printf(x->arena, "tdx_rtmr%d", i), r->rtmr[i], BOTH);
    claims_hex(&x->incoming, "tdx_mrconfigid", r->mrconfigid, BOTH);
    claims_hex(&x->incoming, "tdx_mrowner", r->mrowner, BOTH);
    claims_hex(&x->incoming, "tdx_mrownerconfig", r->mrownerconfig, BOTH);
    claims_hex(&x->incoming, "tdx_report_data", r->report_data, BOTH);
}

void tdx_claims(struct exam *x, const struct tdx_evidence *e)
{
    const struct td_report *r = &e->report;
    struct reader svn = rd_open(r->tee_tcb_svn);

    claims_text(&x->incoming, "x-ms-attestation-type", BYTES_LIT("tdxvm"), CLAIM_POLICY);
    claims_text(&x->incoming, "eat_profile", BYTES_LIT("https://aka.ms/maa-eat-profile-tdxvm"), BOTH);
    claims_text(&x->incoming, "intuse", BYTES_LIT("generic"), BOTH);
    claims_text(&x->incoming, "dbgstat", bytes_text(td_report_has(r, TD_DEBUG) ? "enabled" : "disabled"), BOTH);
    claims_text(&x->incoming, "attester_tcb_status", bytes_text(tcb_status_name(x->tcb_status)), BOTH);
    claims_hex(&x->incoming, "tdx_tee_tcb_svn", r->tee_tcb_svn, BOTH);
    claims_integer(&x->incoming, "tdx_seamsvn", rd_u16le(&svn), BOTH); /* minor, then major: sgx-tdx.md 3.1 */
    attributes(x, r);
    measurements(x, r);
    compliance_claim(&x->incoming, compliance_of_tdx(x->settings->reference, td_report_under_test(r), r->mrtd));
    if (e->runtime.type == DATA_JSON)
        claims_json(&x->incoming, "x-ms-runtime", e->runtime.json, CLAIM_TOKEN);
    if (e->init.type == DATA_JSON)
        claims_json(&x->incoming, "x-ms-inittime", e->init.json, CLAIM_TOKEN);
}
