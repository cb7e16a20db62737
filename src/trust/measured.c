/* What the reports of each kind of TEE say that runs in it. */
#include "evidence/parts/quote.h"
#include "evidence/parts/snp_report.h"
#include "evidence/parts/td_report.h"
#include "token/evidence.h"
#include "trust/measurement.h"

struct measurement measurement_of_sgx(const struct sgx_report *r)
{
    return (struct measurement){.tee = TEE_KIND_SGX,
                                .code = r->mrenclave,
                                .signer = r->mrsigner,
                                .product = r->isv_prod_id,
                                .svn = r->isv_svn,
                                .report_data = r->report_data,
                                .debug = r->flags & SGX_FLAG_DEBUG};
}

struct measurement measurement_of_tdx(const struct td_report *r)
{
    struct measurement m = {
        .tee = TEE_KIND_TDX, .code = r->mrtd, .report_data = r->report_data, .debug = td_report_under_test(r)};

    for (size_t i = 0; i < MEASUREMENT_REGISTERS; i++)
        m.registers[i] = r->rtmr[i];
    return m;
}

struct measurement measurement_of_snp(const struct snp_report *r)
{
    return (struct measurement){.tee = TEE_KIND_SNP,
                                .code = r->measurement,
                                .host_data = r->host_data,
                                .svn = r->guest_svn,
                                .report_data = r->report_data,
                                .debug = snp_policy_has(r, SNP_POLICY_DEBUG)};
}

static bool read_quote(const struct key_evidence *e, struct measurement *out)
{
    struct quote q;

    if (!quote_read(e->report, &q) || q.tee != (e->tee == KEY_TDX ? QUOTE_TEE_TDX : QUOTE_TEE_SGX))
        return false;
    if (e->tee == KEY_TDX) {
        struct td_report report;

        if (!td_report_read(q.body, &report))
            return false;
        *out = measurement_of_tdx(&report);
    } else {
        struct reader r = rd_open(q.body);
        struct sgx_report report;

        sgx_report_read(&r, &report);
        *out = measurement_of_sgx(&report);
    }
    return out->code.n > 0;
}

bool measurement_read(struct arena *a, const struct key_evidence *e, struct measurement *out)
{
    struct snp_report report;

    switch (e->tee) {
    case KEY_SGX:
    case KEY_TDX: return read_quote(e, out);
    case KEY_SNP:
        if (!snp_report_read(a, e->report, &report))
            return false;
        *out = measurement_of_snp(&report);
        return true;
    default: return false;
    }
}
