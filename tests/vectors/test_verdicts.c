/* Every SGX quote of the corpus against its measured verdict, under strict and pinned; refusals by the right check. */
#include "intel.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct bytes joined(struct arena *a, const struct exam *x)
{
    struct writer w = wr_open(a);

    for (size_t i = 0; i < x->advisory_count; i++) {
        if (i)
            wr_u8(&w, ',');
        wr_put(&w, x->advisories[i]);
    }
    return wr_done(&w);
}

static bool accepted_by_default(const char *status)
{
    return strcmp(status, "UpToDate") == 0 || strcmp(status, "SWHardeningNeeded") == 0;
}

/* One row under one freshness; prints and counts what differs. */
static unsigned row_differs(struct arena *a, struct bytes column[], const struct endorsements *e,
                            enum freshness freshness)
{
    struct settings settings = SETTINGS_DEFAULT;
    struct bytes quote = read_shared(a, arena_printf(a, "evidence/%s", arena_string(a, column[0])));
    struct exam x;

    settings.freshness = freshness;
    exam_begin(&x, a, e, &settings, NULL, time_of(column[2]));
    bool ok = judge_quote(&x, quote);
    const char *status = x.tcb_known ? tcb_status_name(x.tcb_status) : "none";
    if (bytes_is(column[3], status) && ok == accepted_by_default(status) &&
        (ok || strcmp(failed_id(&x), "intel.tcb.status") == 0) && bytes_equal(x.tcb_date, column[8]) &&
        bytes_equal(joined(a, &x), column[9]))
        return 0;
    print_message("# %s %s: expected %s, got %s (%s) %s [%s]\n", arena_string(a, column[0]), arena_string(a, column[1]),
                  arena_string(a, column[3]), status, arena_string(a, trace_message(x.trace, a)),
                  arena_string(a, x.tcb_date), arena_string(a, joined(a, &x)));
    return 1;
}

static void measured_rows(void **state)
{
    (void)state;
    NEED_SHARED("218 rows of VERDICTS-intel.tsv");
    struct bytes text = read_shared(&arena, "evidence/VERDICTS-intel.tsv"), column[COLUMNS_MAX];
    unsigned complete = 0, without_crl = 0, wrong = 0;
    struct arena a;
    size_t n;

    arena_init(&a, TEST_MEMORY);
    tsv_line(&text, column, &n);
    while (tsv_line(&text, column, &n)) {
        if (!bytes_begin(column[0], "sgx/"))
            continue;
        struct endorsements *e = load_set(&a, column[1], time_of(column[2]));

        if (bytes_is(column[10], "complete")) {
            complete++;
            wrong += row_differs(&a, column, e, FRESHNESS_PINNED) + row_differs(&a, column, e, FRESHNESS_STRICT);
        } else {
            struct settings settings = SETTINGS_DEFAULT;
            struct exam x;

            without_crl++;
            exam_begin(&x, &a, e, &settings, NULL, time_of(column[2]));
            bool ok = judge_quote(&x, read_shared(&a, arena_printf(&a, "evidence/%s", arena_string(&a, column[0]))));
            if (ok || x.tcb_known ||
                (strcmp(failed_id(&x), "intel.root_crl.present") && strcmp(failed_id(&x), "intel.pck_crl.present"))) {
                print_message("# %s: %s\n", arena_string(&a, column[1]), failed_id(&x));
                wrong++;
            }
        }
        endorsements_free(e);
        arena_reset(&a);
    }
    arena_free(&a);
    print_message("# %u complete rows twice, %u without CRLs\n", complete, without_crl);
    assert_int_equal(complete, 215);
    assert_int_equal(without_crl, 3);
    assert_int_equal(wrong, 0);
}

static void refused(const char *file, const char *set, const char *time, const char *check)
{
    struct settings settings = SETTINGS_DEFAULT;
    int64_t t = time_of(bytes_text(time));
    struct endorsements *e = load_set(&arena, bytes_text(set), t);
    struct exam x;

    exam_begin(&x, &arena, e, &settings, NULL, t);
    struct bytes quote = read_shared(&arena, arena_printf(&arena, "evidence/%s", file));
    bool ok =
        strncmp(file, "oe/", 3) == 0 ? oe_decode_file(&x, quote, NULL, NULL) && sgx_verify(&x) : judge_quote(&x, quote);
    if (ok || strcmp(failed_id(&x), check) != 0)
        fail_msg("%s: %s", file, arena_string(&arena, trace_message(x.trace, &arena)));
    endorsements_free(e);
}

