/* The trace of an evaluation: what it says of every rule, its bounds, and that keeping it changes nothing. Then the
 * largest policies there can be: each ends with a decision or the documented error, traced or not. */
#include "test.h"

#include "base/limits.h"
#include "claims/claims_json.h"
#include "policy/policy.h"

/* What one evaluation may take with its copy of the claims and its trace as JSON, and leave room for the appraisal. */
enum { EVALUATION_MEMORY = LIMIT_REQUEST_MEMORY / 2 };

static struct arena arena, working;
static struct claims incoming;
static struct policy_run run;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    arena_init(&working, EVALUATION_MEMORY);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    arena_free(&working);
    return 0;
}

/* The claims {a: 1}, {a: 2}, {a: "1"}, {b: true}, {secret: "s"} read-only. */
static void some_claims(void)
{
    claims_init(&incoming, &arena);
    claims_integer(&incoming, "a", 1, CLAIM_POLICY);
    claims_integer(&incoming, "a", 2, CLAIM_POLICY);
    claims_text(&incoming, "a", BYTES_LIT("1"), CLAIM_POLICY);
    claims_boolean(&incoming, "b", true, CLAIM_POLICY);
    claims_text(&incoming, "secret", BYTES_LIT("s"), CLAIM_POLICY | CLAIM_READ_ONLY);
}

static void many_claims(size_t count)
{
    claims_init(&incoming, &arena);
    for (size_t i = 0; i < count; i++)
        claims_integer(&incoming, "n", (int64_t)i, CLAIM_POLICY);
}

static const struct policy *compile(struct bytes text)
{
    const struct policy *policy;
    struct policy_error error;

    if (!policy_parse(&arena, text, &policy, &error))
        fail_msg("%s", arena_string(&arena, policy_error_message(&arena, &error)));
    return policy;
}

static bool evaluate(const struct policy *policy, struct claims *claims, bool explain)
{
    policy_start(&run, policy, &working, claims);
    run.explain = explain;
    return policy_configure(&run) && policy_decide(&run);
}

/* Traces a policy whose authorizationrules these are, over some_claims. */
static void trace(const char *rules)
{
    some_claims();
    evaluate(compile(bytes_text(arena_printf(&arena, "version=1.2;authorizationrules{%s};", rules))), &incoming, true);
}

static const struct json *shown(size_t rule, const char *member)
{
    return json_member(json_element(policy_trace_json(&arena, &run), rule), member);
}

static void shows(size_t rule, const char *member, const char *expected)
{
    assert_bytes_are(json_print(&arena, shown(rule, member), JSON_IN_ORDER), expected);
}

static void rules_and_sections(void **state)
{
    (void)state;
    some_claims();
    assert_true(evaluate(compile(BYTES_LIT("version=1.2;configurationrules{=>issueproperty(type=\"p\",value=7);};\n"
                                           "authorizationrules{[type==\"a\"]=>permit();\n"
                                           "  [type==\"z\"]=>deny();=>add(type=\"k\",value=1);};\n"
                                           "issuancerules{c:[type==\"a\"]=>issue(type=\"y\",value=c.value);};")),
                         &incoming, true));
    assert_bytes_are(
        json_print(&arena, policy_trace_json(&arena, &run), JSON_IN_ORDER),
        "[{\"section\":\"configurationrules\",\"line\":1,\"column\":32,"
        "\"rule\":\"=>issueproperty(type=\\\"p\\\",value=7);\",\"fired\":true,\"action\":\"issueproperty\","
        "\"conditions\":[],\"calls\":[],\"made\":[{\"type\":\"p\",\"value\":7,\"issuer\":\"AttestationPolicy\"}],"
        "\"error\":null},"
        "{\"section\":\"authorizationrules\",\"line\":2,\"column\":20,\"rule\":\"[type==\\\"a\\\"]=>permit();\","
        "\"fired\":true,\"action\":\"permit\",\"conditions\":[{\"condition\":\"[type==\\\"a\\\"]\",\"negated\":false,"
        "\"result\":\"held\",\"matches\":1,\"matched\":[{\"index\":0,\"type\":\"a\",\"value\":1,"
        "\"issuer\":\"AttestationService\"}],\"nearest\":null}],\"calls\":[],\"made\":[],\"error\":null},"
        "{\"section\":\"authorizationrules\",\"line\":3,\"column\":3,\"rule\":\"[type==\\\"z\\\"]=>deny();\","
        "\"fired\":false,\"action\":\"deny\",\"conditions\":[{\"condition\":\"[type==\\\"z\\\"]\",\"negated\":false,"
        "\"result\":\"false\",\"matches\":0,\"matched\":[],\"nearest\":null}],\"calls\":[],\"made\":[],\"error\":null},"
        "{\"section\":\"authorizationrules\",\"line\":3,\"column\":23,\"rule\":\"=>add(type=\\\"k\\\",value=1);\","
        "\"fired\":true,\"action\":\"add\",\"conditions\":[],\"calls\":[],"
        "\"made\":[{\"type\":\"k\",\"value\":1,\"issuer\":\"AttestationPolicy\"}],\"error\":null},"
        "{\"section\":\"issuancerules\",\"line\":4,\"column\":15,"
        "\"rule\":\"c:[type==\\\"a\\\"]=>issue(type=\\\"y\\\",value=c.value);\",\"fired\":true,\"action\":\"issue\","
        "\"conditions\":[{\"condition\":\"c:[type==\\\"a\\\"]\",\"negated\":false,\"result\":\"held\",\"matches\":3,"
        "\"matched\":[{\"index\":0,\"type\":\"a\",\"value\":1,\"issuer\":\"AttestationService\"},"
        "{\"index\":1,\"type\":\"a\",\"value\":2,\"issuer\":\"AttestationService\"},"
        "{\"index\":2,\"type\":\"a\",\"value\":\"1\",\"issuer\":\"AttestationService\"}],\"nearest\":null}],"
        "\"calls\":[],\"made\":[{\"type\":\"y\",\"value\":1,\"issuer\":\"AttestationPolicy\"},"
        "{\"type\":\"y\",\"value\":2,\"issuer\":\"AttestationPolicy\"},"
        "{\"type\":\"y\",\"value\":\"1\",\"issuer\":\"AttestationPolicy\"}],\"error\":null}]");
}

