/* Policy texts: what parses, what does not, and where and why (policy.md 1, 2, 9, 11). */
#include "arena_test.h"

#include "base/limits.h"
#include "policy/policy.h"

static struct policy_error error;

static bool parses_bytes(struct bytes text)
{
    const struct policy *policy;
    bool ok = policy_parse(&arena, text, &policy, &error);

    assert_int_equal(ok, policy != NULL);
    assert_int_equal(ok, error.message[0] == 0);
    if (ok)
        assert_bytes_equal(policy_text(policy), text);
    return ok;
}

static bool parses(const char *text)
{
    return parses_bytes(bytes_text(text));
}

static void accept(const char *text)
{
    if (!parses(text))
        fail_msg("%s\n%s", text, arena_string(&arena, policy_error_message(&arena, &error)));
}

struct refusal {
    const char *text;
    unsigned line, column;
    const char *symbol, *message, *rule;
};

static void refuse(const struct refusal *r)
{
    if (parses(r->text))
        fail_msg("accepted: %s", r->text);
    assert_string_equal(error.message, r->message);
    assert_string_equal(error.symbol, r->symbol);
    assert_string_equal(error.rule, r->rule);
    assert_int_equal(error.line, r->line);
    assert_int_equal(error.column, r->column);
}

#define REFUSE_ALL(table)                                        \
    for (size_t i = 0; i < sizeof(table) / sizeof *(table); i++) \
    refuse(&(table)[i])

#define AUTH(version, rules)  "version=" version ";authorizationrules{" rules "};"
#define ISSUE(version, rules) "version=" version ";authorizationrules{};\nissuancerules{" rules "};"
#define EXPRESSION_LIST       "{a string, an integer, 'true', 'false', identifier.property, a function}"
#define AUTH_RULE             "policy > authorizationRules > rule"
#define ISSUE_RULE            "policy > issuanceRules > rule"

static void accepted(void **state)
{
    (void)state;
    accept("version=1.0;authorizationrules{};");
    accept("VERSION=1.1;ConfigurationRules{};AuthorizationRules{};ISSUANCERULES{};");
    accept("\t\r\nversion // one\r=\n1.2// two\n; authorizationrules{=>permit\n(\n);};// no line end");
    accept(AUTH("1.0",
                "c1:[type==\"a\",valueType==\"String\",valuetype!=\"Integer\",issuer==\"x\"]&&F_1:[value>=c1.value]"
                "=>add(value=F_1.value,type=\"x\",issuer=c1.issuer,valueType=c1.valueType);"));
    accept(ISSUE("1.0", "c:[value<-9223372036854775808]&&[value>9223372036854775807]=>issue(claim=c);"));
    accept(ISSUE("1.0", "c:[value==true]=>add(claim=c);c:[value==false]=>issueproperty(claim=c);"));
    accept(ISSUE("1.2",
                 "![type==\"a\"]&&c:[value==NegateBool(true)]=>issue(type=AppendString(\"a\",c.type),value=c.value);"));
    accept(AUTH("1.2", "[value>NegateBool(true)]=>permit();")); /* of what type a call is shows when it runs */
}

