/* The layout of policy texts: one for each program, comments where they belong, nothing changed in what is meant. */
#include "arena_test.h"

#include "base/limits.h"
#include "policy/format.h"

static struct policy_error error;

static struct bytes format(struct bytes text)
{
    struct bytes out;

    if (!policy_format(&arena, text, &out, &error))
        fail_msg("%s", arena_string(&arena, policy_error_message(&arena, &error)));
    return out;
}

/* Is this what it becomes, and does it stay so? */
static void becomes(const char *text, const char *expected)
{
    assert_string_equal(arena_string(&arena, format(bytes_text(text))), expected);
    assert_string_equal(arena_string(&arena, format(bytes_text(expected))), expected);
}

#define HEAD "version=1.2;\n\nauthorizationrules {\n"
#define TAIL "};\n"

static void layout(void **state)
{
    (void)state;
    becomes("version=1.0;authorizationrules{};", "version=1.0;\n\nauthorizationrules {\n};\n");
    becomes(
        "Version =\r\n1.1 ;CONFIGURATIONRULES{}\t;AuthorizationRules{=>permit( );}\n;issuancerules{\n\n\n};\r\n\r\n",
        "version=1.1;\n\nconfigurationrules {\n};\n\nauthorizationrules {\n    => permit();\n};\n\nissuancerules "
        "{\n};\n");
    becomes("version=1.2;authorizationrules{c :[ type == \"a\",value >= -1 ]&&! [ issuer != \"b\" ]=>add ( type = "
            "c.type , value=JmesPath( \"{}\",\"a\" ) ) ;};",
            HEAD "    c:[type==\"a\", value>=-1] && ![issuer!=\"b\"] => add(type=c.type, "
                 "value=JmesPath(\"{}\", \"a\"));\n" TAIL);
}

/* "\" and what is not ASCII, blanks and slashes: nothing in quotes changes. */
static void strings(void **state)
{
    (void)state;
    becomes("version=1.2;authorizationrules{[type==\"\\\\w\\\" // \xc3\xa9  \\n\"]=>permit();};",
            HEAD "    [type==\"\\\\w\\\" // \xc3\xa9  \\n\"] => permit();\n" TAIL);
}

#define LONG_NAME "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 55: the rule has 100 columns */

static void breaks(void **state)
{
    (void)state;
    becomes("version=1.2;authorizationrules{[type==\"" LONG_NAME "\"]&&[value==12345] =>permit();};",
            HEAD "    [type==\"" LONG_NAME "\"] && [value==12345] => permit();\n" TAIL);
    becomes("version=1.2;authorizationrules{[type==\"" LONG_NAME "\"]&&[value==123456] =>permit();};",
            HEAD "    [type==\"" LONG_NAME "\"]\n    && [value==123456]\n        => permit();\n" TAIL);
    /* Characters count, not bytes. */
    becomes("version=1.2;authorizationrules{[type==\"" LONG_NAME
            "\"]&&[value==\"\xc3\xa9\xc3\xa9\xc3\xa9\"]=>deny();};",
            HEAD "    [type==\"" LONG_NAME "\"] && [value==\"\xc3\xa9\xc3\xa9\xc3\xa9\"] => deny();\n" TAIL);
    becomes("version=1.2;authorizationrules{=>add(type=\"" LONG_NAME "\",value=\"" LONG_NAME "\");};",
            HEAD "    => add(type=\"" LONG_NAME "\", value=\"" LONG_NAME "\");\n" TAIL);
}

static void blank_lines(void **state)
{
    (void)state;
    becomes("\n\n// a\n\n\n\n// b\n// c\n\nversion=1.2;authorizationrules{\n\n\n=>deny();\n\n\n\n=>permit();\n=>deny();"
            "\n\n// d\n=>permit();\n\n};",
            "// a\n\n// b\n// c\n\nversion=1.2;\n\nauthorizationrules {\n    => deny();\n\n    => permit();\n"
            "    => deny();\n\n    // d\n    => permit();\n};\n");
}

static void comments(void **state)
{
    (void)state;
    becomes("version=1.2;// v\n//s\nauthorizationrules\n{// i  \t\n//w\n=>deny();//t\n=>permit();\n// z\n}//e\n;\n// f",
            "version=1.2; // v\n\n//s\nauthorizationrules { // i\n    //w\n    => deny(); //t\n    => permit();\n"
            "    // z\n}; //e\n// f\n");
    becomes("version=1.2;authorizationrules{};//e\r\n\r\n\r\n// f\r", HEAD "}; //e\n\n// f\n");
}

