/* The file of cases of `assay policy test`: what a line means, and where and why one is refused. */
#include "arena_test.h"

#include "base/limits.h"
#include "cli/policy_cases.h"

static bool read_name(void *context, struct bytes name, struct bytes *text, struct fault *fault)
{
    unsigned *count = context;

    ++*count;
    if (bytes_is(name, "p"))
        *text = BYTES_LIT("version=1.0;authorizationrules{=>permit();};");
    else if (bytes_is(name, "claims of mine"))
        *text = BYTES_LIT("[{\"type\":\"a\",\"value\":1},{\"type\":\"b\",\"value\":\"x\",\"read_only\":true}]");
    else if (bytes_is(name, "bad"))
        *text = BYTES_LIT("version=1.0;\n  oops");
    else
        return fault_set(fault, FAULT_SYSTEM, "no such file");
    return true;
}

static bool cases_of(const char *text, struct policy_cases *out, struct fault *fault)
{
    unsigned count = 0;

    *fault = (struct fault){0};
    return policy_cases_read(&arena, bytes_text(text), &(struct policy_cases_source){&count, read_name}, out, fault);
}

static const struct policy_case *only_case(const char *lines)
{
    static struct policy_cases cases;
    struct fault fault;

    if (!cases_of(arena_printf(&arena, "policy p\n\tcase  the one \r\n%s", lines), &cases, &fault))
        fail_msg("%u: %s", cases.line, fault.text);
    assert_int_equal(cases.n, 1);
    assert_bytes_are(cases.v[0].name, "the one");
    assert_int_equal(cases.v[0].line, 2);
    return &cases.v[0];
}

static void claims_are_read(void **state)
{
    (void)state;
    const struct policy_case *c = only_case("claim a = 1\nclaim b = \"x \\\" y\" CustomClaim read-only\r\n"
                                            "  # not this\nclaim \"c d\" = true AttestationPolicy\nexpect permit\n");

    assert_int_equal(c->claims.n, 3);
    assert_int_equal(c->argc, 0);
    assert_int_equal(c->claims.v[0].issuer, ISSUER_SERVICE);
    assert_int_equal(c->claims.v[0].value.integer, 1);
    assert_bytes_are(c->claims.v[1].value.text, "x \" y");
    assert_int_equal(c->claims.v[1].issuer, ISSUER_CUSTOM);
    assert_int_equal(c->claims.v[1].flags, CLAIM_POLICY | CLAIM_READ_ONLY);
    assert_int_equal(c->claims.v[2].value.kind, CLAIM_BOOLEAN);
    c = only_case("claims claims of mine\nexpect permit");
    assert_int_equal(c->claims.n, 2);
    assert_int_equal(c->claims.v[1].flags, CLAIM_POLICY | CLAIM_READ_ONLY);
}

