/* The four steps by which a relying party comes to rely on a service: simulated ones, each step failing alone. */
#include "arena_test.h"

#include "base/clock.h"
#include "base/text.h"
#include "trust_judge.h"

static void make(struct simulated_service *s, const struct simulate_service_options *o)
{
    struct fault fault = {0};

    if (!simulate_service(&arena, o, s, &fault))
        fail_msg("%s: %s", o->fault ? o->fault : "no fault", fault.text);
}

static const char *judge(const struct simulate_service_options *o)
{
    struct simulated_service s;

    make(&s, o);
    return service_judge(&arena, &s);
}

static void services_of_every_tee_are_accepted(void **state)
{
    (void)state;
    for (int host = 0; host < SIMULATE_HOSTS; host++) {
        const char *refusal = judge(&(struct simulate_service_options){.host = (enum simulate_host)host});

        if (refusal)
            fail_msg("host %d: %s", host, refusal);
    }
    assert_null(judge(&(struct simulate_service_options){.host = SIMULATE_HOST_SNP, .plain_json = true}));
    assert_null(judge(&(struct simulate_service_options){.host = SIMULATE_HOST_SGX, .wrapped = true}));
}

static void each_fault_is_refused_by_its_check_alone(void **state)
{
    const struct simulate_service_fault *f;

    (void)state;
    for (size_t i = 0; (f = simulate_service_fault_at(i)) != NULL; i++)
        for (int host = 0; host < SIMULATE_HOSTS; host++) {
            if (!(f->hosts & 1u << host))
                continue;
            const char *refusal =
                judge(&(struct simulate_service_options){.host = (enum simulate_host)host, .fault = f->name});

            if (!refusal || strcmp(refusal, check_table[simulate_service_fault_check(f)].id) != 0)
                fail_msg("%s, host %d: %s", f->name, host, refusal ? refusal : "accepted");
        }
}

/* A fault of the evidence itself is the second step's. */
static void steps_fail_alone(void **state)
{
    static const struct {
        const char *fault;
        enum trust_step step;
    } cases[] = {{"trust.token.signature", TRUST_SIGNED},
                 {"trust.evidence.present", TRUST_EVIDENCE},
                 {"trust.binding.report_data", TRUST_BINDING},
                 {"trust.measurement.announced", TRUST_MEASUREMENT}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct simulated_service s;
        struct trust_question q;
        struct trust_rules rules;
        struct trust_result r;

        make(&s, &(struct simulate_service_options){.fault = cases[i].fault});
        trust_ask(&arena, &s, &q, &rules);
        assert_false(trust_judge(&q, &r));
        assert_int_equal(r.count, 1);
        for (int step = 0; step < TRUST_STEPS; step++)
            assert_int_equal(trust_step_outcome(r.keys, (enum trust_step)step),
                             step < (int)cases[i].step    ? TRUST_STEP_PASSED
                             : step == (int)cases[i].step ? TRUST_STEP_FAILED
                                                          : TRUST_STEP_NOT_REACHED);
        /* Told in words, and as JSON that can be read again. */
        const struct json *again;
        struct bytes text = json_print(&arena, trust_json(&q, &r), JSON_IN_ORDER);
        assert_true(json_parse(&arena, text, NULL, &again, NULL));
        assert_non_null(
            strstr(trust_step_text(&arena, r.keys, cases[i].step), check_table[trace_failure(r.keys->trace)->id].id));
        endorsements_free((struct endorsements *)(uintptr_t)q.endorsements); /* what the trace shows is theirs */
    }
}

static void allowances_are_said_in_the_trace(void **state)
{
    static const struct {
        const char *fault;
        enum check_id skipped;
        size_t flag;
    } cases[] = {
        {"trust.evidence.debug", CHECK_TRUST_EVIDENCE_DEBUG, offsetof(struct trust_rules, allow_debug)},
        {"trust.certificate.key", CHECK_TRUST_CERTIFICATE_KEY, offsetof(struct trust_rules, allow_short_key)},
        {"trust.certificate.dates", CHECK_TRUST_CERTIFICATE_DATES, offsetof(struct trust_rules, allow_expired)},
        {"trust.measurement.announced", CHECK_TRUST_MEASUREMENT_ANNOUNCED,
         offsetof(struct trust_rules, any_measurement)}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct simulated_service s;
        struct trust_question q;
        struct trust_rules rules;
        struct trust_result r;
        bool skipped = false;

        make(&s, &(struct simulate_service_options){.fault = cases[i].fault});
        trust_ask(&arena, &s, &q, &rules);
        *(bool *)((char *)&rules + cases[i].flag) = true;
        if (!trust_judge(&q, &r))
            fail_msg("%s: %s", cases[i].fault, trust_refusal(&r));
        endorsements_free((struct endorsements *)(uintptr_t)q.endorsements);
        for (size_t k = 0; k < r.keys->trace->n; k++)
            skipped = skipped || (r.keys->trace->entries[k].id == cases[i].skipped &&
                                  r.keys->trace->entries[k].result == CHECK_SKIP);
        assert_true(skipped);
    }
}