/* The nearest miss of a rule's first condition. */
static void misses(const char *rule, const char *expected)
{
    trace(rule);
    assert_false(run.trace[0].fired);
    assert_bytes_are(json_print(&arena, json_member(json_element(shown(0, "conditions"), 0), "nearest"), JSON_IN_ORDER),
                     expected);
}

static void nearest_misses(void **state)
{
    (void)state;
    misses("[type==\"a\",value>=2,valueType==\"String\"]=>permit();",
           "{\"claim\":{\"index\":1,\"type\":\"a\",\"value\":2,\"issuer\":\"AttestationService\"},\"satisfied\":2,"
           "\"comparisons\":3,\"property\":\"valueType\",\"operator\":\"==\",\"found\":\"Integer\","
           "\"expected\":{\"count\":1,\"values\":[\"String\"]}}");
    misses("[type==\"b\",value!=true]=>permit();",
           "{\"claim\":{\"index\":3,\"type\":\"b\",\"value\":true,\"issuer\":\"AttestationService\"},\"satisfied\":1,"
           "\"comparisons\":2,\"property\":\"value\",\"operator\":\"!=\",\"found\":true,"
           "\"expected\":{\"count\":1,\"values\":[true]}}");
    misses("[type==\"b\",issuer==\"x\"]=>permit();",
           "{\"claim\":{\"index\":3,\"type\":\"b\",\"value\":true,\"issuer\":\"AttestationService\"},\"satisfied\":1,"
           "\"comparisons\":2,\"property\":\"issuer\",\"operator\":\"==\",\"found\":\"AttestationService\","
           "\"expected\":{\"count\":1,\"values\":[\"x\"]}}");
    misses("[type==\"b\",value==JsonToClaimValue(\"[3,4]\")]=>permit();",
           "{\"claim\":{\"index\":3,\"type\":\"b\",\"value\":true,\"issuer\":\"AttestationService\"},\"satisfied\":1,"
           "\"comparisons\":2,\"property\":\"value\",\"operator\":\"==\",\"found\":true,"
           "\"expected\":{\"count\":2,\"values\":[3,4]}}");
    misses("[value==3]=>permit();", "null"); /* none satisfies anything */
    misses("[type==\"c\",value==3]=>permit();", "null");
    misses("[type!=\"a\",type!=\"b\",type<5]=>permit();",
           "{\"claim\":{\"index\":4,\"type\":\"secret\",\"value\":\"s\",\"issuer\":\"AttestationService\"},"
           "\"satisfied\":2,\"comparisons\":3,\"property\":\"type\",\"operator\":\"<\",\"found\":\"secret\","
           "\"expected\":{\"count\":1,\"values\":[5]}}");
}

