/* What policies do with claims: order, sets, functions, read-only values, errors, and the end of every evaluation
 * (policy.md 4 to 6). The shared vectors run beside these. */
#include "test.h"

#include "base/limits.h"
#include "claims/claims_json.h"
#include "policy/policy.h"

static struct arena arena;
static struct claims incoming;
static struct policy_run run;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, LIMIT_REQUEST_MEMORY); /* so the limits are seen to hold before the memory does */
    claims_init(&incoming, &arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const struct policy *compile_bytes(struct bytes text)
{
    const struct policy *policy;
    struct policy_error error;

    if (!policy_parse(&arena, text, &policy, &error))
        fail_msg("%s", arena_string(&arena, policy_error_message(&arena, &error)));
    return policy;
}

static bool run_bytes(struct bytes text)
{
    policy_start(&run, compile_bytes(text), &arena, &incoming);
    return policy_configure(&run) && policy_decide(&run);
}

static bool permits(const char *text)
{
    return run_bytes(bytes_text(text));
}

static struct bytes printed(const struct claims *c)
{
    return json_print(&arena, claims_object(&arena, c, 0), JSON_SORTED);
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

/* What one rule of issuancerules issues over some_claims, under 1.2. */
static void issues(const char *rules, const char *expected)
{
    some_claims();
    if (!permits(arena_printf(&arena, "version=1.2;authorizationrules{=>permit();};issuancerules{%s};", rules)))
        fail_msg("%s: %s", rules, arena_string(&arena, run.error));
    assert_bytes_are(printed(&run.outgoing), expected);
}

static void fails(const char *rules, const char *reason)
{
    some_claims();
    assert_false(
        permits(arena_printf(&arena, "version=1.2;authorizationrules{=>permit();};issuancerules{%s};", rules)));
    assert_int_equal(run.decision, POLICY_ERROR);
    assert_bytes_are(run.error, arena_printf(&arena, "%s, in the rule at line 1, column 59: %s", reason, rules));
    assert_int_equal(run.outgoing.n, 0);
}

#define YES "=>issue(type=\"y\",value=1);"

static void decisions(void **state)
{
    (void)state;
    assert_false(permits("version=1.0;authorizationrules{};issuancerules{" YES "};"));
    assert_int_equal(run.decision, POLICY_NO_PERMIT);
    assert_int_equal(run.outgoing.n, 0);
    assert_false(
        permits("version=1.0;authorizationrules{=>deny();=>permit();\n// c\n=>deny ( ) ;};issuancerules{" YES "};"));
    assert_int_equal(run.decision, POLICY_DENY);
    assert_bytes_are(run.deciding_rule, "=>deny();");
    assert_int_equal(run.outgoing.n, 0);
    assert_true(permits("version=1.0;authorizationrules{=>permit();};issuancerules{" YES "};"));
    assert_bytes_are(printed(&run.outgoing), "{\"y\":1}");
    assert_false(policy_decide(&run)); /* once only */
    assert_int_equal((struct policy_run){0}.decision, POLICY_NO_PERMIT);
}

static void comparisons(void **state)
{
    (void)state;
    issues("[type==\"a\",value==1]" YES, "{\"y\":1}");
    issues("[type==\"a\",value==3]" YES, "{}");
    issues("[type==\"b\",value!=1]" YES, "{\"y\":1}"); /* of another kind, so unequal */
    issues("[type==\"b\",value>=1]" YES "[type==\"secret\",value<5]" YES, "{}");
    issues("[value>1,value<3]" YES, "{\"y\":1}");
    issues("[value>2]" YES "[value<1]" YES, "{}");
    issues("[type!=\"a\",type!=\"b\",type!=\"secret\"]" YES, "{}");
    issues("[type==\"a\",type==\"b\"]" YES, "{}");
    issues("[type==\"a\",valueType==\"String\"]" YES "[type==\"b\",valueType!=\"Boolean\"]" YES, "{\"y\":1}");
    issues("[type==\"b\",issuer==\"AttestationService\"]" YES, "{\"y\":1}");
    issues("[type==\"A\"]" YES "[type==\"a \"]" YES "[type==1]" YES, "{}");
}

/* == and < hold when one element of the set satisfies them, != when every one does. */
static void sets(void **state)
{
    (void)state;
    issues("c:[type==\"a\"]&&[type==\"b\",value==c.value]" YES, "{}");
    issues("c:[type==\"a\"]&&[type==\"b\",value!=c.value]" YES, "{\"y\":1}");
    issues("c:[type==\"a\"]&&[type==\"a\",value!=c.value]" YES, "{}");
    issues("c:[type==\"a\"]&&d:[type==\"a\",value<c.value]=>issue(type=\"y\",value=d.value);", "{\"y\":1}");
    issues("c:[type==\"a\"]=>issue(type=\"y\",value=c.value);", "{\"y\":[1,2,\"1\"]}");
    issues("c:[type==\"a\"]=>issue(claim=c);", "{\"a\":[1,2,\"1\"]}");
    issues("c:[type==\"b\"]=>issue(type=c.type,value=c.valueType);", "{\"b\":\"Boolean\"}");
    issues("c:[type==\"b\"]=>issue(type=\"y\",value=c.issuer);", "{\"y\":\"AttestationService\"}");
    issues("=>add(type=\"k\",value=1,issuer=\"x\",valueType=\"y\");c:[type==\"k\"]=>issue(type=\"y\",value=c.issuer);",
           "{\"y\":\"AttestationPolicy\"}");
    issues("[value==JsonToClaimValue(\"[]\")]" YES, "{}");
    issues("[type==\"a\",value!=JsonToClaimValue(\"[]\")]" YES, "{\"y\":1}");
    issues("c:[value==JsonToClaimValue(\"[7,1,true]\")]=>issue(claim=c);", "{\"a\":1,\"b\":true}");
}

/* A rule that adds what it matches sees the set as it was. */
static void growing(void **state)
{
    (void)state;
    issues("c:[type==\"a\"]=>add(claim=c);c:[type==\"a\"]=>issue(type=\"n\",value=c.value);", "{\"n\":[1,2,\"1\"]}");
    assert_int_equal(incoming.n, 5 + 3 + 6);
    assert_int_equal(run.outgoing.n, 6);
    assert_int_equal(incoming.v[13].issuer, ISSUER_POLICY);
}

static void hidden_claims(void **state)
{
    (void)state;
    claims_text(&incoming, "t", BYTES_LIT("x"), CLAIM_TOKEN);
    claims_json(&incoming, "j", json_new(&arena, JSON_OBJECT), CLAIM_TOKEN | CLAIM_POLICY);
    assert_true(permits("version=1.2;authorizationrules{[type!=\"\"]=>deny();![type!=\"\"]=>permit();};"));
}

static void properties(void **state)
{
    (void)state;
    some_claims();
    assert_true(permits("version=1.2;configurationrules{[type==\"a\"]=>issueproperty(type=\"p\",value=1);"
                        "![type==\"a\"]=>issueproperty(type=\"q\",value=2);};"
                        "authorizationrules{![type==\"q\"]=>permit();};"
                        "issuancerules{=>issueproperty(type=\"q\",value=3);};"));
    assert_bytes_are(printed(&run.properties), "{\"q\":[2,3]}");
    assert_int_equal(incoming.n, 5);
    assert_int_equal(run.outgoing.n, 0);

    assert_false(permits("version=1.2;configurationrules{=>issueproperty(type=\"p\",value=NegateBool(1));};"
                         "authorizationrules{=>permit();};"));
    assert_int_equal(run.decision, POLICY_ERROR);
    assert_false(policy_decide(&run)); /* an error stays one */
    assert_int_equal(run.decision, POLICY_ERROR);
}

static void functions(void **state)
{
    (void)state;
    issues("c:[type==\"a\"]=>issue(type=\"y\",value=ContainsOnlyValue(c.value,1));", "{\"y\":false}");
    issues("=>issue(type=\"y\",value=ContainsOnlyValue(JsonToClaimValue(\"[1,1]\"),1));", "{\"y\":true}");
    issues("=>issue(type=\"y\",value=IsSubsetOf(JsonToClaimValue(\"[]\"),JsonToClaimValue(\"[]\")));", "{\"y\":true}");
    issues("c:[type==\"a\"]=>issue(type=\"y\",value=IsSubsetOf(1,c.value));", "{\"y\":true}");
    issues("c:[type==\"a\"]=>issue(type=\"y\",value=IsSubsetOf(true,c.value));", "{\"y\":false}");
    issues("=>issue(type=\"y\",value=AppendString(AppendString(\"\",\"\"),\"\"));", "{\"y\":\"\"}");
    issues("[value==NegateBool(NegateBool(true))]" YES, "{\"y\":1}");
    issues("=>issue(type=\"y\",value=JsonToClaimValue(\" [0, null, 0, \\\"0\\\"] \"));", "{\"y\":[0,\"0\"]}");
    issues("=>issue(type=\"y\",value=JsonToClaimValue(\"-0\"));", "{\"y\":0}");
    issues("=>issue(type=\"y\",value=JsonToClaimValue(\"\"));", "{\"y\":\"\"}");
    issues("=>issue(type=\"y\",value=JsonToClaimValue(\"[1\"));", "{\"y\":\"[1\"}");
    issues("=>issue(type=\"y\",value=JsonToClaimValue(\"-9223372036854775808\"));", "{\"y\":-9223372036854775808}");
    /* an operand is asked for only when a claim comes to it */
    issues("[type==\"nosuch\",value==NegateBool(1)]" YES, "{}");
}

static void function_errors(void **state)
{
    (void)state;
    fails("=>issue(type=\"y\",value=NegateBool(1));", "NegateBool takes a Boolean here and was given an Integer");
    fails("c:[type==\"a\"]=>issue(type=\"y\",value=NegateBool(c.value));",
          "NegateBool takes one value here and was given 3");
    fails("=>issue(type=\"y\",value=AppendString(\"a\",true));",
          "AppendString takes a String here and was given a Boolean");
    fails("=>issue(type=\"y\",value=AppendString(JsonToClaimValue(\"null\"),\"a\"));",
          "AppendString takes one value here and was given 0");
    fails("=>issue(type=\"y\",value=JsonToClaimValue(1));",
          "JsonToClaimValue takes a String here and was given an Integer");
    fails("=>issue(type=\"y\",value=ContainsOnlyValue(1,JsonToClaimValue(\"[]\")));",
          "ContainsOnlyValue takes one value here and was given 0");
    fails("=>issue(type=\"y\",value=JsonToClaimValue(\"1.0\"));",
          "JsonToClaimValue takes no number with a fraction, an exponent or more than 64 bits");
    fails("=>issue(type=\"y\",value=JsonToClaimValue(\"[1e3]\"));",
          "JsonToClaimValue takes no number with a fraction, an exponent or more than 64 bits");
    fails("=>issue(type=\"y\",value=JsonToClaimValue(\"9223372036854775808\"));",
          "JsonToClaimValue takes no number with a fraction, an exponent or more than 64 bits");
    fails("=>issue(type=\"y\",value=JsonToClaimValue(\"{}\"));", "JsonToClaimValue takes no object");
    fails("=>issue(type=\"y\",value=JsonToClaimValue(\"[[]]\"));", "JsonToClaimValue takes no array in an array");
    fails("=>issue(type=1,value=1);", "the type of a claim must be exactly one String");
    fails("c:[type==\"a\"]=>issue(type=c.type,value=1);", "the type of a claim must be exactly one String");
    fails("[type==\"a\",value==NegateBool(1)]=>issue(type=\"y\",value=1);",
          "NegateBool takes a Boolean here and was given an Integer");
}

static void jmes_path(void **state)
{
    (void)state;
    issues("=>issue(type=\"y\",value=JmesPath(\"{\\\"b\\\":1,\\\"a\\\":[2]}\",\"@\"));",
           "{\"y\":\"{\\\"b\\\":1,\\\"a\\\":[2]}\"}");
    /* A JSON string stays one, through claims, JsonToClaimValue and JmesPath itself; not through AppendString. */
    issues("=>add(type=\"s\",value=JmesPath(\"[\\\"12\\\"]\",\"[0]\"));"
           "c:[type==\"s\"]=>issue(type=\"y\",value=JsonToClaimValue(c.value));"
           "c:[type==\"s\"]=>issue(type=\"l\",value=JmesPath(c.value,\"length(@)\"));"
           "c:[type==\"s\"]=>issue(type=\"n\",value=JsonToClaimValue(AppendString(c.value,\"\")));",
           "{\"l\":\"2\",\"n\":12,\"y\":\"12\"}");
    issues("[value==JmesPath(\"[\\\"s\\\"]\",\"[0]\")]" YES, "{\"y\":1}");
    fails("=>issue(type=\"y\",value=JmesPath(\"\",\"a\"));", "JmesPath takes no empty JSON text");
    fails("=>issue(type=\"y\",value=JmesPath(\"{}\",\"\"));", "JmesPath takes no empty query");
    fails("=>issue(type=\"y\",value=JmesPath(\"abc\",\"a\"));", "JmesPath was given text that is not JSON");
    fails("=>issue(type=\"y\",value=JmesPath(1,\"a\"));", "JmesPath takes a String here and was given an Integer");
    fails("c:[type==\"secret\"]=>issue(type=\"y\",value=JmesPath(\"{}\",c.value));",
          "a read-only value cannot be issued");
    fails("c:[type==\"secret\"]=>issue(type=\"y\",value=JmesPath(JmesPath(\"[1]\",c.value),\"@\"));",
          "a read-only value cannot be issued");
}

/* A result that holds itself twice, sixty times over, is small until it is written. */
static void shared_results_are_not_printed(void **state)
{
    struct writer w = wr_open(&arena);

    (void)state;
    for (int to_string = 0; to_string < 2; to_string++) {
        w = wr_open(&arena);
        wr_text(
            &w,
            "version=1.2;authorizationrules{=>permit();};issuancerules{=>issue(type=\"y\",value=JmesPath(\"[1]\",\"@");
        for (int i = 0; i < 60; i++)
            wr_text(&w, "|[@,@]");
        wr_text(&w, to_string ? "|length(to_string(@))\"));};" : "\"));};");
        some_claims();
        assert_false(run_bytes(wr_done(&w)));
        assert_int_equal(run.decision, POLICY_ERROR);
        assert_non_null(strstr(arena_string(&arena, run.error), "the search takes too many steps"));
    }
}

static void read_only(void **state)
{
    static const char refused[] = "a read-only value cannot be issued";

    (void)state;
    fails("c:[type==\"secret\"]=>issue(type=\"y\",value=c.value);", refused);
    fails("c:[type==\"secret\"]=>issue(claim=c);", refused);
    fails("c:[type==\"secret\"]=>issueproperty(type=\"y\",value=c.value);", refused);
    fails("c:[type==\"secret\"]=>issue(type=\"y\",value=AppendString(\"a\",c.value));", refused);
    fails("c:[type==\"secret\"]=>issue(type=\"y\",value=JsonToClaimValue(c.value));", refused);
    fails("c:[type==\"secret\"]=>issue(type=\"y\",value=JsonToClaimValue(AppendString(\"[1,\",AppendString(c.value,"
          "\"\"))));",
          refused);
    some_claims();
    assert_false(
        permits("version=1.2;authorizationrules{=>permit();c:[type==\"secret\"]=>add(type=\"k\",value=c.value);};"
                "issuancerules{c:[type==\"k\"]=>issue(claim=c);};"));
    assert_int_equal(run.decision, POLICY_ERROR);
    issues("c:[type==\"secret\",value==\"s\"]=>issue(type=\"y\",value=ContainsOnlyValue(c.value,\"s\"));"
           "c:[type==\"secret\"]=>issue(type=\"z\",value=IsSubsetOf(c.value,\"t\"));"
           "c:[type==\"secret\"]=>issue(type=\"t\",value=c.type);",
           "{\"t\":\"secret\",\"y\":true,\"z\":false}");
}

/* The rule in an error: one line, without comments, strings as they are, cut when long. */
static void quoted_rules(void **state)
{
    struct writer w = wr_open(&arena);

    (void)state;
    assert_false(
        permits("version=1.2;\nauthorizationrules{=>permit();};issuancerules\n{\n  // no\n\t=> // why\r\n  issue(type "
                "=\n\"a  // \\\"b\\\\\",\n\n value=NegateBool( 1));};"));
    assert_bytes_are(run.error,
                     "NegateBool takes a Boolean here and was given an Integer, in the rule at line 5, column 2: "
                     "=> issue(type = \"a  // \\\"b\\\\\", value=NegateBool( 1));");
    wr_text(&w, "version=1.2;authorizationrules{=>add(type=\"");
    for (int i = 0; i < 400; i++)
        wr_text(&w, "\u00e9");
    wr_text(&w, "\",value=NegateBool(1));};");
    assert_false(run_bytes(wr_done(&w)));
    assert_true(run.error.n < 600);
    assert_memory_equal(run.error.p + run.error.n - 6, "\u00e9 \u2026", 6);
}

static void traced(void **state)
{
    (void)state;
    policy_start(&run,
                 compile_bytes(BYTES_LIT("version=1.0;authorizationrules{[type==\"a\"]=>deny();\n =>permit();};")),
                 &arena, &incoming);
    run.explain = true;
    assert_true(policy_configure(&run) && policy_decide(&run));
    assert_int_equal(run.trace_count, 2);
    assert_false(run.trace[0].fired);
    assert_true(run.trace[1].fired);
    assert_bytes_are(run.trace[1].rule, "=>permit();");
    assert_int_equal(run.trace[1].line, 2);
    assert_int_equal(run.trace[1].column, 1);
}

/* count times: part with its number in it. */
static struct bytes numbered(const char *begin, const char *part, int count, const char *end)
{
    struct writer w = wr_open(&arena);

    wr_text(&w, begin);
    for (int i = 0; i < count; i++) {
        char line[256];
        size_t n = 0;

        for (const char *c = part; *c; c++)
            n += (size_t)snprintf(line + n, sizeof line - n, *c == '#' ? "%d" : "%c", *c == '#' ? i : *c);
        wr_text(&w, line);
    }
    wr_text(&w, end);
    return wr_done(&w);
}

static void fails_for(struct bytes text, const char *reason)
{
    assert_false(run_bytes(text));
    assert_int_equal(run.decision, POLICY_ERROR);
    if (!bytes_begin(run.error, reason))
        fail_msg("%s", arena_string(&arena, run.error));
    assert_int_equal(run.outgoing.n, 0);
}

/* Claims of many types, some several times, some whose names differ in the middle alone. */
static void claims_of_many_types(void)
{
    claims_init(&incoming, &arena);
    for (int i = 0; i < 500; i++) {
        claims_integer(&incoming, arena_printf(&arena, "claim-%d", i % 150), i, CLAIM_POLICY);
        claims_integer(&incoming, arena_printf(&arena, "the-same-beginning-%d-and-the-same-end", i % 7), i,
                       CLAIM_POLICY);
    }
    claims_integer(&incoming, "hidden", 1, 0);
}

/* Sections of many rules look claims up by type, short ones go through them: what comes out is the same, in its order. */
static void long_sections_are_as_short_ones(void **state)
{
    (void)state;
    static const char *const sections[] = {
        "c:[type==\"claim-3\"]=>issue(type=\"x\",value=c.value);",
        "c:[type==\"the-same-beginning-3-and-the-same-end\",value>400]=>issue(type=\"x\",value=c.value);",
        "c:[type==\"claim-149\"]=>issue(claim=c);c:[type==\"claim-149\"]=>issue(type=\"x\",value=c.value);",
        "=>issue(type=\"new\",value=1);=>add(type=\"new\",value=2);c:[type==\"new\"]=>issue(type=\"x\",value=c.value);",
        "[type==\"hidden\"]=>issue(type=\"x\",value=1);![type==\"hidden\"]=>issue(type=\"y\",value=1);",
        "![type==\"claim-150\"]&&c:[type==\"claim-0\"]&&d:[type==\"claim-1\",value==c.value]=>issue(claim=d);",
        "[type==\"\"]=>issue(type=\"x\",value=1);c:[value==3]=>issue(type=\"x\",value=c.type);",
    };

    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        struct bytes found[2];

        for (int padded = 0; padded < 2; padded++) {
            struct bytes before = numbered("version=1.2;authorizationrules{=>permit();};issuancerules{",
                                           "[type==\"absent-#\"]=>issue(type=\"z\",value=1);", padded ? 100 : 0, "");
            char *text = arena_printf(&arena, "%s%s};", arena_string(&arena, before), sections[i]);

            claims_of_many_types();
            if (!permits(text))
                fail_msg("%s: %s", sections[i], arena_string(&arena, run.error));
            found[padded] = printed(&run.outgoing);
        }
        assert_bytes_equal(found[1], found[0]);
    }
}

static void many_steps(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++)
        claims_integer(&incoming, "n", i, CLAIM_POLICY);
    fails_for(numbered("version=1.0;authorizationrules{=>permit();", "[value==-1]=>deny();", 300, "};"),
              "the evaluation takes more than 4194304 steps");
    fails_for(BYTES_LIT("version=1.0;authorizationrules{=>permit();c:[type==\"n\"]&&[value!=c.value]=>deny();};"),
              "the evaluation takes more than 4194304 steps");
    fails_for(
        BYTES_LIT("version=1.2;authorizationrules{c:[type==\"n\"]&&[value==IsSubsetOf(c.value,c.value)]=>permit();};"),
        "the evaluation takes more than 4194304 steps");
    assert_true(permits("version=1.0;authorizationrules{=>permit();[value==-1]=>deny();};"));
}