static void without_measurements_nothing_is_accepted(void **state)
{
    struct simulated_service s;
    struct trust_question q;
    struct trust_rules rules;
    struct trust_result r;

    (void)state;
    make(&s, &(struct simulate_service_options){0});
    trust_ask(&arena, &s, &q, &rules);
    q.list = BYTES_NONE;
    assert_false(trust_judge(&q, &r));
    assert_int_equal(r.verdict, TRUST_NOT_COMPARED);
    assert_int_equal(trust_step_outcome(r.keys, TRUST_MEASUREMENT), TRUST_STEP_SKIPPED);
    endorsements_free((struct endorsements *)(uintptr_t)q.endorsements);
}

/* Without a token every key is judged; one under a chain is told as such, and the others do not speak for it. */
static void keys_under_a_chain_are_told(void **state)
{
    struct simulated_service good, chained;
    struct trust_question q;
    struct trust_rules rules;
    struct trust_result r;

    (void)state;
    make(&good, &(struct simulate_service_options){0});
    make(&chained, &(struct simulate_service_options){.fault = "trust.key.alone"});
    trust_ask(&arena, &good, &q, &rules);
    q.token = BYTES_NONE;
    assert_true(trust_judge(&q, &r));
    q.jwks = chained.jwks;
    assert_false(trust_judge(&q, &r));
    assert_int_equal(r.keys[0].verdict, TRUST_CHAINED);
    assert_int_equal(r.verdict, TRUST_REFUSED);
    struct bytes one = bytes_first(good.jwks, good.jwks.n - 2), two = bytes_after(chained.jwks, strlen("{\"keys\":["));
    q.jwks =
        bytes_text(arena_printf(&arena, "%.*s,%.*s", (int)one.n, (const char *)one.p, (int)two.n, (const char *)two.p));
    assert_false(trust_judge(&q, &r)); /* a token of the second would be taken for one of a TEE */
    assert_int_equal(r.verdict, TRUST_CHAINED);
    rules.allow_chained = true;
    assert_true(trust_judge(&q, &r));
    assert_int_equal(r.count, 2);
    assert_int_equal(r.keys[1].verdict, TRUST_CHAINED);
    endorsements_free((struct endorsements *)(uintptr_t)q.endorsements);
}

static void shapes(void **state)
{
    static const struct {
        const char *jwks, *token, *list, *check;
    } cases[] = {{"no JSON", NULL, NULL, "trust.key.set"},
                 {"{\"keys\":[]}", NULL, NULL, "trust.key.set"},
                 {"{\"keys\":[1]}", NULL, NULL, "trust.key.set"},
                 {NULL, "x", NULL, "trust.token.form"},
                 {NULL, "eyJhbGciOiJub25lIn0.e30.", NULL, "trust.token.form"},
                 {NULL, NULL, "x", "trust.measurement.list"},
                 {NULL, NULL, "{\"measurements\":[]}", "trust.measurement.list"},
                 {NULL, NULL, "eyJhbGciOiJFUzI1NiJ9.e30.AAAA", "trust.measurement.list"}};
    struct simulated_service s;

    (void)state;
    make(&s, &(struct simulate_service_options){0});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct simulated_service t = s;

        t.jwks = cases[i].jwks ? bytes_text(cases[i].jwks) : s.jwks;
        t.token = cases[i].token ? bytes_text(cases[i].token) : s.token;
        t.list = cases[i].list ? bytes_text(cases[i].list) : s.list;
        assert_string_equal(service_judge(&arena, &t), cases[i].check);
    }
}

/* Three releases of software: an old one that is retired, one in use, one whose notice runs; each of two programs. */
#define DIGEST_OF(digit) digit digit digit digit digit digit digit digit
#define RELEASE(version, from, until, a, b)                                                                          \
    "{\"component\":\"assay\",\"version\":\"" version "\",\"kind\":\"software\",\"usable_from\":\"" from "\"," until \
    "\"digests\":{\"assay-verifier\":\"" DIGEST_OF(a) "\",\"assay-signer\":\"" DIGEST_OF(b) "\"}}"

