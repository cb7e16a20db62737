/* Evidence of TDX: reports of every form, every status of platform, module and quoting enclave, the relaunch rule, wrappings. */
#include "arena_test.h"

#include "endorsement/intel/intel.h"
#include "evidence/tdx.h"
#include "simulate/simulate.h"

static void report_forms(void **state)
{
    (void)state;
    static const size_t good[] = {TD_REPORT_10_SIZE, TD_REPORT_15_SIZE, TD_REPORT_15EX_SIZE};
    uint8_t body[TD_REPORT_15EX_SIZE + 1];
    struct td_report r;

    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i / 8);
    for (size_t n = 0, found = 0; n <= sizeof body; n++) {
        bool is_good = found < 3 && n == good[found];

        assert_int_equal(td_report_read(bytes_make(body, n), &r), is_good);
        found += is_good;
    }
    assert_true(td_report_read(bytes_make(body, TD_REPORT_15EX_SIZE), &r));
    assert_ptr_equal(r.mrseam.p, body + 16);
    assert_ptr_equal(r.mrsignerseam.p, body + 64);
    assert_ptr_equal(r.seam_attributes.p, body + 112);
    assert_int_equal(r.td_attributes, UINT64_C(0x0f0f0f0f0f0f0f0f));
    assert_ptr_equal(r.xfam.p, body + 128);
    assert_ptr_equal(r.mrtd.p, body + 136);
    assert_ptr_equal(r.mrconfigid.p, body + 184);
    assert_ptr_equal(r.mrowner.p, body + 232);
    assert_ptr_equal(r.mrownerconfig.p, body + 280);
    assert_ptr_equal(r.rtmr[3].p, body + 328 + 3 * 48);
    assert_ptr_equal(r.report_data.p, body + 520);
    assert_ptr_equal(r.current_tcb_svn.p, body + 584);
    assert_ptr_equal(r.mrservicetd.p, body + 600);
    assert_int_equal(r.vm_id, 648 / 8);
    assert_ptr_equal(r.td_id.p, body + 649);
    assert_ptr_equal(r.current_service_td_attributes.p, body + 877);
    assert_true(td_report_has(&r, TD_DEBUG));
    assert_false(td_report_has(&r, TD_PERFMON));
}

static bool judge(const struct simulate_options *o, struct exam *x, struct simulated *s)
{
    struct endorsements *e = endorsements_new(64 * 1024 * 1024);
    enum check_id missing;
    struct fault fault = {0};

    if (!simulate(&arena, o, s, &fault) || !simulate_endorsements(s, e, true, &fault))
        fail_msg("%s", fault.text);
    *x = (struct exam){
        .arena = &arena, .trace = trace_new(&arena), .endorsements = e, .settings = &s->settings, .time = s->time};
    claims_init(&x->incoming, &arena);
    bool ok = simulated_decode(s, x) && tdx_verify(x) && trace_complete(x->trace, tdx_required, &missing);
    endorsements_free(e);
    x->endorsements = NULL;
    return ok;
}

/* sgx-tdx.md 7, the table of converge, written down once more. */
static enum tcb_status converged(enum tcb_status x, enum tcb_status other)
{
    bool configuration = x == TCB_CONFIGURATION_NEEDED || x == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED;

    if (other == TCB_NOT_SUPPORTED || x == TCB_NOT_SUPPORTED)
        return TCB_NOT_SUPPORTED;
    if (other == TCB_REVOKED)
        return TCB_REVOKED;
    if (other != TCB_OUT_OF_DATE)
        return x;
    if (configuration)
        return TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
    return x == TCB_UP_TO_DATE || x == TCB_SW_HARDENING_NEEDED ? TCB_OUT_OF_DATE : x;
}

/* The platform's level is one of SGX and of TDX. `updated`: the newest module was loaded beneath the running TD. */
static enum tcb_status expected(enum tcb_status platform, enum tcb_status module, enum tcb_status qe, bool updated)
{
    enum tcb_status s = converged(platform, module);
    bool good = platform == TCB_UP_TO_DATE || platform == TCB_SW_HARDENING_NEEDED ||
                platform == TCB_CONFIGURATION_NEEDED || platform == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED;

    if (updated && good && module == TCB_OUT_OF_DATE && qe == TCB_UP_TO_DATE)
        return s == TCB_OUT_OF_DATE ? TCB_TD_RELAUNCH_ADVISED : TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED;
    return converged(s, qe);
}