static void lexical(void **state)
{
    static const struct refusal table[] = {
        {"", 1, 0, "<EOF>", "mismatched input '<EOF>' expecting 'version'", "policy > versionInfo"},
        {"\xef\xbb\xbfversion=1.0;", 1, 0, "\xef\xbb\xbf", "the text begins with a byte order mark", "policy"},
        {"version=1.0;\n// \xc3\xa9 \xc3(", 2, 5, "\\xc3", "the text is not valid UTF-8", "policy"},
        {"version=1.0;/* */", 1, 12, "/", "token recognition error at: '/': no token begins so", "policy"},
        {"version=1.0;\r\n\r@", 3, 0, "@", "token recognition error at: '@': no token begins so", "policy"},
        {"version=1.0;\x01", 1, 12, "\\x01", "token recognition error at: '\\x01': no token begins so", "policy"},
        {AUTH("1.0", "[type==\xe2\x80\x9d"
                     "a\xe2\x80\x9d]"),
         1, 38, "\xe2\x80\x9d",
         "token recognition error at: '\xe2\x80\x9d': characters outside ASCII stand only in strings and comments",
         AUTH_RULE " > condition > expression"},
        {AUTH("1.0", "[type=='a']"), 1, 38, "'", "token recognition error at: ''': strings stand between double quotes",
         AUTH_RULE " > condition > expression"},
        {AUTH("1.0", "[type==\"\xc3\xa9\" value]"), 1, 42, "value", "mismatched input 'value' expecting {',', ']'}",
         AUTH_RULE " > condition"},
        {AUTH("1.0", "[type==\"a\n\"]"), 1, 38, "\"a",
         "token recognition error at: '\"a': a string must end on the line where it begins",
         AUTH_RULE " > condition > expression"},
        {AUTH("1.0", "[type==\"a\\\"]"), 1, 38, "\"a\\\"]};",
         "token recognition error at: '\"a\\\"]};': a string must end on the line where it begins",
         AUTH_RULE " > condition > expression"},
        {AUTH("1.0", "[value==9223372036854775808]"), 1, 39, "9223372036854775808",
         "token recognition error at: '9223372036854775808': integers have 64 bits",
         AUTH_RULE " > condition > expression"},
        {AUTH("1.0", "[value==-9223372036854775809]"), 1, 39, "-9223372036854775809",
         "token recognition error at: '-9223372036854775809': integers have 64 bits",
         AUTH_RULE " > condition > expression"},
        {AUTH("1.0", "[value==- 1]"), 1, 39, "-", "token recognition error at: '-': no token begins so",
         AUTH_RULE " > condition > expression"},
        {AUTH("1.0", "[value==1.5]"), 1, 39, "1.5", "mismatched input '1.5' expecting " EXPRESSION_LIST,
         AUTH_RULE " > condition > expression"},
        {AUTH("1.0", "[value==True]"), 1, 39, "True", "mismatched input 'True' expecting " EXPRESSION_LIST,
         AUTH_RULE " > condition > expression"},
        {AUTH("1.0", "[type==\"a\"]||[type==\"b\"]=>permit();"), 1, 42, "|",
         "token recognition error at: '|': no token begins so", AUTH_RULE},
    };

    (void)state;
    REFUSE_ALL(table);
    assert_false(parses_bytes(bytes_make("version=1.0;\0", 13)));
    assert_string_equal(error.symbol, "\\x00");
}

static void frame(void **state)
{
    static const struct refusal table[] = {
        {"version=1.0\n[type==\"a\"]", 2, 0, "[", "mismatched input '[' expecting ';'", "policy > versionInfo"},
        {"version=1.3;authorizationrules{};", 1, 8, "1.3", "there is no such version: 1.0, 1.1 and 1.2 are known",
         "policy > versionInfo"},
        {"version=1;", 1, 8, "1", "mismatched input '1' expecting a version number", "policy > versionInfo"},
        {"version=\"1.0\";", 1, 8, "\"1.0\"", "mismatched input '\"1.0\"' expecting a version number",
         "policy > versionInfo"},
        {"version==1.0;", 1, 7, "==", "mismatched input '==' expecting '='", "policy > versionInfo"},
        {"version=1.0;", 1, 12, "<EOF>", "mismatched input '<EOF>' expecting 'authorizationrules'", "policy"},
        {"version=1.1;", 1, 12, "<EOF>",
         "mismatched input '<EOF>' expecting {'configurationrules', 'authorizationrules'}", "policy"},
        {"version=1.0;issuancerules{};", 1, 12, "issuancerules",
         "mismatched input 'issuancerules' expecting 'authorizationrules'", "policy"},
        {"version=1.0;authorizationrules{};authorizationrules{};", 1, 33, "authorizationrules",
         "authorizationrules stands twice", "policy"},
        {"version=1.1;authorizationrules{};configurationrules{};", 1, 33, "configurationrules",
         "configurationrules must stand before authorizationrules", "policy"},
        {"version=1.0;configurationrules{};authorizationrules{};", 1, 12, "configurationrules",
         "configurationrules need version 1.1", "policy"},
        {"version=1.0;authorizationrules={};", 1, 30, "=", "mismatched input '=' expecting '{'",
         "policy > authorizationRules"},
        {"version=1.0;authorizationrules{}", 1, 32, "<EOF>", "mismatched input '<EOF>' expecting ';'",
         "policy > authorizationRules"},
        {"version=1.0;authorizationrules{", 1, 31, "<EOF>",
         "mismatched input '<EOF>' expecting {'=>', '[', '!', an identifier, '}'}", "policy > authorizationRules"},
        {"version=1.0;authorizationrules{};x", 1, 33, "x", "mismatched input 'x' expecting {'issuancerules', <EOF>}",
         "policy"},
        {"version=1.0;authorizationrules{};issuancerules{};;", 1, 49, ";", "mismatched input ';' expecting <EOF>",
         "policy"},
    };

    (void)state;
    REFUSE_ALL(table);
}

