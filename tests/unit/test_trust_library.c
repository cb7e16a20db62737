/* The C library as others use it: over its header alone, with simulated services, and the sample program of samples/. */
#include "arena_test.h"

#include <assay/trust.h>

#include "simulate/service.h"

static const enum simulate_host hosts[] = {SIMULATE_HOST_SGX, SIMULATE_HOST_SNP, SIMULATE_HOST_TDX};
enum { HOSTS = sizeof hosts / sizeof *hosts };

static struct simulated_service make(enum simulate_host host, const char *fault)
{
    struct simulated_service s;
    struct fault why = {0};

    if (!simulate_service(&arena, &(struct simulate_service_options){.host = host, .fault = fault}, &s, &why))
        fail_msg("%s", why.text);
    return s;
}

static struct assay_trust *handle(const struct simulated_service *s, bool with_list)
{
    struct assay_trust *t = assay_trust_new();
    struct simulated_file file;

    assert_non_null(t);
    assert_int_equal(assay_trust_add_anchor(t, s->hardware.anchor_spki), 0);
    for (size_t i = 0; simulated_collateral_at(&s->hardware, i, &file); i++)
        if (file.text.n)
            assert_int_equal(assay_trust_add_endorsement(t, file.name, file.text.p, file.text.n), 0);
    if (with_list)
        assert_int_equal(assay_trust_set_measurements(t, s->list.p, s->list.n, s->release_key.p, s->release_key.n), 0);
    return t;
}

static enum assay_trust_verdict judge(struct assay_trust *t, const struct simulated_service *s)
{
    return assay_trust_judge(t, SIMULATED_SERVICE, s->jwks.p, s->jwks.n, arena_string(&arena, s->token),
                             s->options.time);
}

static void genuine_services_are_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTS; i++) {
        struct simulated_service s = make(hosts[i], NULL);
        struct assay_trust *t = handle(&s, true), *without = handle(&s, false);
        char text[64];

        assert_int_equal(judge(t, &s), ASSAY_TRUST_ACCEPTED);
        assert_int_equal(assay_trust_reason(t, text, sizeof text), 0);
        assert_true(assay_trust_report(t, text, sizeof text) > sizeof text); /* cut, with its NUL */
        assert_int_equal(strlen(text), sizeof text - 1);
        assert_int_equal(judge(t, &s), ASSAY_TRUST_ACCEPTED); /* again */
        assert_int_equal(assay_trust_add_endorsement(t, "late", "x", 1), -1);
        assert_int_equal(judge(without, &s), ASSAY_TRUST_NOT_COMPARED);
        assay_trust_allow(without, ASSAY_TRUST_ANY_MEASUREMENT);
        assert_int_equal(judge(without, &s), ASSAY_TRUST_ACCEPTED);
        assay_trust_free(t);
        assay_trust_free(without);
    }
}

static void each_step_refuses_with_its_reason(void **state)
{
    static const char *const faults[] = {"trust.token.signature", "trust.evidence.present", "trust.binding.report_data",
                                         "trust.measurement.announced"};

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct simulated_service s = make(SIMULATE_HOST_SGX, faults[i]);
        struct assay_trust *t = handle(&s, true);
        char text[512];

        assert_int_equal(judge(t, &s), ASSAY_TRUST_REFUSED);
        assay_trust_reason(t, text, sizeof text);
        assert_memory_equal(text, faults[i], strlen(faults[i]));
        assay_trust_free(t);
    }
}

static void wrong_use_is_an_error(void **state)
{
    struct assay_trust *t = assay_trust_new();

    (void)state;
    assert_int_equal(assay_trust_set_measurements(t, "{", 1, "no key", 6), -1);
    assert_int_equal(assay_trust_set_measurements(t, "", 0, NULL, 0), -1);
    assert_int_equal(assay_trust_judge(t, NULL, "", 0, NULL, 0), ASSAY_TRUST_ERROR);
    assert_int_equal(assay_trust_judge(t, "https://x.example", "{}", 2, NULL, 0), ASSAY_TRUST_REFUSED);
    assay_trust_free(t);
    assay_trust_free(NULL);
}

static const char *put(const char *folder, const char *name, struct bytes text)
{
    const char *path = arena_printf(&arena, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    fclose(f);
    return path;
}

/* The exit status of the sample over this service. */
static int run_sample(const struct simulated_service *s)
{
    char folder[] = "/tmp/assay-trust-XXXXXX";
    struct simulated_file file;
    struct writer w = wr_open(&arena);

    assert_non_null(mkdtemp(folder));
    wr_printf(&w, "RELYING_PARTY_TIME=%lld RELYING_PARTY_ANCHOR=%s %s %s", (long long)s->options.time,
              put(folder, "anchor", BYTES_OF(s->hardware.anchor_spki)), SAMPLE, SIMULATED_SERVICE);
    wr_printf(&w, " %s", put(folder, "certs.json", s->jwks));
    wr_printf(&w, " %s", put(folder, "measurements.jws", s->list));
    wr_printf(&w, " %s", put(folder, "release.pem", s->release_key));
    wr_printf(&w, " %s", put(folder, "token.jwt", s->token));
    for (size_t i = 0; simulated_collateral_at(&s->hardware, i, &file); i++)
        if (file.text.n)
            wr_printf(&w, " %s", put(folder, file.name, file.text));
    wr_text(&w, " >/dev/null 2>&1");
    int status = system(arena_string(&arena, wr_done(&w)));
    assert_int_equal(system(arena_printf(&arena, "rm -r %s", folder)), 0);
    return status;
}

static void the_sample_tells_them_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTS; i++) {
        struct simulated_service good = make(hosts[i], NULL), bad = make(hosts[i], "trust.binding.report_data");

        assert_int_equal(run_sample(&good), 0);
        assert_int_equal(run_sample(&bad), 2 << 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(genuine_services_are_accepted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_step_refuses_with_its_reason, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_use_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_sample_tells_them_apart, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("trust_library", tests, NULL, NULL);
}