static void negative_samples(void **state)
{
    (void)state;
    NEED_SHARED("negative SGX samples");
    static const char set[] = "sgx-00906ed50000-e15-20230510-5db7", time[] = "2023-05-20T00:00:00Z";

    refused("sgx/sgx-v3-00906ea10000-bad-6dc7792a.bin", "sgx-00906ea10000-e12-20221018-b5a6", "2022-10-25T00:00:00Z",
            "sgx.quote.signature");
    refused("sgx/sgx-v3-ct1-5042adf0.bin", set, time, "sgx.quote.certification");
    refused("sgx/sgx-v3-ct1-8cc428aa.bin", set, time, "sgx.quote.certification");
    refused("sgx/sgx-v3-ct3-2f59d4cb.bin", set, time, "sgx.quote.certification");
    refused("oe/sgx_report_bad.bin", set, time, "intel.pck.signatures");
    refused("sgx/sgx-v4-ct5-1f017227.bin", set, time, "intel.pck.shape");
    refused("tdx/tdx-v4-00806f050000-00b2526a.bin", set, time, "sgx.quote.tee");
}

static void oe_sample(const char *name, const char *time, enum freshness freshness, bool accepted, const char *status)
{
    struct settings settings = SETTINGS_DEFAULT;
    struct endorsements *e = endorsements_new(SET_MEMORY);
    struct bytes evidence = read_shared(&arena, arena_printf(&arena, "evidence/oe/oe-%s.bin", name));
    const char *suffix = strstr(name, "evidence") + strlen("evidence");
    char *own = strncmp(name, "plugin", 6) == 0 ? "oe/oe-plugin-endorsements.bin"
                                                : arena_printf(&arena, "oe/oe-endorsements%s.bin", suffix);
    enum check_id missing;
    struct exam x;

    settings.freshness = freshness;
    add_shared(&arena, e, own);
    endorsements_seal(e);
    exam_begin(&x, &arena, e, &settings, NULL, time_of(bytes_text(time)));
    bool ok =
        oe_decode_file(&x, evidence, NULL, NULL) && sgx_verify(&x) && trace_complete(x.trace, sgx_required, &missing);
    if (ok != accepted || (status && strcmp(status, x.tcb_known ? tcb_status_name(x.tcb_status) : "none") != 0))
        fail_msg("%s: %s", name, arena_string(&arena, trace_message(x.trace, &arena)));
    endorsements_free(e);
}

static void open_enclave_samples(void **state)
{
    (void)state;
    NEED_SHARED("Open Enclave samples");
    oe_sample("evidence-dcap", "2023-01-18T23:01:10Z", FRESHNESS_STRICT, true, NULL);
    oe_sample("evidence-dcap_v3", "2022-07-15T03:34:20Z", FRESHNESS_STRICT, true, NULL);
    oe_sample("evidence-dcap-expired", "2022-05-16T23:29:47Z", FRESHNESS_PINNED, true, "UpToDate");
    oe_sample("evidence-dcap-expired", "2022-05-16T23:29:47Z", FRESHNESS_STRICT, false, NULL);
    oe_sample("plugin-evidence", "2022-05-01T00:00:00Z", FRESHNESS_PINNED, true, "SWHardeningNeeded");
}

/* Intel's generated hierarchy has documents of every kind; its quote carries no chain, its root is not Intel's. */
static void documents_under_another_root(void **state)
{
    (void)state;
    NEED_SHARED("qvl-sample-sgx");
    static const char *const files[] = {"tcbInfo.json",     "qeIdentity.json",       "qveIdentity.json",
                                        "tcbSignChain.pem", "rootCaCrl.der",         "intermediateCaCrl.der",
                                        "rootCaCrl.pem",    "intermediateCaCrl.pem", "pckSignChain.pem"};
    struct endorsements *e = endorsements_new(SET_MEMORY);

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        add_shared(&arena, e, arena_printf(&arena, "collateral/qvl-sample-sgx/%s", files[i]));
    endorsements_seal(e);
    endorsements_free(e);
    refused("collateral/qvl-sample-sgx/quote.dat", "sgx-00906ed50000-e15-20230510-5db7", "2023-05-20T00:00:00Z",
            "sgx.quote.certification");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measured_rows),
        cmocka_unit_test(negative_samples),
        cmocka_unit_test(open_enclave_samples),
        cmocka_unit_test(documents_under_another_root),
    };
    return cmocka_run_group_tests_name("verdicts", tests, set_up, tear_down);
}
