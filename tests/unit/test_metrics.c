/* What the service counts, and how it is written for Prometheus. */
#include "test.h"

#include "evidence/attester.h"
#include "service/metrics.h"

struct fixture {
    struct arena arena;
    struct metrics *metrics;
};

static int set_up(void **state)
{
    static struct fixture f;

    arena_init(&f.arena, 16 * 1024 * 1024);
    f.metrics = metrics_new(1700000000);
    *state = &f;
    return f.metrics ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    metrics_free(f->metrics);
    arena_free(&f->arena);
    return 0;
}

static const char *written(struct fixture *f, const struct metrics_state *s)
{
    return arena_string(&f->arena, metrics_write(f->metrics, &f->arena, s));
}

static void assert_line(const char *text, const char *line)
{
    const char *at = text;
    size_t n = strlen(line);

    while ((at = strstr(at, line)) != NULL) {
        if ((at == text || at[-1] == '\n') && at[n] == '\n')
            return;
        at += n;
    }
    fail_msg("there is no line \"%s\"", line);
}

static void operations_by_path(void **state)
{
    static const struct {
        const char *method, *path;
        enum metrics_operation is;
    } rows[] = {
        {"POST", "/attest/SgxEnclave", METRICS_ATTEST_SGX},
        {"POST", "/ATTEST/sgxenclave", METRICS_ATTEST_SGX},
        {"POST", "/attest/SgxEnclave2", METRICS_ATTEST_OTHER},
        {"POST", "/attest/", METRICS_OTHER},
        {"GET", "/certs", METRICS_KEYS},
        {"GET", "/certs/more", METRICS_OTHER},
        {"GET", "/policies/Tpm", METRICS_POLICY_READ},
        {"PUT", "/policies/Tpm", METRICS_POLICY_WRITE},
        {"POST", "/policies/Tpm:reset", METRICS_POLICY_WRITE},
        {"GET", "/operations/policy/current", METRICS_POLICY_READ},
        {"PUT", "/operations/policy/certificates", METRICS_SIGNERS_WRITE},
        {"GET", "/certificates", METRICS_SIGNERS_READ},
        {"POST", "/certificates:add", METRICS_SIGNERS_WRITE},
        {"HEAD", "/subscriptions/x", METRICS_CONTROL_READ},
        {"DELETE", "/subscriptions/x", METRICS_CONTROL_WRITE},
        {"GET", "/readyz", METRICS_HEALTH},
        {"-", "/", METRICS_OTHER},
        {"GET", "", METRICS_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(metrics_operation(rows[i].method, bytes_text(rows[i].path)), rows[i].is);
}

/* A new kind of evidence gets a row: what is counted with "other" is not seen. */
static void every_attester_has_its_operation(void **state)
{
    struct fixture *f = *state;
    const struct attester *attester;
    size_t i;

    for (i = 0; (attester = attester_at(i)) != NULL; i++) {
        const char *path = arena_printf(&f->arena, "/attest/%s", attester->path);

        assert_int_not_equal(metrics_operation("POST", bytes_text(path)), METRICS_ATTEST_OTHER);
    }
    assert_true(i > 0);
    for (i = 0; i < METRICS_OPERATIONS; i++)
        assert_non_null(metrics_operation_name((enum metrics_operation)i));
}

static void requests_and_their_times(void **state)
{
    struct fixture *f = *state;

    metrics_request(f->metrics, METRICS_KEYS, 200, 1000, NULL);
    metrics_request(f->metrics, METRICS_KEYS, 200, 1001, NULL);
    metrics_request(f->metrics, METRICS_KEYS, 404, 20 * 1000 * 1000, NULL);
    const char *text = written(f, &(struct metrics_state){0});
    assert_line(text, "assay_requests_total{operation=\"keys\",status=\"2xx\"} 2");
    assert_line(text, "assay_requests_total{operation=\"keys\",status=\"4xx\"} 1");
    assert_line(text, "assay_requests_total{operation=\"metadata\",status=\"2xx\"} 0");
    assert_line(text, "assay_request_seconds_bucket{operation=\"keys\",le=\"0.001\"} 1");
    assert_line(text, "assay_request_seconds_bucket{operation=\"keys\",le=\"0.0025\"} 2");
    assert_line(text, "assay_request_seconds_bucket{operation=\"keys\",le=\"10\"} 2");
    assert_line(text, "assay_request_seconds_bucket{operation=\"keys\",le=\"+Inf\"} 3");
    assert_line(text, "assay_request_seconds_sum{operation=\"keys\"} 20.002001");
    assert_line(text, "assay_request_seconds_count{operation=\"keys\"} 3");
}

static void checks_are_those_of_the_table(void **state)
{
    struct fixture *f = *state;
    char id[] = "no.such\"check\n";

    metrics_request(f->metrics, METRICS_ATTEST_SGX, 400, 1, check_table[CHECK_SGX_QUOTE_SIGNATURE].id);
    metrics_request(f->metrics, METRICS_ATTEST_SGX, 400, 1, id);
    const char *text = written(f, &(struct metrics_state){0});
    assert_line(text, "assay_failed_checks_total{check=\"sgx.quote.signature\"} 1");
    assert_null(strstr(text, "no.such"));
}

static void what_others_count(void **state)
{
    struct fixture *f = *state;
    struct outlooks *outlooks = outlooks_new();
    struct metrics_state s = {.pool = {.answered = 7, .died = 1, .slow = 2, .over_memory = 3, .refused_unread = 4},
                              .load = {.pairs = 4, .serving = 3, .working = 2, .waiting = 9},
                              .providers = 100000,
                              .connections = 12,
                              .audit_records = 20,
                              .audit_lost = 3,
                              .administration_connections = 1,
                              .store_answers = true,
                              .outlooks = outlooks};

    outlooks_note(outlooks, &(struct outlook){.tee = PLATFORM_TDX, .reason = GAP_QE});
    metrics_refused(f->metrics, METRICS_QUOTA_PROVIDER);
    metrics_shadow(f->metrics, SHADOW_WOULD_DENY);
    const char *text = written(f, &s);
    assert_line(text, "assay_core_requests_total{outcome=\"answered\"} 7");
    assert_line(text, "assay_core_requests_total{outcome=\"died\"} 1");
    assert_line(text, "assay_core_requests_total{outcome=\"slow\"} 2");
    assert_line(text, "assay_core_requests_total{outcome=\"over_memory\"} 3");
    assert_line(text, "assay_core_requests_total{outcome=\"refused_unread\"} 4");
    assert_line(text, "assay_platforms{tee=\"tdx\",too_old=\"quoting-enclave\"} 1");
    assert_line(text, "assay_platforms{tee=\"snp\",too_old=\"none\"} 0");
    outlooks_free(outlooks);
    assert_line(text, "assay_pairs 4");
    assert_line(text, "assay_pairs_serving 3");
    assert_line(text, "assay_pairs_busy 2");
    assert_line(text, "assay_queue_length 9");
    assert_line(text, "assay_providers 100000");
    assert_line(text, "assay_store_up 1");
    assert_line(text, "assay_audit_records_total 20");
    assert_line(text, "assay_audit_lost_total 3");
    assert_line(text, "assay_ready 0");
    assert_line(text, "assay_connections{listener=\"administration\"} 1");
    assert_line(text, "assay_start_time_seconds 1700000000");
    assert_line(text, "assay_refused_by_quota_total{limit=\"provider\"} 1");
    assert_line(text, "assay_refused_by_quota_total{limit=\"address\"} 0");
    assert_line(text, "assay_shadow_results_total{outcome=\"would_deny\"} 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_by_path),
        cmocka_unit_test_setup_teardown(every_attester_has_its_operation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_and_their_times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks_are_those_of_the_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_others_count, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