/* Where comments stand in a rule it is broken, and each stays with what it is about. */
static void comments_in_rules(void **state)
{
    (void)state;
    becomes("version=1.2;authorizationrules{[type==\"a\"] && // one\n// of b\n[type==\"b\"] // two\n=> permit() // "
            "three\n;};",
            HEAD
            "    [type==\"a\"] // one\n    // of b\n    && [type==\"b\"] // two\n        => permit(); // three\n" TAIL);
    becomes(
        "version=1.2;authorizationrules{[type==\"a\" // one\n,// two\nvalue==1]=>// go\nadd(type=\"t\",\n// "
        "v\nvalue=1);};",
        HEAD
        "    [type==\"a\" // one\n        , // two\n        value==1]\n        => // go\n            add(type=\"t\",\n"
        "            // v\n            value=1);\n" TAIL);
    becomes("version=1.2;authorizationrules{[type==\"a\" // one\n,value==1]=>permit();};",
            HEAD "    [type==\"a\", // one\n        value==1]\n        => permit();\n" TAIL);
    becomes("version=1.2;authorizationrules{[type==\"a\"]//1\n&& //2\n// 3\n[type==\"b\"]=>permit();};",
            HEAD "    [type==\"a\"] //1\n    && //2\n        // 3\n        [type==\"b\"]\n        => permit();\n" TAIL);
}

static bool same(const char *a, const char *b)
{
    const struct policy *x, *y;

    assert_true(
        policy_parse(&arena, bytes_text(arena_printf(&arena, "version=1.2;authorizationrules{%s};", a)), &x, &error));
    assert_true(
        policy_parse(&arena, bytes_text(arena_printf(&arena, "version=1.2;authorizationrules{%s};", b)), &y, &error));
    return policy_same(x, y);
}

static void differences(void **state)
{
    static const char *const rules[] = {
        "",
        "=>permit();",
        "=>deny();",
        "=>permit();=>permit();",
        "[type==\"a\"]=>permit();",
        "[type!=\"a\"]=>permit();",
        "[value==\"a\"]=>permit();",
        "[type==\"b\"]=>permit();",
        "[type==1]=>permit();",
        "![type==\"a\"]=>permit();",
        "c:[type==\"a\"]=>permit();",
        "[type==\"a\",value==1]=>permit();",
        "[type==\"a\"]&&[value==1]=>permit();",
        "c:[type==\"a\"]&&d:[value==1]=>add(claim=c);",
        "c:[type==\"a\"]&&d:[value==1]=>add(claim=d);",
        "c:[type==\"a\"]&&d:[value==1]=>add(type=c.type,value=c.value);",
        "c:[type==\"a\"]&&d:[value==1]=>add(type=c.type,value=d.value);",
        "c:[type==\"a\"]&&d:[value==1]=>add(type=c.type,value=c.issuer);",
        "=>add(type=\"a\",value=1);",
        "=>add(type=\"b\",value=1);",
        "=>add(type=\"a\",value=true);",
        "=>add(type=\"a\",value=AppendString(\"a\",\"b\"));",
        "=>add(type=\"a\",value=AppendString(\"a\",\"c\"));",
        "=>add(type=\"a\",value=JmesPath(\"a\",\"b\"));",
    };
    const struct policy *x, *y;

    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        for (size_t k = 0; k < sizeof rules / sizeof *rules; k++)
            if (same(rules[i], rules[k]) != (i == k))
                fail_msg("%s and %s", rules[i], rules[k]);
    assert_true(same("=>add(value=1,type=\"a\");", " => add ( type=\"a\" , value=1 );// x\n"));
    assert_true(policy_parse(&arena, BYTES_LIT("version=1.0;authorizationrules{};"), &x, &error));
    assert_true(policy_parse(&arena, BYTES_LIT("version=1.1;authorizationrules{};"), &y, &error));
    assert_false(policy_same(x, y));
}

/* What does not parse is refused as policy_parse refuses it; what would grow past the limit is refused too. */
static void refusals(void **state)
{
    struct bytes out;
    struct writer w = wr_open(&arena);

    (void)state;
    assert_false(policy_format(&arena, BYTES_LIT("version=1.0;\n oops"), &out, &error));
    assert_int_equal(error.line, 2);
    assert_string_equal(error.symbol, "oops");
    assert_null(out.p);
    wr_text(&w, "version=1.0;authorizationrules{");
    for (size_t i = 0; i < LIMIT_POLICY_TEXT / 6; i++)
        wr_text(&w, "//\n");
    wr_text(&w, "};");
    assert_false(policy_format(&arena, wr_done(&w), &out, &error));
    assert_string_equal(error.message, "the text would be longer than a policy may be");
    assert_null(out.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(layout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(breaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(blank_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comments_in_rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(differences, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