static void negations_and_the_unreached(void **state)
{
    (void)state;
    trace("![type==\"z\"]&&![type==\"b\",value==true]&&[type==\"a\"]=>permit();");
    shows(0, "fired", "false");
    shows(0, "conditions",
          "[{\"condition\":\"![type==\\\"z\\\"]\",\"negated\":true,\"result\":\"held\",\"matches\":0,\"matched\":[],"
          "\"nearest\":null},{\"condition\":\"![type==\\\"b\\\",value==true]\",\"negated\":true,\"result\":\"false\","
          "\"matches\":1,\"matched\":[{\"index\":3,\"type\":\"b\",\"value\":true,\"issuer\":\"AttestationService\"}],"
          "\"nearest\":null},{\"condition\":\"[type==\\\"a\\\"]\",\"negated\":false,\"result\":\"not reached\","
          "\"matches\":0,\"matched\":[],\"nearest\":null}]");
}

static void calls(void **state)
{
    (void)state;
    trace("c:[type==\"a\"]&&[type==\"b\",value==IsSubsetOf(1,c.value)]=>add(type=\"k\",value=AppendString(\"x\","
          "AppendString(\"y\",\"\")));");
    shows(0, "calls",
          "[{\"function\":\"IsSubsetOf\",\"condition\":2,\"arguments\":[{\"count\":1,\"values\":[1]},"
          "{\"count\":3,\"values\":[1,2,\"1\"]}],\"result\":{\"count\":1,\"values\":[true]}},"
          "{\"function\":\"AppendString\",\"condition\":null,\"arguments\":[{\"count\":1,\"values\":[\"y\"]},"
          "{\"count\":1,\"values\":[\"\"]}],\"result\":{\"count\":1,\"values\":[\"y\"]}},"
          "{\"function\":\"AppendString\",\"condition\":null,\"arguments\":[{\"count\":1,\"values\":[\"x\"]},"
          "{\"count\":1,\"values\":[\"y\"]}],\"result\":{\"count\":1,\"values\":[\"xy\"]}}]");
    shows(0, "made", "[{\"type\":\"k\",\"value\":\"xy\",\"issuer\":\"AttestationPolicy\"}]");
}

static void failures(void **state)
{
    (void)state;
    trace("=>permit();[type==\"a\",value==NegateBool(7)]&&[type==\"b\"]=>deny();=>permit();");
    assert_int_equal(run.decision, POLICY_ERROR);
    assert_int_equal(run.trace_count, 2); /* nothing is run after it */
    shows(0, "error", "null");
    shows(1, "error", "\"NegateBool takes a Boolean here and was given an Integer\"");
    shows(1, "fired", "false");
    shows(1, "calls",
          "[{\"function\":\"NegateBool\",\"condition\":1,\"arguments\":[{\"count\":1,\"values\":[7]}],"
          "\"result\":null}]");
    assert_int_equal(run.trace[1].conditions[0].result, TRACE_FAILED);
    assert_int_equal(run.trace[1].conditions[1].result, TRACE_NOT_REACHED);

    trace("[type==\"a\"]=>add(type=1,value=1);"); /* in the action: the conditions held */
    shows(0, "error", "\"the type of a claim must be exactly one String\"");
    shows(0, "fired", "true");
    shows(0, "made", "[]");
    assert_int_equal(run.trace[0].conditions[0].result, TRACE_HELD);
}

/* What is listed of one thing, and how many there are. */
static void lists_end(void **state)
{
    const struct policy_trace_entry *t;

    (void)state;
    many_claims(LIMIT_TRACE_LISTED + 3);
    evaluate(compile(BYTES_LIT("version=1.2;authorizationrules{c:[type==\"n\",value!=IsSubsetOf(1,2)]&&"
                               "d:[value!=IsSubsetOf(c.value,c.value)]=>add(type=\"m\",value=c.value);};")),
             &incoming, true);
    t = &run.trace[0];
    assert_int_equal(t->conditions[0].matches, LIMIT_TRACE_LISTED + 3);
    assert_int_equal(t->conditions[0].listed, LIMIT_TRACE_LISTED);
    assert_int_equal(t->conditions[0].matched[LIMIT_TRACE_LISTED - 1].index, LIMIT_TRACE_LISTED - 1);
    assert_int_equal(t->calls[1].arguments[0].count, LIMIT_TRACE_LISTED + 3);
    assert_int_equal(t->calls[1].arguments[0].listed, LIMIT_TRACE_LISTED);
    assert_int_equal(t->made_count, LIMIT_TRACE_LISTED + 3);
    assert_int_equal(t->made_listed, LIMIT_TRACE_LISTED);
    shows(0, "omitted", "{\"calls\":0,\"made\":3}");
}