static void one_status(enum tcb_status platform, enum tcb_status module, enum tcb_status qe, bool updated)
{
    struct simulate_options o = {.kind = SIMULATE_TDX,
                                 .version = 5,
                                 .status = tcb_status_name(platform),
                                 .module_status = tcb_status_name(module),
                                 .qe_status = tcb_status_name(qe),
                                 .module_updated = updated};
    struct simulated s;
    struct exam x;
    bool ok = judge(&o, &x, &s);
    enum tcb_status wanted = expected(platform, module, qe, updated);

    if (!x.tcb_known || x.tcb_status != wanted)
        fail_msg("platform %s, module %s, quoting enclave %s, %supdated: %s instead of %s", o.status, o.module_status,
                 o.qe_status, updated ? "" : "not ", tcb_status_name(x.tcb_status), tcb_status_name(wanted));
    assert_int_equal(ok, wanted == TCB_UP_TO_DATE || wanted == TCB_SW_HARDENING_NEEDED);
    assert_int_equal(x.tcb->module_status, module);
    assert_int_equal(x.tcb->qe_status, qe);
    if (!ok)
        assert_int_equal(trace_failure(x.trace)->id, CHECK_INTEL_TCB_STATUS);
    arena_reset(&arena);
}

static void every_status(void **state)
{
    (void)state;
    static const enum tcb_status parts[] = {TCB_UP_TO_DATE, TCB_OUT_OF_DATE, TCB_REVOKED, TCB_NOT_SUPPORTED};
    static const enum tcb_status levels[] = {TCB_UP_TO_DATE,
                                             TCB_SW_HARDENING_NEEDED,
                                             TCB_CONFIGURATION_NEEDED,
                                             TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
                                             TCB_OUT_OF_DATE,
                                             TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
                                             TCB_REVOKED,
                                             TCB_NOT_SUPPORTED};

    for (size_t p = 0; p < 8; p++)
        for (size_t m = 0; m < 4; m++)
            for (size_t q = 0; q < 4; q++)
                for (int updated = 0; updated < 2; updated++)
                    one_status(levels[p], parts[m], parts[q], updated);
}

/* A TCB info of two levels and one module identity, and a platform on the lower of each. */
static struct tcb_level levels[] = {{.tdx = {9, 0, 9}, .status = TCB_UP_TO_DATE},
                                    {.tdx = {3}, .status = TCB_OUT_OF_DATE}};
static const struct svn_level module_levels[] = {{.isv_svn = 7, .status = TCB_UP_TO_DATE},
                                                 {.isv_svn = 4, .status = TCB_OUT_OF_DATE}};
static const struct tdx_module modules[] = {{.id = BYTES_LIT("tdx_0a"), .levels = module_levels, .level_count = 2}};
static const struct svn_level qe_levels[] = {{.isv_svn = 1, .status = TCB_UP_TO_DATE}};
static const struct enclave_identity identity = {.levels = qe_levels, .level_count = 1};
static const struct tcb_info info = {.tee = TEE_TDX,
                                     .levels = levels,
                                     .level_count = 2,
                                     .has_module = true,
                                     .module_identities = modules,
                                     .module_identity_count = 1};

static enum tcb_status status_of(const struct tcb_platform *p)
{
    struct tcb_verdict v;

    tcb_judge(&info, &identity, p, &v);
    return v.status;
}

static void relaunch_rule(void **state)
{
    (void)state;
    struct tcb_platform p = {
        .tee = TEE_TDX, .qe_svn = 1, .tee_tcb_svn = {4, 10, 9}, .has_current = true, .current_tcb_svn = {7, 10, 9}};

    assert_int_equal(status_of(&p), TCB_TD_RELAUNCH_ADVISED);
    p.current_tcb_svn[0] = 6; /* loaded later, but not the newest */
    assert_int_equal(status_of(&p), TCB_OUT_OF_DATE);
    p.current_tcb_svn[0] = 7;
    p.current_tcb_svn[2] = 8; /* its loader is older than the highest level asks */
    assert_int_equal(status_of(&p), TCB_OUT_OF_DATE);
    p.current_tcb_svn[2] = 9;
    p.current_tcb_svn[1] = 11; /* of a version that nobody describes */
    assert_int_equal(status_of(&p), TCB_NOT_SUPPORTED);
    p.current_tcb_svn[1] = 0; /* of none: the components of the highest level judge it */
    assert_int_equal(status_of(&p), TCB_OUT_OF_DATE);
    p.current_tcb_svn[0] = 9;
    assert_int_equal(status_of(&p), TCB_TD_RELAUNCH_ADVISED);
    p.has_current = false; /* a report of 1.0, or of the longest form */
    assert_int_equal(status_of(&p), TCB_OUT_OF_DATE);
    p.has_current = true;
    p.qe_svn = 0;
    assert_int_equal(status_of(&p), TCB_NOT_SUPPORTED);
    p.qe_svn = 1;
    levels[0].pce_svn = 1; /* the platform itself is old: no relaunch would help */
    assert_int_equal(status_of(&p), TCB_OUT_OF_DATE);
    levels[0].pce_svn = 0;
}