static void actions(void **state)
{
    static const struct refusal table[] = {
        {ISSUE("1.0", "=>permit();"), 2, 16, "permit",
         "permit is not allowed in issuancerules, only {'add', 'issue', 'issueproperty'}", ISSUE_RULE " > action"},
        {ISSUE("1.0", "=>deny();"), 2, 16, "deny",
         "deny is not allowed in issuancerules, only {'add', 'issue', 'issueproperty'}", ISSUE_RULE " > action"},
        {AUTH("1.0", "=>issue(type=\"a\",value=1);"), 1, 33, "issue",
         "issue is not allowed in authorizationrules, only {'permit', 'deny', 'add'}", AUTH_RULE " > action"},
        {AUTH("1.0", "=>issueproperty(type=\"a\",value=1);"), 1, 33, "issueproperty",
         "issueproperty is not allowed in authorizationrules, only {'permit', 'deny', 'add'}", AUTH_RULE " > action"},
        {"version=1.1;configurationrules{=>add(type=\"a\",value=1);};authorizationrules{};", 1, 33, "add",
         "add is not allowed in configurationrules, only 'issueproperty'",
         "policy > configurationRules > rule > action"},
        {AUTH("1.0", "=>Permit();"), 1, 33, "Permit", "mismatched input 'Permit' expecting {'permit', 'deny', 'add'}",
         AUTH_RULE " > action"},
        {AUTH("1.0", "=>permit(1);"), 1, 40, "1", "mismatched input '1' expecting ')'", AUTH_RULE " > action"},
        {AUTH("1.0", "=>permit()"), 1, 41, "}", "mismatched input '}' expecting ';'", AUTH_RULE " > action"},
        {AUTH("1.0", "=>permit;"), 1, 39, ";", "mismatched input ';' expecting '('", AUTH_RULE " > action"},
        {ISSUE("1.0", "=>issue(\"a\",value=1);"), 2, 22, "\"a\"",
         "mismatched input '\"a\"' expecting {'type', 'value', 'valueType', 'issuer'}", ISSUE_RULE " > action"},
        {ISSUE("1.0", "=>issue();"), 2, 22, ")",
         "mismatched input ')' expecting {'type', 'value', 'valueType', 'issuer'}", ISSUE_RULE " > action"},
        {ISSUE("1.0", "=>issue(type==\"a\",value=1);"), 2, 26, "==", "mismatched input '==' expecting '='",
         ISSUE_RULE " > action"},
        {ISSUE("1.0", "=>issue(type=\"a\");"), 2, 30, ")", "issue needs a type and a value", ISSUE_RULE " > action"},
        {ISSUE("1.0", "=>issueproperty(value=1,issuer=\"a\");"), 2, 48, ")", "issueproperty needs a type and a value",
         ISSUE_RULE " > action"},
        {ISSUE("1.0", "=>add(type=\"a\",value=1,value=2);"), 2, 37, "value", "the property is assigned twice",
         ISSUE_RULE " > action"},
        {ISSUE("1.0", "=>add(valueType=\"a\",valuetype=\"b\",type=\"c\",value=1);"), 2, 34, "valuetype",
         "the property is assigned twice", ISSUE_RULE " > action"},
        {ISSUE("1.0", "=>issue(claim=d);"), 2, 28, "d", "no earlier condition of this rule binds the identifier",
         ISSUE_RULE " > action"},
        {ISSUE("1.0", "d:[type==\"a\"]=>issue(claim=d,value=1);"), 2, 42, ",", "mismatched input ',' expecting ')'",
         ISSUE_RULE " > action"},
    };

    (void)state;
    REFUSE_ALL(table);
}