/* Items are counted one by one, and when they end nothing more is listed: the counts go on. */
static void items_end(void **state)
{
    enum { RULES = 3000 };
    struct writer w = wr_open(&arena);
    size_t listed = 0, calls_made = 0;

    (void)state;
    trace("=>add(type=\"k\",value=NegateBool(true));");
    assert_int_equal(run.trace_items, LIMIT_TRACE_ITEMS - 4); /* a call, its argument, its result, a claim */

    wr_text(&w, "version=1.2;authorizationrules{=>permit();");
    for (int i = 0; i < RULES; i++)
        wr_text(&w, "[value==AppendString(\"\",AppendString(\"\",\"\"))]=>deny();");
    wr_text(&w, "};");
    some_claims();
    assert_true(evaluate(compile(wr_done(&w)), &incoming, true));
    assert_int_equal(run.trace_count, RULES + 1);
    assert_int_equal(run.trace_items, 0);
    for (size_t i = 0; i < run.trace_count; i++) {
        listed += run.trace[i].calls_listed;
        calls_made += run.trace[i].call_count;
    }
    assert_int_equal(listed, LIMIT_TRACE_ITEMS / 4); /* a call, two arguments, a result */
    assert_int_equal(calls_made, 2 * RULES);
}

/* Texts end at a character's end. */
static void texts_end(void **state)
{
    static const char *const before[] = {"", "x", "xx"};

    (void)state;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        struct writer w = wr_open(&arena);
        struct bytes text, found;
        size_t whole = strlen(before[i]);

        wr_text(&w, before[i]);
        for (int j = 0; j < LIMIT_TRACE_TEXT; j++)
            wr_text(&w, "\u20ac");
        text = wr_done(&w);
        while (whole + 3 <= LIMIT_TRACE_TEXT)
            whole += 3;
        claims_init(&incoming, &arena);
        claims_text(&incoming, "t", text, CLAIM_POLICY);
        evaluate(compile(BYTES_LIT("version=1.0;authorizationrules{[type==\"t\"]=>permit();};")), &incoming, true);
        assert_true(json_text(
            json_member(json_element(json_member(json_element(shown(0, "conditions"), 0), "matched"), 0), "value"),
            &found));
        assert_int_equal(found.n, whole + strlen("\u2026"));
        assert_bytes_equal(bytes_first(found, whole), bytes_first(text, whole));
        assert_memory_equal(found.p + whole, "\u2026", strlen("\u2026"));
    }
    claims_init(&incoming, &arena);
    trace(arena_printf(&arena, "[type==\"%0*d\"]=>permit();", LIMIT_TRACE_TEXT - (int)strlen("[type==\"\"]"), 0));
    assert_int_equal(run.trace[0].conditions[0].text.n, LIMIT_TRACE_TEXT); /* not too long: whole */
    assert_null(strstr(arena_string(&arena, json_print(&arena, shown(0, "conditions"), JSON_IN_ORDER)), "\u2026"));
}

static void looks_end(void **state)
{
    struct writer w = wr_open(&arena);
    size_t near = 0;

    (void)state;
    many_claims(LIMIT_CLAIMS);
    wr_text(&w, "version=1.0;authorizationrules{");
    for (int i = 0; i < 10; i++)
        wr_text(&w, "[type==\"n\",value==-1]=>deny();");
    wr_text(&w, "=>permit();};");
    assert_true(evaluate(compile(wr_done(&w)), &incoming, true));
    for (size_t i = 0; i < 10; i++)
        near += run.trace[i].conditions[0].nearest != NULL;
    assert_int_equal(run.trace_looks, 0);
    assert_true(near > 0 && near < 10);
    assert_int_equal(run.trace[0].conditions[0].nearest->claim.index, 0);
    assert_int_equal(run.trace[9].conditions[0].result, TRACE_FALSE); /* it is known, only not how near */
}

static struct claims copy_of(const struct claims *set)
{
    struct claims copy;

    claims_init(&copy, &working);
    for (size_t i = 0; i < set->n; i++)
        claims_add(&copy, set->v[i]);
    return copy;
}

struct outcome {
    enum policy_decision decision;
    size_t steps, incoming;
    struct bytes error, deciding_rule, outgoing, properties;
    bool permitted;
};

