/* Bearer tokens: which are accepted, what a caller is, and which check says why not. */
#include "arena_test.h"

#include "bearer_judge.h"
#include "identity/roles.h"

static struct simulated_bearer made(const struct simulate_bearer_options *options)
{
    struct simulated_bearer b;
    struct fault fault = {0};

    if (!simulate_bearer(&arena, options, &b, &fault))
        fail_msg("%s", fault.text);
    return b;
}

static const char *judge(const char *header, const char *claims)
{
    struct simulated_bearer b = made(&(struct simulate_bearer_options){.header = header, .claims = claims});

    return bearer_judge(&arena, &b);
}

static void refused_by(const char *id, const char *header, const char *claims)
{
    const char *refusal = judge(header, claims);

    if (!refusal || strcmp(refusal, id) != 0)
        fail_msg("%s\n%s: %s", header ? header : "", claims ? claims : "", refusal ? refusal : "accepted");
}

static void accepted(const char *header, const char *claims)
{
    const char *refusal = judge(header, claims);

    if (refusal)
        fail_msg("%s\n%s: %s", header ? header : "", claims ? claims : "", refusal);
}

static void each_fault_by_its_own_check(void **state)
{
    (void)state;
    const struct simulate_bearer_fault *f;

    for (size_t i = 0; (f = simulate_bearer_fault_at(i)) != NULL; i++) {
        struct simulated_bearer b = made(&(struct simulate_bearer_options){.fault = f->name});
        const char *refusal = bearer_judge(&arena, &b);

        if (!refusal || strcmp(refusal, check_table[simulate_bearer_fault_check(f)].id) != 0)
            fail_msg("%s: %s", f->name, refusal ? refusal : "accepted");
    }
}

static void each_row_has_its_fault(void **state)
{
    (void)state;
    const struct simulate_bearer_fault *f;

    for (int id = 0; id < CHECK_COUNT; id++) {
        bool found = strncmp(check_table[id].id, "bearer.", 7) != 0;

        for (size_t i = 0; (f = simulate_bearer_fault_at(i)) != NULL; i++)
            found |= simulate_bearer_fault_check(f) == (enum check_id)id;
        if (!found)
            fail_msg("%s has no simulated fault", check_table[id].id);
    }
}

static void caller_is_subject_of_issuer(void **state)
{
    (void)state;
    struct simulated_bearer b = made(&(struct simulate_bearer_options){0});
    struct bearer_exam x;
    struct caller c;

    assert_true(bearer_try(&arena, &b, PLANE_DATA, &c, &x));
    assert_bytes_are(c.issuer, BEARER_ISSUER_URL);
    assert_bytes_are(c.subject, BEARER_SUBJECT_NAME);
    assert_bytes_are(c.name, "alice@login.example");
    assert_bytes_are(c.object, "7c9e6679-7425-40de-944b-e07fc1f90ae7");
    assert_int_equal(c.groups.count, 2);
    assert_bytes_are(c.groups.v[1], "auditors");
    assert_int_equal(c.roles.count, 1);
    assert_bytes_are(c.roles.v[0], "policies.write");
}

/* What a token says of its own rights counts for nothing, unless its issuer is the one of development mode. */
static void tokens_give_no_rights(void **state)
{
    (void)state;
    struct simulated_bearer b = made(&(struct simulate_bearer_options){
        .claims = "{\"iss\":\"" BEARER_ISSUER_URL
                  "\",\"aud\":\"https://attest.azure.net\",\"sub\":\"mallory\",\"exp\":1767232800,"
                  "\"assay_roles\":[{\"role\":\"Owner\",\"scope\":\"/\"}]}"});
    const struct scope scope = {.subscription = BYTES_LIT("s"), .group = BYTES_LIT("g"), .provider = BYTES_LIT("p")};
    const struct assignments none = {0};
    struct bearer_exam x;
    struct caller c;

    assert_true(bearer_try(&arena, &b, PLANE_DATA, &c, &x));
    assert_int_equal(c.grant_count, 0);
    assert_false(caller_may(x.issuers, &none, &c, ACTION_ATTESTATION_READ, &scope));
}

#define CLAIMS(rest) "{\"iss\":\"" BEARER_ISSUER_URL "\",\"sub\":\"a\"," rest "}"
#define AUD          "\"aud\":\"https://attest.azure.net\""
#define EXP          "\"exp\":1767232800"

static void forms_that_issuers_use(void **state)
{
    (void)state;
    accepted(NULL, CLAIMS(AUD "," EXP));
    accepted(NULL, CLAIMS("\"aud\":\"https://attest.azure.net/\"," EXP));
    accepted(NULL, CLAIMS("\"aud\":[\"https://vault.azure.net\",\"https://attest.azure.net/\"]," EXP));
    accepted(NULL, CLAIMS(AUD ",\"exp\":1767232800.5"));
    accepted("{\"alg\":\"ES256\",\"kid\":\"first\"}", CLAIMS(AUD "," EXP));
    accepted("{\"alg\":\"ES256\",\"kid\":\"first\",\"typ\":\"at+jwt\"}", CLAIMS(AUD "," EXP));
    accepted("{\"alg\":\"ES256\",\"kid\":\"first\",\"typ\":\"application/AT+JWT\",\"x5t\":\"first\"}",
             CLAIMS(AUD "," EXP));
}