static void modules_by_version(void **state)
{
    (void)state;
    struct tcb_platform p = {.tee = TEE_TDX, .qe_svn = 1, .tee_tcb_svn = {7, 10, 9}};
    struct tcb_verdict v;

    tcb_judge(&info, &identity, &p, &v);
    assert_ptr_equal(v.module, &modules[0]); /* letter case of the id does not matter */
    assert_int_equal(v.status, TCB_UP_TO_DATE);
    p.tee_tcb_svn[0] = 3; /* below every level of its identity */
    tcb_judge(&info, &identity, &p, &v);
    assert_int_equal(v.module_status, TCB_NOT_SUPPORTED);
    assert_int_equal(v.status, TCB_NOT_SUPPORTED);
    p.tee_tcb_svn[1] = 11;
    tcb_judge(&info, &identity, &p, &v);
    assert_null(v.module);
    assert_int_equal(v.status, TCB_NOT_SUPPORTED);
    p.tee_tcb_svn[1] = 0; /* SVN 3 is now compared with the levels' components */
    tcb_judge(&info, &identity, &p, &v);
    assert_ptr_equal(v.module, &info.module);
    assert_ptr_equal(v.level, &levels[1]);
    assert_ptr_equal(v.sgx_level, &levels[0]);
    assert_int_equal(v.status, TCB_OUT_OF_DATE);
    p.tee_tcb_svn[0] = 2;
    assert_int_equal(status_of(&p), TCB_NOT_SUPPORTED);
}

/* The header of Open Enclave evidence round a quote, which tools meet. */
static void open_enclave_evidence(void **state)
{
    (void)state;
    static const uint8_t header[] = {3,    0,    0,    0,    0x8b, 0xa7, 0x02, 0x86, 0xc1, 0xcf, 0x11,
                                     0xed, 0xaf, 0xa1, 0x02, 0x42, 0xac, 0x12, 0x00, 0x02, 0,    0,
                                     0,    0,    0,    0,    0,    0,    0,    0,    0,    0};
    struct simulate_options o = {.kind = SIMULATE_TDX};
    struct writer w = wr_open(&arena);
    struct simulated s;
    struct exam x = {.arena = &arena, .trace = trace_new(&arena)};

    assert_true(simulate(&arena, &o, &s, NULL));
    wr_put(&w, BYTES_OF(header));
    wr_put(&w, s.evidence);
    assert_true(tdx_decode_file(&x, wr_done(&w), NULL, NULL));
    assert_bytes_equal(((struct tdx_evidence *)x.evidence)->submitted, s.evidence);
    x.trace = trace_new(&arena);
    assert_false(tdx_decode_file(&x, BYTES_OF(header), NULL, NULL));
    assert_int_equal(trace_failure(x.trace)->id, CHECK_REQUEST_EVIDENCE);
}

/* One file with all of them in the form that Open Enclave has for TDX. */
static void flattened_endorsements(void **state)
{
    (void)state;
    struct simulate_options o = {.kind = SIMULATE_TDX};
    struct endorsements *e = endorsements_new(64 * 1024 * 1024);
    struct simulated s;
    struct exam x;

    assert_true(simulate(&arena, &o, &s, NULL));
    endorsements_add_anchor(e, s.anchor_spki, true);
    for (size_t cut = 1; cut < s.endorsements.n; cut += 397)
        assert_false(endorsements_add(e, "cut", bytes_first(s.endorsements, s.endorsements.n - cut), NULL));
    assert_true(endorsements_add(e, "endorsements.bin", s.endorsements, NULL));
    endorsements_seal(e);
    x = (struct exam){
        .arena = &arena, .trace = trace_new(&arena), .endorsements = e, .settings = &s.settings, .time = s.time};
    claims_init(&x.incoming, &arena);
    assert_true(simulated_decode(&s, &x) && tdx_verify(&x));
    endorsements_free(e);
}

/* The longest form is never lifted to the advice to relaunch, which Intel describes for 1.5 alone. */
static void longest_form(void **state)
{
    (void)state;
    struct simulate_options o = {.kind = SIMULATE_TDX,
                                 .version = 5,
                                 .td_report = SIMULATE_TD_15EX,
                                 .module_status = "OutOfDate",
                                 .module_updated = true};
    struct simulated s;
    struct exam x;

    assert_false(judge(&o, &x, &s));
    assert_int_equal(x.tcb_status, TCB_OUT_OF_DATE);
    o.module_status = NULL;
    assert_true(judge(&o, &x, &s));
    assert_int_equal(((struct tdx_evidence *)x.evidence)->report.vm_id, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_forms),          cmocka_unit_test(every_status),
        cmocka_unit_test(relaunch_rule),         cmocka_unit_test(modules_by_version),
        cmocka_unit_test(open_enclave_evidence), cmocka_unit_test(flattened_endorsements),
        cmocka_unit_test(longest_form),
    };
    return cmocka_run_group_tests_name("tdx", tests, set_up, tear_down);
}