static struct outcome outcome_of(const struct policy *policy, const struct claims *claims, bool explain)
{
    struct outcome out;
    struct claims set;

    arena_reset(&working);
    set = copy_of(claims);
    out.permitted = evaluate(policy, &set, explain);
    out.decision = run.decision;
    out.steps = run.steps;
    out.incoming = set.n;
    out.error = arena_copy(&arena, run.error);
    out.deciding_rule = run.deciding_rule;
    out.outgoing = json_print(&arena, claims_object(&arena, &run.outgoing, 0), JSON_IN_ORDER);
    out.properties = json_print(&arena, claims_object(&arena, &run.properties, 0), JSON_IN_ORDER);
    if (!explain)
        assert_int_equal(run.trace_count, 0);
    else if (out.decision != POLICY_NO_PERMIT)
        assert_true(json_print(&working, policy_trace_json(&working, &run), JSON_IN_ORDER).n > 2);
    return out;
}

/* Traced and not, an evaluation ends the same; this is how. */
static struct outcome same_traced(const struct policy *policy, const struct claims *claims)
{
    struct outcome plain = outcome_of(policy, claims, false), traced = outcome_of(policy, claims, true);

    assert_int_equal(traced.decision, plain.decision);
    assert_int_equal(traced.permitted, plain.permitted);
    assert_int_equal(traced.steps, plain.steps);
    assert_int_equal(traced.incoming, plain.incoming);
    assert_bytes_equal(traced.error, plain.error);
    assert_bytes_equal(traced.deciding_rule, plain.deciding_rule);
    assert_bytes_equal(traced.outgoing, plain.outgoing);
    assert_bytes_equal(traced.properties, plain.properties);
    assert_true(plain.steps <= LIMIT_POLICY_STEPS);
    return plain;
}

static void tracing_changes_nothing(void **state)
{
    static const struct {
        const char *rules, *issued;
        enum policy_decision decision;
    } policies[] = {
        {"=>permit();", "c:[type==\"a\"]=>issue(claim=c);", POLICY_PERMIT},
        {"[type==\"a\",value>5]=>permit();", "", POLICY_NO_PERMIT},
        {"=>permit();c:[type==\"a\"]&&[type==\"b\",value!=c.value]=>deny();", "", POLICY_DENY},
        {"=>permit();[value==NegateBool(1)]=>deny();", "", POLICY_ERROR},
        {"![type==\"z\"]=>permit();c:[type==\"a\"]=>add(claim=c);", "c:[type==\"a\"]=>issue(type=\"y\",value=c.value);",
         POLICY_PERMIT},
        {"=>permit();", "c:[type==\"secret\"]=>issue(claim=c);", POLICY_ERROR},
        {"=>permit();", "=>issue(type=\"y\",value=JmesPath(\"{\\\"f\\\":[1,2]}\",\"f\"));", POLICY_PERMIT},
        {"=>permit();", "=>issue(type=\"y\",value=JmesPath(\"{}\",\"[\"));", POLICY_ERROR},
        {"=>permit();", "=>issueproperty(type=\"p\",value=1);[value==JsonToClaimValue(\"[]\")]=>issue(type=1,value=1);",
         POLICY_PERMIT},
    };

    (void)state;
    some_claims();
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        char *text = arena_printf(&arena, "version=1.2;authorizationrules{%s};issuancerules{%s};", policies[i].rules,
                                  policies[i].issued);

        assert_int_equal(same_traced(compile(bytes_text(text)), &incoming).decision, policies[i].decision);
    }
}

static void tracing_changes_no_vector(void **state)
{
    const struct json *root;
    size_t compared = 0;

    (void)state;
    NEED_SHARED("the policy vectors, traced");
    assert_true(json_parse(&arena, read_shared(&arena, "corpus/policies/VECTORS.json"), NULL, &root, NULL));
    JSON_EACH (v, json_member(root, "vectors")) {
        const struct policy *policy;
        struct policy_error error;
        struct bytes text, name;
        struct claims claims;

        assert_true(json_text(json_member(v, "policy"), &text) && json_text(json_member(v, "claims"), &name));
        if (!policy_parse(&arena, text, &policy, &error))
            continue;
        claims_init(&claims, &arena);
        assert_true(
            claims_from_json(&claims, json_member(json_member(root, "claim_sets"), arena_string(&arena, name)), NULL));
        same_traced(policy, &claims);
        compared++;
    }
    print_message("# policy vectors: %zu the same when traced\n", compared);
    assert_true(compared > 50);
}