static void long_texts(void **state)
{
    static uint8_t text[512 * 1024];

    (void)state;
    memset(text, 'a', sizeof text);
    for (int i = 0; i < 1000; i++)
        claims_add(&incoming, (struct claim){.type = BYTES_OF(text), .flags = CLAIM_POLICY});
    claims_text(&incoming, "t", BYTES_OF(text), CLAIM_POLICY);
    /* comparing */
    fails_for(BYTES_LIT("version=1.0;authorizationrules{c:[type==\"t\"]&&d:[type==c.value]=>permit();};"),
              "the evaluation takes more than 4194304 steps");
    /* making: a text twice as long with each rule */
    fails_for(BYTES_LIT("version=1.2;authorizationrules{=>permit();"
                        "c:[type==\"t\"]=>add(type=\"u\",value=AppendString(c.value,c.value));"
                        "c:[type==\"u\"]=>add(type=\"v\",value=AppendString(c.value,c.value));"
                        "c:[type==\"v\"]=>add(type=\"w\",value=AppendString(c.value,c.value));"
                        "c:[type==\"w\"]=>add(type=\"x\",value=AppendString(c.value,c.value));"
                        "c:[type==\"x\"]=>add(type=\"y\",value=AppendString(c.value,c.value));"
                        "c:[type==\"y\"]=>add(type=\"z\",value=AppendString(c.value,c.value));};"),
              "the evaluation takes more than 4194304 steps");
    /* issuing the same long text again and again */
    fails_for(numbered("version=1.0;authorizationrules{=>permit();};issuancerules{",
                       "c:[type==\"t\"]=>issue(type=\"n#\",value=c.value);", 100, "};"),
              "the evaluation takes more than 4194304 steps");
}