static void conditions(void **state)
{
    static const struct refusal table[] = {
        {AUTH("1.0", "[]=>permit();"), 1, 32, "]",
         "mismatched input ']' expecting {'type', 'value', 'valueType', 'issuer'}", AUTH_RULE " > condition"},
        {AUTH("1.0", "[Type==\"a\"]=>permit();"), 1, 32, "Type",
         "mismatched input 'Type' expecting {'type', 'value', 'valueType', 'issuer'}", AUTH_RULE " > condition"},
        {AUTH("1.0", "[value=2]=>permit();"), 1, 37, "=",
         "mismatched input '=' expecting {'==', '!=', '<', '<=', '>', '>='}", AUTH_RULE " > condition"},
        {AUTH("1.0", "[type==\"a\"];"), 1, 42, ";", "mismatched input ';' expecting {'&&', '=>'}", AUTH_RULE},
        {AUTH("1.0", "[type==\"a\"]&&=>permit();"), 1, 44, "=>", "mismatched input '=>' expecting '['",
         AUTH_RULE " > condition"},
        {AUTH("1.0", "permit();"), 1, 37, "(", "mismatched input '(' expecting ':'", AUTH_RULE " > condition"},
        {AUTH("1.0", "true:[type==\"a\"]=>permit();"), 1, 31, "true", "a literal cannot be an identifier",
         AUTH_RULE " > condition"},
        {AUTH("1.0", "[value>\"a\"]=>permit();"), 1, 38, "\"a\"", "'<', '<=', '>' and '>=' compare integers",
         AUTH_RULE " > condition"},
        {AUTH("1.0", "[value<=false]=>permit();"), 1, 39, "false", "'<', '<=', '>' and '>=' compare integers",
         AUTH_RULE " > condition"},
        {AUTH("1.0", "[value==F.value]&&F:[type==\"a\"]=>permit();"), 1, 39, "F",
         "no earlier condition of this rule binds the identifier", AUTH_RULE " > condition > expression"},
        {AUTH("1.0", "F:[value==F.value]=>permit();"), 1, 41, "F",
         "no earlier condition of this rule binds the identifier", AUTH_RULE " > condition > expression"},
        {AUTH("1.0", "F:[type==\"a\"]=>permit();[value==F.value]=>permit();"), 1, 63, "F",
         "no earlier condition of this rule binds the identifier", AUTH_RULE " > condition > expression"},
        {AUTH("1.0", "F:[type==\"a\"]&&F:[type==\"b\"]=>permit();"), 1, 46, "F",
         "an earlier condition of this rule binds the same identifier", AUTH_RULE " > condition"},
        {AUTH("1.0", "F:[type==\"a\"]&&[value==F.size]=>permit();"), 1, 56, "size",
         "mismatched input 'size' expecting {'type', 'value', 'valueType', 'issuer'}",
         AUTH_RULE " > condition > expression"},
    };

    (void)state;
    REFUSE_ALL(table);
}

static void version_1_2(void **state)
{
    static const struct refusal table[] = {
        {AUTH("1.1", "![type==\"a\"]=>permit();"), 1, 31, "!", "negated conditions need version 1.2",
         AUTH_RULE " > condition"},
        {AUTH("1.1", "[value==NegateBool(true)]=>permit();"), 1, 39, "NegateBool", "functions need version 1.2",
         AUTH_RULE " > condition > expression"},
        {AUTH("1.2", "!c:[type==\"a\"]=>permit();"), 1, 32, "c", "mismatched input 'c' expecting '['",
         AUTH_RULE " > condition"},
        {AUTH("1.2", "c:![type==\"a\"]=>permit();"), 1, 33, "!", "mismatched input '!' expecting '['",
         AUTH_RULE " > condition"},
        {AUTH("1.2", "[value==NegateBol(true)]=>permit();"), 1, 39, "NegateBol", "there is no function of this name",
         AUTH_RULE " > condition > expression"},
        {AUTH("1.2", "[value==NegateBool()]=>permit();"), 1, 50, ")", "NegateBool takes 1 argument",
         AUTH_RULE " > condition > expression"},
        {AUTH("1.2", "[value==NegateBool(true,true)]=>permit();"), 1, 54, ",", "NegateBool takes 1 argument",
         AUTH_RULE " > condition > expression"},
        {AUTH("1.2", "[value==ContainsOnlyValue(100)]=>permit();"), 1, 60, ")", "ContainsOnlyValue takes 2 arguments",
         AUTH_RULE " > condition > expression"},
        {AUTH("1.2", "[value==IsSubsetOf(1,2,3)]=>permit();"), 1, 53, ",", "IsSubsetOf takes 2 arguments",
         AUTH_RULE " > condition > expression"},
        {AUTH("1.2", "[value==AppendString(\"a\" \"b\")]=>permit();"), 1, 56, "\"b\"",
         "mismatched input '\"b\"' expecting ','", AUTH_RULE " > condition > expression"},
        {AUTH("1.2", "[value==JsonToClaimValue(\"1\",\"2\")]=>permit();"), 1, 59, ",",
         "JsonToClaimValue takes 1 argument", AUTH_RULE " > condition > expression"},
        {AUTH("1.2", "[value==JmesPath(\"{}\")]=>permit();"), 1, 52, ")", "JmesPath takes 2 arguments",
         AUTH_RULE " > condition > expression"},
    };

    (void)state;
    REFUSE_ALL(table);
}

