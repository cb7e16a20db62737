/* The TD report of a simulated trust domain (sgx-tdx.md 3). */
#include "evidence/parts/td_report.h"

#include "simulate/kinds.h"
#include "simulate/platform.h"

enum { MR_SIZE = 48, TCB_SIZE = 16, RTMR_FIRST = 0xa0 };

static void fill(struct writer *w, uint8_t byte, size_t n)
{
    for (size_t i = 0; i < n; i++)
        wr_u8(w, byte);
}

/* SVN and version of the module, then what the platform's TDX components are compared with. */
static void tcb_svn(struct writer *w, uint8_t svn, uint8_t version, uint8_t rest)
{
    wr_u8(w, svn);
    wr_u8(w, version);
    fill(w, rest, TCB_SIZE - 2);
}

static void module(struct platform *p, struct writer *w)
{
    uint8_t version = p->options->unnumbered_module ? 0 : MODULE_VERSION;

    if (platform_fault(p, "tdx.module.known"))
        version++;
    tcb_svn(w, version ? MODULE_SVN : PLATFORM_SVN, version, PLATFORM_SVN);
    fill(w, 0x5e, MR_SIZE); /* MRSEAM */
    fill(w, platform_fault(p, "tdx.module.signer"), MR_SIZE);
    wr_u64le(w, platform_fault(p, "tdx.module.attributes") || platform_fault(p, "tdx.module.attributes:as-described"));
}

/* Behind the body of 1.0: what is loaded now, and the service TD. */
static void of_15(const struct platform *p, struct writer *w)
{
    uint8_t version = p->options->unnumbered_module ? 0 : MODULE_VERSION;
    bool updated = p->options->module_updated || platform_fault(p, "intel.tcb.status:relaunch");

    if (updated)
        tcb_svn(w, version ? MODULE_SVN_NEWEST : PLATFORM_SVN + 1, version, PLATFORM_SVN + 1);
    else
        tcb_svn(w, version ? MODULE_SVN : PLATFORM_SVN, version, PLATFORM_SVN);
    fill(w, 0, MR_SIZE);
}

struct bytes platform_td_report(struct platform *p, struct bytes report_data, struct bytes config_id)
{
    struct writer w = wr_open(p->arena);
    uint64_t attributes = UINT64_C(1) << TD_SEPT_VE_DISABLE | (p->options->debug ? UINT64_C(1) << TD_DEBUG : 0);
    size_t size = td_report_size(p->options->td_report);

    module(p, &w);
    wr_u64le(&w, attributes);
    wr_u64le(&w, 0x618e7); /* XFAM */
    fill(&w, SIMULATED_MRTD_BYTE, MR_SIZE);
    wr_put(&w, config_id);
    fill(&w, 0, MR_SIZE - config_id.n);
    fill(&w, 0, 2 * MR_SIZE); /* MROWNER, MROWNERCONFIG */
    for (uint8_t i = 0; i < TD_RTMR_COUNT; i++)
        fill(&w, (uint8_t)(RTMR_FIRST + i), MR_SIZE);
    wr_put(&w, report_data);
    if (size > TD_REPORT_10_SIZE)
        of_15(p, &w);
    if (size > TD_REPORT_15_SIZE) {
        wr_u8(&w, platform_fault(p, "tdx.report.vm"));
        fill(&w, 0, size - wr_done(&w).n);
    }
    return wr_done(&w);
}

size_t td_report_size(enum simulate_td_report form)
{
    return form == SIMULATE_TD_15EX ? TD_REPORT_15EX_SIZE
           : form == SIMULATE_TD_15 ? TD_REPORT_15_SIZE
                                    : TD_REPORT_10_SIZE;
}