/* count zeros in a JSON array, as a string literal */
static struct bytes zeros(const char *begin, int count, const char *end)
{
    struct writer w = wr_open(&arena);

    wr_text(&w, begin);
    for (int i = 0; i < count; i++)
        wr_text(&w, i ? ",0" : "0");
    wr_text(&w, end);
    return wr_done(&w);
}

static void many_claims(void **state)
{
    (void)state;
    fails_for(zeros("version=1.2;authorizationrules{=>add(type=\"a\",value=JsonToClaimValue(\"[", LIMIT_CLAIMS + 1,
                    "]\"));=>permit();};"),
              "the policy makes a set of more than 65536 claims");
    claims_init(&incoming, &arena);
    assert_true(run_bytes(zeros("version=1.2;authorizationrules{=>add(type=\"a\",value=JsonToClaimValue(\"[",
                                LIMIT_CLAIMS, "]\"));=>permit();};")));
    fails_for(BYTES_LIT("version=1.0;authorizationrules{=>permit();};issuancerules{=>issue(type=\"b\",value=1);};"),
              "the policy makes a set of more than 65536 claims");
    claims_integer(&incoming, "one too many", 1, CLAIM_POLICY);
    fails_for(BYTES_LIT("version=1.0;authorizationrules{=>permit();};"), "the evidence proves more than 65536 claims");
}