/* begin, part repeated, end */
static bool parses_repeated(const char *begin, const char *part, size_t count, const char *end)
{
    struct writer w = wr_open(&arena);

    wr_text(&w, begin);
    for (size_t i = 0; i < count; i++)
        wr_text(&w, part);
    wr_text(&w, end);
    return parses_bytes(wr_done(&w));
}

static void nested(size_t depth, bool expected)
{
    struct writer w = wr_open(&arena);

    wr_text(&w, "version=1.2;authorizationrules{[value==");
    for (size_t i = 0; i < depth; i++)
        wr_text(&w, "NegateBool(");
    wr_text(&w, "true");
    for (size_t i = 0; i < depth; i++)
        wr_text(&w, ")");
    wr_text(&w, "]=>permit();};");
    assert_int_equal(parses_bytes(wr_done(&w)), expected);
}

static void limits(void **state)
{
    static const char whole[] = "version=1.0;authorizationrules{};";
    const size_t rest = LIMIT_POLICY_TEXT - (sizeof whole - 1);

    (void)state;
    assert_true(parses_repeated(whole, " ", rest, ""));
    assert_false(parses_repeated(whole, " ", rest + 1, ""));
    assert_string_equal(error.message, "the text is longer than 1048576 bytes");

    assert_true(parses_repeated("version=1.0;authorizationrules{", "=>deny();", LIMIT_POLICY_RULES, "};"));
    assert_false(
        parses_repeated("version=1.0;authorizationrules{", "=>deny();", LIMIT_POLICY_RULES, "};issuancerules{=>"));
    assert_string_equal(error.message, "the policy has more than 4096 rules");
    assert_string_equal(error.rule, "policy > issuanceRules");

    assert_true(parses_repeated("version=1.0;authorizationrules{[value==1]", "&&[value==1]",
                                LIMIT_POLICY_CONDITIONS - 1, "=>deny();};"));
    assert_false(parses_repeated("version=1.0;authorizationrules{[value==1]", "&&[value==1]", LIMIT_POLICY_CONDITIONS,
                                 "=>deny();};"));
    assert_string_equal(error.message, "the rule has more than 64 conditions");

    nested(LIMIT_POLICY_NESTING, true);
    nested(LIMIT_POLICY_NESTING + 1, false);
    assert_string_equal(error.message, "functions are nested deeper than 64");
    assert_string_equal(error.symbol, "NegateBool");

    /* 8 tokens of the frame, 10 of the rule round one comparison, 4 for each comparison after it */
    assert_true(parses_repeated("version=1.0;authorizationrules{[value==1", ",value==1",
                                (LIMIT_POLICY_TOKENS - 8 - 12) / 4, "]=>deny();};"));
    assert_false(parses_repeated("version=1.0;authorizationrules{[value==1", ",value==1",
                                 (LIMIT_POLICY_TOKENS - 8 - 12) / 4 + 1, "]=>deny();};"));
    assert_non_null(strstr(error.message, "the policy has too many tokens"));
}

/* A symbol longer than its room is cut between characters. */
static void long_symbols(void **state)
{
    char text[256], symbol[64];

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        size_t n = (size_t)snprintf(text, sizeof text, "\"%.*s", (int)shift, "aaa");

        for (size_t i = 0; i < 20; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, "\U0001d11e");
        snprintf(text + n, sizeof text - n, "\"");
        assert_false(parses(text));
        size_t whole = 1 + shift + (63 - 1 - shift) / 4 * 4;
        snprintf(symbol, sizeof symbol, "%.*s", (int)whole, text);
        assert_string_equal(error.symbol, symbol);
        assert_true(strlen(error.message) < sizeof error.message);
    }
}

static void documented_message(void **state)
{
    (void)state;
    assert_false(parses("version=1.0\n [type==\"a\"]"));
    assert_bytes_are(
        policy_error_message(&arena, &error),
        "Invalid policy was specified Msg:[Policy Parser Exception Thrown: Offending symbol: '[' Line: '2', "
        "Column: '1' Failure message: 'mismatched input '[' expecting ';'' Failing rule: "
        "'policy > versionInfo']");
}

static void hashes(void **state)
{
    (void)state;
    assert_bytes_are(policy_hash(&arena, BYTES_LIT("version= 1.0;authorizationrules{=> permit();};")),
                     "9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco");
    assert_int_equal(policy_hash(&arena, BYTES_NONE).n, POLICY_HASH_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(accepted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lexical, set_up, tear_down),
        cmocka_unit_test_setup_teardown(frame, set_up, tear_down),
        cmocka_unit_test_setup_teardown(actions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(conditions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_1_2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_symbols, set_up, tear_down),
        cmocka_unit_test_setup_teardown(documented_message, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hashes, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