/* before, count times part, after */
static struct bytes repeated(const char *before, const char *part, size_t count, const char *after)
{
    struct writer w = wr_open(&arena);

    wr_text(&w, before);
    for (size_t i = 0; i < count; i++)
        wr_text(&w, part);
    wr_text(&w, after);
    return wr_done(&w);
}

static void ends_with(struct bytes text, enum policy_decision decision)
{
    struct outcome out = same_traced(compile(text), &incoming);

    if (out.decision != decision)
        fail_msg("%.60s ends with %d: %s", (const char *)text.p, (int)out.decision, arena_string(&arena, out.error));
    if (decision == POLICY_ERROR) {
        assert_true(bytes_begin(out.error, "the evaluation takes more than 4194304 steps"));
        assert_int_equal(out.steps, LIMIT_POLICY_STEPS);
    }
}

#define AUTHORIZE "version=1.2;authorizationrules{"

static void large_texts(void **state)
{
    static const char end[] = "=>permit();};";
    size_t around = strlen(AUTHORIZE) + strlen(end);
    struct bytes long_type;

    (void)state;
    some_claims();
    ends_with(repeated(AUTHORIZE, " ", LIMIT_POLICY_TEXT - around, end), POLICY_PERMIT);
    around += strlen("[type==\"\"]=>deny();");
    long_type = repeated(AUTHORIZE "[type==\"", "x", LIMIT_POLICY_TEXT - around, "\"]=>deny();=>permit();};");
    assert_int_equal(long_type.n, LIMIT_POLICY_TEXT);
    ends_with(long_type, POLICY_PERMIT);
    ends_with(repeated(AUTHORIZE, "[type==\"a\",value==7]=>deny();", LIMIT_POLICY_RULES - 1, end), POLICY_PERMIT);
    ends_with(repeated(AUTHORIZE "[type==\"b\",value==", "NegateBool(", LIMIT_POLICY_NESTING,
                       arena_string(&arena, repeated("true", ")", LIMIT_POLICY_NESTING, "]=>permit();};"))),
              POLICY_PERMIT);
}

/* count conditions that bind, of one rule. */
static struct bytes binding(int count)
{
    struct writer w = wr_open(&arena);

    wr_text(&w, AUTHORIZE);
    for (int i = 0; i < count; i++)
        wr_printf(&w, "%sc%d:[type==\"n\"]", i ? "&&" : "", i);
    wr_text(&w, "=>permit();};");
    return wr_done(&w);
}

static void conditions_over_all_claims(void **state)
{
    (void)state;
    many_claims(LIMIT_CLAIMS);
    ends_with(binding(LIMIT_POLICY_CONDITIONS), POLICY_ERROR);
    ends_with(binding(21), POLICY_PERMIT); /* three steps for each claim */
    ends_with(repeated(AUTHORIZE "=>permit();", "[value==-1]=>deny();", LIMIT_POLICY_RULES - 1, "};"), POLICY_ERROR);
    ends_with(repeated(AUTHORIZE "=>permit();", "[type==\"m\"]=>deny();", LIMIT_POLICY_RULES - 1, "};"),
              POLICY_PERMIT); /* by the index of types */
    ends_with(BYTES_LIT(AUTHORIZE "c:[type==\"n\"]&&[value!=c.value]=>permit();};"), POLICY_ERROR);
}

/* Against an empty set nothing is compared; asking costs a step all the same. */
static void comparisons_with_nothing(void **state)
{
    (void)state;
    many_claims(LIMIT_CLAIMS);
    ends_with(repeated(AUTHORIZE "c:[value!=-1", ",value!=JsonToClaimValue(\"[]\")", 7000, "]=>permit();};"),
              POLICY_ERROR);
    ends_with(repeated(AUTHORIZE "=>permit();c:[type==\"n\",value==-1", ",value==JsonToClaimValue(\"[]\")", 7000,
                       "]=>deny();};"),
              POLICY_PERMIT);
    assert_int_equal(run.trace_looks, 0); /* of the trace too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rules_and_sections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nearest_misses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(negations_and_the_unreached, set_up, tear_down),
        cmocka_unit_test_setup_teardown(calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(items_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(looks_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tracing_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tracing_changes_no_vector, set_up, tear_down),
        cmocka_unit_test_setup_teardown(large_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(conditions_over_all_claims, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comparisons_with_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("policy_trace", tests, NULL, NULL);
}
