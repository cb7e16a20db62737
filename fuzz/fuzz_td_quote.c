/* Any bytes as a quote of TDX: they are refused by a named check, or every check was made; a TD report has its parts within it. */
#include "intel.h"

#include "endorsement/intel/intel.h"

static struct endorsements *endorsements;
static struct settings settings;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    settings = SETTINGS_DEFAULT;
    settings.accepted_tdx = UINT16_MAX;
    endorsements = fuzz_endorsements_tdx();
    return 0;
}

static void as_report(struct bytes body)
{
    struct td_report r;
    bool whole = td_report_read(body, &r);

    must(whole == (body.n == TD_REPORT_10_SIZE || body.n == TD_REPORT_15_SIZE || body.n == TD_REPORT_15EX_SIZE));
    if (whole)
        must(r.report_data.n == 64 && r.report_data.p == body.p + 520 && r.mrtd.n == 48);
    must(!whole || (r.current_tcb_svn.n == 16) == (body.n > TD_REPORT_10_SIZE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size);
    struct arena a;
    struct exam x;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    as_report(text);
    fuzz_exam(&x, &a, endorsements, &settings);
    x.time = FUZZ_TIME_TDX;
    fuzz_verify(&x, tdx_decode_file(&x, text, NULL, NULL), &tdx_attester);
    if (x.tcb)
        must(x.tcb->status != TCB_REVOKED || x.trace->failed);
    arena_free(&a);
    return 0;
}