static void audiences_end_where_they_end(void **state)
{
    (void)state;
    static const char *const others[] = {
        "\"aud\":\"https://attest.azure.net//\"",
        "\"aud\":\"https://attest.azure.net.example\"",
        "\"aud\":\"/\"",
        "\"aud\":\"\"",
        "\"aud\":\"https://attest.azure.ne\"",
        "\"aud\":\"HTTPS://attest.azure.net\"",
        "\"aud\":[]",
        "\"aud\":[[\"https://attest.azure.net\"]]",
        "\"aud\":{\"0\":\"https://attest.azure.net\"}",
        "\"aud\":null",
        "\"aud\":\"https://attest.azure.net\\u0000\"",
    };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        refused_by("bearer.audience", NULL,
                   arena_printf(&arena, "{\"iss\":\"%s\",\"sub\":\"a\",%s,%s}", BEARER_ISSUER_URL, others[i], EXP));
}

static void each_plane_has_its_audience(void **state)
{
    (void)state;
    struct simulated_bearer data = made(&(struct simulate_bearer_options){0}),
                            control = made(&(struct simulate_bearer_options){.fault = "bearer.audience:plane"});
    struct bearer_exam x;
    struct caller c;

    assert_true(bearer_try(&arena, &control, PLANE_CONTROL, &c, &x));
    assert_false(bearer_try(&arena, &data, PLANE_CONTROL, &c, &x));
    assert_int_equal(trace_failure(x.trace)->id, CHECK_BEARER_AUDIENCE);
    assert_int_equal(c.subject.n, 0);
}

static void clocks_may_differ_by_the_slack(void **state)
{
    (void)state;
    enum { NOW = 1767225600 };
    static const struct {
        const char *name;
        int64_t good, bad;
        const char *id;
    } edges[] = {
        {"exp", NOW - BEARER_SLACK_SECONDS + 1, NOW - BEARER_SLACK_SECONDS, "bearer.expiry"},
        {"nbf", NOW + BEARER_SLACK_SECONDS, NOW + BEARER_SLACK_SECONDS + 1, "bearer.not_before"},
    };

    for (int i = 0; i < 2; i++) {
        const char *form = i ? "{\"iss\":\"%s\",\"sub\":\"a\",%s,\"exp\":1767232800,\"%s\":%lld}"
                             : "{\"iss\":\"%s\",\"sub\":\"a\",%s,\"%s\":%lld}";
        char good[256], bad[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(good, sizeof good, form, BEARER_ISSUER_URL, AUD, edges[i].name, (long long)edges[i].good);
        snprintf(bad, sizeof bad, form, BEARER_ISSUER_URL, AUD, edges[i].name, (long long)edges[i].bad);
#pragma GCC diagnostic pop
        accepted(NULL, good);
        refused_by(edges[i].id, NULL, bad);
    }
    refused_by("bearer.expiry", NULL, CLAIMS(AUD ",\"exp\":-1"));
    refused_by("bearer.expiry", NULL, CLAIMS(AUD ",\"exp\":1e300"));
    refused_by("bearer.expiry", NULL, CLAIMS(AUD ",\"exp\":9223372036854775807"));
    refused_by("bearer.not_before", NULL, CLAIMS(AUD "," EXP ",\"nbf\":-9223372036854775808"));
}

static void unknown_key_is_worth_asking_for(void **state)
{
    (void)state;
    struct simulated_bearer unknown = made(&(struct simulate_bearer_options){.fault = "bearer.key"}),
                            forged = made(&(struct simulate_bearer_options){.fault = "bearer.signature"});
    struct bearer_exam x;
    struct caller c;

    assert_false(bearer_try(&arena, &unknown, PLANE_DATA, &c, &x));
    assert_ptr_equal(x.lacking, x.issuers->v);
    assert_false(bearer_try(&arena, &forged, PLANE_DATA, &c, &x));
    assert_null(x.lacking);
}

static void no_issuer_no_caller(void **state)
{
    (void)state;
    struct simulated_bearer b = made(&(struct simulate_bearer_options){0});
    const struct issuers none = {0};
    struct bearer_exam x = {.arena = &arena, .trace = trace_new(&arena), .issuers = &none, .time = b.options.time};
    struct caller c;

    assert_false(bearer_verify(&x, b.authorization, &c));
    assert_int_equal(trace_failure(x.trace)->id, CHECK_BEARER_ISSUER);
}

static void long_headers_are_refused(void **state)
{
    (void)state;
    struct simulated_bearer b = made(&(struct simulate_bearer_options){0});
    struct writer w = wr_open(&arena);

    wr_text(&w, "Bearer ");
    while (wr_done(&w).n < 32 * 1024)
        wr_u8(&w, ' ');
    wr_put(&w, bytes_after(b.authorization, 7));
    b.authorization = wr_done(&w);
    assert_string_equal(bearer_judge(&arena, &b), "bearer.form");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_by_its_own_check),     cmocka_unit_test(each_row_has_its_fault),
        cmocka_unit_test(caller_is_subject_of_issuer),     cmocka_unit_test(tokens_give_no_rights),
        cmocka_unit_test(forms_that_issuers_use),          cmocka_unit_test(audiences_end_where_they_end),
        cmocka_unit_test(each_plane_has_its_audience),     cmocka_unit_test(clocks_may_differ_by_the_slack),
        cmocka_unit_test(unknown_key_is_worth_asking_for), cmocka_unit_test(no_issuer_no_caller),
        cmocka_unit_test(long_headers_are_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