static void evidence_is_words(void **state)
{
    (void)state;
    const struct policy_case *c =
        only_case("expect failed sgx.quote.signature\nevidence \"my \\u0071uote\"  --at 5 --collateral=\"x\"\r\n");
    static const char *const words[] = {"evidence", "my quote", "--at", "5", "--collateral=\"x\""};

    assert_int_equal(c->argc, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(c->argv[i], words[i]);
    assert_null(c->argv[5]);
    assert_int_equal(c->evidence_line, 4);
    assert_int_equal(c->expectations[0].what, EXPECT_FAILED);
    assert_int_equal(c->expectations[0].check, CHECK_SGX_QUOTE_SIGNATURE);
    c = only_case("simulate sgx --fault intel.pck.validity\nexpect deny");
    assert_string_equal(c->argv[0], "simulate");
}

static void expectations_are_read(void **state)
{
    (void)state;
    const struct policy_case *c =
        only_case("expect deny by line 7\nexpect issues a = [1, 2]\nexpect issues nothing else\nexpect no b\n"
                  "expect property \"p\" = {\"x\": 1}\nexpect message \"a b\"\n");
    static const enum expected kinds[] = {EXPECT_DECISION,   EXPECT_ISSUES,   EXPECT_NOTHING_ELSE,
                                          EXPECT_NOT_ISSUES, EXPECT_PROPERTY, EXPECT_MESSAGE};

    assert_int_equal(c->n, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(c->expectations[i].what, kinds[i]);
        assert_int_equal(c->expectations[i].line, i + 3);
    }
    assert_bytes_are(c->expectations[0].name, "deny");
    assert_int_equal(c->expectations[0].value->integer, 7);
    assert_int_equal(c->expectations[1].value->count, 2);
    assert_bytes_are(c->expectations[3].name, "b");
    assert_bytes_are(c->expectations[5].name, "a b");
    assert_bytes_are(c->expectations[5].text, "message \"a b\"");
}

static void refusals_name_line_and_reason(void **state)
{
    (void)state;
#define HEAD "policy p\ncase a\n"
    static const struct {
        const char *text;
        unsigned line;
        const char *reason;
    } refused[] = {
        {"", 0, "there is no case"},
        {"policy p\n", 1, "there is no case"},
        {"case a", 1, "a policy must be named before the first case"},
        {"expect permit", 1, "this belongs to a case"},
        {"policy p\ncase \n", 2, "a case needs a name"},
        {"policy nowhere", 1, "no such file"},
        {"policy bad", 1, "this policy is not valid"},
        {HEAD, 2, "the case expects neither"},
        {HEAD "claims nowhere", 3, "no such file"},
        {HEAD "claims p", 3, "JSON"},
        {HEAD "claim a = []", 3, "the value of a claim is"},
        {HEAD "claim a=1", 3, "NAME = VALUE belongs here"},
        {HEAD "claim a = 1 nobody", 3, "behind the value"},
        {HEAD "evidence \"a\\u0000b\"", 3, "a NUL in it"},
        {HEAD "evidence \"\"", 3, "a word is empty"},
        {HEAD "evidence \"a", 3, "is a JSON string"},
        {HEAD "evidence a\nevidence b", 4, "its evidence already"},
        {HEAD "evidence a\nclaim b = 1", 4, "claims or evidence, not both"},
        {HEAD "claim b = 1\nsimulate sgx", 4, "claims or evidence, not both"},
        {HEAD "evidence a\nexpect failed sgx.quote", 4, "no check has this id"},
        {HEAD "expect failed sgx.quote.signature\ncase b", 3, "only evidence can fail a check"},
        {HEAD "evidence a\nexpect permit\nexpect failed policy.permit", 5, "has its decision already"},
        {HEAD "expect permit by line 1", 3, "a decision stands alone"},
        {HEAD "expect deny by line one", 3, "a decision stands alone"},
        {HEAD "expect no", 3, "expect permit, deny, "},
        {HEAD "expect message 1", 3, "expect permit, deny, "},
        {HEAD "expect property a = \n", 3, "the value is no JSON"},
        {HEAD "tell me", 3, "a line begins with"},
        {HEAD "claim \xff = 1", 3, "not UTF-8"},
    };

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct policy_cases cases;
        struct fault fault;

        if (cases_of(refused[i].text, &cases, &fault))
            fail_msg("accepted: %s", refused[i].text);
        if (cases.line != refused[i].line || !strstr(fault.text, refused[i].reason))
            fail_msg("%s: %u: %s", refused[i].text, cases.line, fault.text);
    }
}

static void a_policy_says_where_it_is_wrong(void **state)
{
    (void)state;
    struct policy_cases cases;
    struct fault fault;

    assert_false(cases_of("policy p\npolicy bad\n", &cases, &fault));
    assert_bytes_are(cases.refused, "bad");
    assert_int_equal(cases.at.line, 2);
    assert_int_equal(cases.line, 2);
    assert_false(cases_of("policy nowhere\n", &cases, &fault));
    assert_int_equal(cases.refused.n, 0);
}

static void cases_are_bounded(void **state)
{
    (void)state;
    struct writer w = wr_open(&arena);
    struct policy_cases cases;
    struct fault fault;

    wr_text(&w, "policy p\n");
    for (int i = 0; i < LIMIT_POLICY_TEST_CASES; i++)
        wr_text(&w, "case a\nexpect deny\n");
    assert_true(cases_of(arena_string(&arena, wr_done(&w)), &cases, &fault));
    assert_int_equal(cases.n, LIMIT_POLICY_TEST_CASES);
    wr_text(&w, "case a\nexpect deny\n");
    assert_false(cases_of(arena_string(&arena, wr_done(&w)), &cases, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    assert_int_equal(cases.line, 2 * LIMIT_POLICY_TEST_CASES + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_are_read),
        cmocka_unit_test(evidence_is_words),
        cmocka_unit_test(expectations_are_read),
        cmocka_unit_test(refusals_name_line_and_reason),
        cmocka_unit_test(a_policy_says_where_it_is_wrong),
        cmocka_unit_test(cases_are_bounded),
    };
    return cmocka_run_group_tests_name("cases", tests, set_up, tear_down);
}