static void much_json_read(void **state)
{
    (void)state;
    claims_integer(&incoming, "a", 1, CLAIM_POLICY);
    fails_for(zeros("version=1.2;authorizationrules{[value==JsonToClaimValue(\"[", LIMIT_POLICY_JSON_NODES,
                    "]\")]=>permit();};"),
              "JsonToClaimValue: JSON, byte 262143: too many values");
    /* also when it is no JSON in the end, and over all calls together */
    fails_for(
        zeros(
            "version=1.2;authorizationrules{d:[value==JsonToClaimValue(\"x\")]=>deny();c:[value!=JsonToClaimValue(\"[",
            LIMIT_POLICY_JSON_NODES - 100,
            "\")]&&[value!=JsonToClaimValue(\"[0]\")]&&[value!=JsonToClaimValue("
            "\"[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
            "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]\")]"
            "=>permit();};"),
        "JsonToClaimValue: JSON, byte 191: too many values");
    struct writer w = wr_open(&arena);
    wr_text(&w, "version=1.2;authorizationrules{[value!=JsonToClaimValue(\"");
    for (int i = 0; i <= LIMIT_JSON_DEPTH; i++)
        wr_text(&w, "[");
    wr_text(&w, "\")]=>permit();};");
    fails_for(wr_done(&w), "JsonToClaimValue: JSON, byte 256: nested too deep");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(decisions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comparisons, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(growing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hidden_claims, set_up, tear_down),
        cmocka_unit_test_setup_teardown(properties, set_up, tear_down),
        cmocka_unit_test_setup_teardown(functions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(function_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(jmes_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shared_results_are_not_printed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(read_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quoted_rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(traced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_sections_are_as_short_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_claims, set_up, tear_down),
        cmocka_unit_test_setup_teardown(much_json_read, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("policy_run", tests, NULL, NULL);
}
