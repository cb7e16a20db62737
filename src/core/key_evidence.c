#include "core/key_evidence.h"

#include "base/text.h"
#include "evidence/parts/quote.h"
#include "evidence/parts/snp_report.h"
#include "evidence/parts/td_report.h"

static bool quote_data(struct key_evidence *e, struct bytes *out)
{
    uint32_t tee = e->tee == KEY_TDX ? QUOTE_TEE_TDX : QUOTE_TEE_SGX;
    struct quote q;

    if (!quote_read(e->report, &q) || q.tee != tee)
        return false;
    e->report = bytes_first(e->report, e->report.n - q.tail.n);
    if (e->tee == KEY_TDX) {
        struct td_report report;

        td_report_read(q.body, &report);
        *out = report.report_data;
    } else {
        struct reader r = rd_open(q.body);
        struct sgx_report report;

        sgx_report_read(&r, &report);
        *out = report.report_data;
    }
    return out->n == KEY_REPORT_DATA;
}

bool key_evidence_report_data(struct arena *a, struct key_evidence *e, struct bytes *out)
{
    struct snp_report report;

    switch (e->tee) {
    case KEY_SGX:
    case KEY_TDX: return quote_data(e, out);
    case KEY_SNP:
        if (!snp_report_read(a, e->report, &report))
            return false;
        *out = report.report_data;
        return true;
    default: return false;
    }
}

bool key_evidence_judge(struct key_evidence_exam *x, struct key_evidence *e, struct bytes kid)
{
    struct bytes data = BYTES_NONE, binding;

    if (!check_that(x, KEY_EVIDENCE_SHAPE, key_evidence_report_data(x->arena, e, &data)))
        return false;
    bool read = base64_decode(x->arena, kid, &binding, NULL);
    return check_that(x, KEY_EVIDENCE_BINDING,
                      read && binding.n == SHA256_SIZE && bytes_equal(bytes_first(data, SHA256_SIZE), binding) &&
                          bytes_all_zero(bytes_after(data, SHA256_SIZE)));
}