static const char *match_software(const struct records *list, const char *verifier, const char *signer,
                                  const char *time, struct bytes *version)
{
    const struct records_exam x = {.arena = &arena, .trace = trace_new(&arena)};
    struct software_digest found[2];
    const struct record *r;
    size_t count = 0;
    int64_t t;

    if (verifier)
        found[count++] = (struct software_digest){.name = BYTES_LIT("assay-verifier"),
                                                  .sha256 = arena_copy(&arena, bytes_text(verifier))};
    if (signer)
        found[count++] = (struct software_digest){.name = BYTES_LIT("assay-signer"),
                                                  .sha256 = arena_copy(&arena, bytes_text(signer))};
    assert_true(time_parse(bytes_text(time), &t));
    bool ok = records_match_software(&x, list, found, count, t, &r);
    const struct trace_entry *failure = trace_failure(x.trace);
    assert_int_equal(ok, failure == NULL);
    *version = r ? r->version : BYTES_NONE;
    return failure ? check_table[failure->id].id : NULL;
}

static void software_is_matched_by_all_its_programs(void **state)
{
    /* Digits of digests, and the same as the 32 bytes that they are. */
    static const char list[] = "{\"measurements\":[" RELEASE(
        "1", "2026-01-01T00:00:00Z", "\"retired_after\":\"2026-06-01T00:00:00Z\",", "31313131",
        "32323232") "," RELEASE("2", "2026-05-01T00:00:00Z", "", "33333333",
                                "32323232") "," RELEASE("3", "2026-09-01T00:00:00Z", "", "34343434", "35353535") "]}";
    static const char *const one = "11111111111111111111111111111111", *const two = "22222222222222222222222222222222",
                             *const three = "33333333333333333333333333333333",
                             *const four = "44444444444444444444444444444444",
                             *const five = "55555555555555555555555555555555";
    static const struct {
        const char *const *verifier, *const *signer, *time, *refusal, *version;
    } cases[] = {
        {&one, &two, "2026-03-01T00:00:00Z", NULL, "1"},
        {&one, &two, "2026-05-31T23:59:59Z", NULL, "1"},
        {&one, &two, "2026-06-01T00:00:00Z", "trust.measurement.not_retired", "1"},
        {&one, &two, "2025-12-31T23:59:59Z", "trust.measurement.usable", "1"},
        {&three, &two, "2026-07-01T00:00:00Z", NULL, "2"},
        {&four, &five, "2026-07-01T00:00:00Z", "trust.measurement.usable", "3"},
        {&four, &five, "2026-09-01T00:00:00Z", NULL, "3"},
        {&one, &five, "2026-03-01T00:00:00Z", "trust.measurement.announced", NULL}, /* of two releases */
        {&two, &one, "2026-03-01T00:00:00Z", "trust.measurement.announced", NULL},  /* each by its name */
        {&five, &four, "2026-09-01T00:00:00Z", "trust.measurement.announced", NULL},
        {NULL, NULL, "2026-07-01T00:00:00Z", "trust.measurement.announced", NULL}, /* nothing is no release */
        {NULL, &two, "2026-03-01T00:00:00Z", NULL, "1"},
    };
    struct records records;
    const struct records_exam x = {.arena = &arena, .trace = trace_new(&arena)};

    (void)state;
    if (!records_read(&x, bytes_text(list), NULL, &records))
        fail_msg("%s", arena_string(&arena, trace_message(x.trace, &arena)));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes version;
        const char *verifier = cases[i].verifier ? *cases[i].verifier : NULL,
                   *signer = cases[i].signer ? *cases[i].signer : NULL,
                   *refusal = match_software(&records, verifier, signer, cases[i].time, &version);

        if (!cases[i].refusal != !refusal || (refusal && strcmp(refusal, cases[i].refusal) != 0) ||
            !bytes_is(version, cases[i].version ? cases[i].version : ""))
            fail_msg("%zu: %s", i, refusal ? refusal : "accepted");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(services_of_every_tee_are_accepted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_fault_is_refused_by_its_check_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(steps_fail_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(allowances_are_said_in_the_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_measurements_nothing_is_accepted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(software_is_matched_by_all_its_programs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_under_a_chain_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shapes, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
