/* JMESPath: the public compliance cases, and our own for what is bounded and what differs. */
#include "arena_test.h"

#include <dirent.h>

#include "base/limits.h"
#include "policy/jmespath.h"

enum { STEPS = 1000000 };

static bool search(struct bytes query, const struct json *given, const struct json **out)
{
    const struct jmespath *compiled;
    struct fault fault = {0};
    size_t budget = STEPS;
    bool ok = jmespath_compile(&arena, query, &compiled, &fault) &&
              jmespath_search(compiled, given, &arena, &budget, out, &fault);

    assert_true(ok || fault.code != FAULT_NONE);
    return ok;
}

/* Numbers compare by value, as the compliance cases mean them. */
static bool same(const struct json *a, const struct json *b)
{
    if ((a->kind == JSON_INTEGER || a->kind == JSON_NUMBER) && (b->kind == JSON_INTEGER || b->kind == JSON_NUMBER))
        return (a->kind == JSON_INTEGER ? (double)a->integer : a->number) ==
               (b->kind == JSON_INTEGER ? (double)b->integer : b->number);
    if (a->kind != b->kind || a->count != b->count || !bytes_equal(a->text, b->text))
        return false;
    const struct json *y = b->first;
    for (const struct json *x = a->first; x; x = x->next, y = y ? y->next : NULL) {
        if (a->kind == JSON_OBJECT)
            for (y = b->first; y && !bytes_equal(x->name, y->name); y = y->next)
                ;
        if (!y || !same(x, y))
            return false;
    }
    return true;
}

static void compliance(void **state)
{
    (void)state;
    NEED_SHARED("JMESPath compliance cases");
    unsigned results = 0, errors = 0, wrong = 0;
    DIR *dir = opendir(shared_path(&arena, "corpus/jmespath"));
    assert_non_null(dir);

    for (struct dirent *e; (e = readdir(dir));) {
        const struct json *groups;

        if (e->d_name[0] == '.')
            continue;
        assert_true(json_parse(&arena, read_shared(&arena, arena_printf(&arena, "corpus/jmespath/%s", e->d_name)), NULL,
                               &groups, NULL));
        JSON_EACH (group, groups)
            JSON_EACH (c, json_member(group, "cases")) {
                const struct json *expected = json_member(c, "result"), *got = NULL;
                bool ok = search(json_member(c, "expression")->text, json_member(group, "given"), &got);

                if (json_member(c, "bench"))
                    continue;
                if (expected ? !ok || !same(got, expected) : ok) {
                    struct bytes text = json_member(c, "expression")->text;

                    print_message("# %s: %.*s gave %s\n", e->d_name, (int)text.n, (const char *)text.p,
                                  ok ? arena_string(&arena, json_print(&arena, got, JSON_IN_ORDER)) : "an error");
                    wrong++;
                }
                *(expected ? &results : &errors) += 1;
            }
    }
    closedir(dir);
    print_message("# %u cases with a result, %u with an error\n", results, errors);
    assert_int_equal(wrong, 0);
    assert_int_equal(results + errors, 892);
}

static void check(const char *document, const char *query, const char *expected)
{
    const struct json *given, *got;

    assert_true(json_parse(&arena, bytes_text(document), NULL, &given, NULL));
    if (!search(bytes_text(query), given, &got)) {
        if (expected)
            fail_msg("%s failed", query);
        return;
    }
    if (!expected)
        fail_msg("%s did not fail", query);
    assert_bytes_are(json_print(&arena, got, JSON_IN_ORDER), expected);
}

static void own_decisions(void **state)
{
    (void)state;
    check("{}", "'a' < 'b'", "null");
    check("{}", "'a' < `1`", "null");
    check("[true, 1]", "contains(@, `1`)", "true");
    check("[true]", "contains(@, `1`)", "false");
    check("{}", "contains('a1', `1`)", "false");
    check("{}", "`foo`", NULL);
    check("{}", "a == 12", NULL);
    check("{}", "a && b(c)", NULL); /* an unknown name and a wrong count are errors, reached or not */
    check("{}", "a && abs()", NULL);
    check("{}", "type(&a)", NULL);
    check("{}", "merge(`{}`, `[]`)", NULL);
    check("{}", "length('a',)", NULL);
    check("{}", "{a: b c: d}", NULL);
    check("{}", "(length)('a')", NULL);
    check("[1]", "[0 0:]", NULL);
    check("{\"a\":true}", "a == true", "false"); /* a bare word is a field */
    check("{}", "to_number('1_0')", "null");
    check("{}", "to_number(' 1')", "null");
    check("{}", "to_number('-1.50')", "-1.50");
    check("{}", "to_number('1e3')", "1e3");
    check("{\"z\":1,\"a\":{\"\xc3\xa9\":2}}", "to_string(@)", "\"{\\\"z\\\":1,\\\"a\\\":{\\\"\xc3\xa9\\\":2}}\"");
    check("{\"n\":18446744073709551616}", "n > `1`", NULL);
    check("{\"n\":18446744073709551616}", "n", "18446744073709551616");
    check("{\"n\":1e999}", "abs(n)", NULL);
    check("[9007199254740993, 9007199254740992]", "[0] == [1]", "false");
    check("[9007199254740993, 9007199254740992]", "max(@)", "9007199254740993");
    check("{}", "equals_ignore_case('WDBoot.SYS', 'wdboot.sys')", "true");
    check("{}", "equals_ignore_case(missing, 'x')", "false");
    check("{}", "equals_ignore_case(`1`, 'x')", NULL);
    check("{}", "equals_ignore_case(`\"\\u0000A\"`, `\"\\u0000a\"`)", "true");
    check("{}", "equals_ignore_case('\xc3\x89', '\xc3\xa9')", "false"); /* ASCII only */
    check("[0.1, 0.2]", "sum(@)", "0.30000000000000004");
    check("[1, 2]", "avg(@)", "1.5");
    check("[9223372036854775807, 1]", "sum(@)", NULL);
    check("[9223372036854775807, 1]", "avg(@)", NULL);
    check("[9007199254740993, -1, 0.5]", "sum(@)", "9007199254740992"); /* integers exactly, then doubles */
    check("-9223372036854775808", "abs(@)", NULL);
    check("9.1e15", "floor(@)", "9100000000000000"); /* no exponent where 64 bits hold it */
    check("[9007199254740993, 9007199254740992.0]", "[0] == [1]", "false");
    check("[9007199254740993, 9007199254740992.0]", "[0] > [1]", "true");
    check("[9223372036854775807, 9223372036854775808.0]", "max(@)", "9223372036854775808.0");
    check("[-9223372036854775808, -9223372036854775809.5]", "min(@)", "-9223372036854775808"); /* one double */
    check("[1, 0.5, -1.5, -1]", "sort(@)", "[-1.5,-1,0.5,1]");
    check("[2, 2]", "avg(@)", "2");
    check("{}", "{a: `1`, b: `2`, a: `3`}", "{\"a\":3,\"b\":2}");
    check("[1,2,3]", "[::-9223372036854775807]", "[3]");
    check("[1,2,3]", "[-9223372036854775807:9223372036854775807]", "[1,2,3]");
    check("[1]", "[9223372036854775808]", NULL);
    check("[1]", "[-9223372036854775808]", "null");
    check("[1]", "[0][0:]", "null"); /* a slice behind an index begins a projection too */
    check("[[[{\"b\":1}]]]", "[0][0:].b", "[]");
    check("{}", "@.&a", NULL);
    check("{}", "sort_by(`[]`, &a)", "[]");
    check("{}", "length('\xc3\xa9\xe2\x82\xac')", "2");
    check("{}", "reverse('a\xc3\xa9')",
          "\"\xc3\xa9"
          "a\"");
}

static char *repeated(const char *before, const char *what, size_t times, const char *after)
{
    struct writer w = wr_open(&arena);

    wr_text(&w, before);
    for (size_t i = 0; i < times; i++)
        wr_text(&w, what);
    wr_text(&w, after);
    return arena_string(&arena, wr_done(&w));
}

static void hostile_queries_end(void **state)
{
    (void)state;
    const struct json *given, *got;
    const struct jmespath *compiled;
    struct fault fault = {0};
    size_t budget = 1000;

    check("{}", repeated("", "(", 200, "a"), NULL);
    check("{}", repeated("", "!", 200, "a"), NULL);
    check("{}", repeated("a", ".a", LIMIT_JMESPATH_DEPTH, ""), NULL);
    check("{}", repeated("a", ".a", 500, ""), "null");
    check("{}", repeated("a", "[]", LIMIT_JMESPATH_DEPTH, ""), NULL);
    check("{}", repeated("", "a", LIMIT_JMESPATH_TEXT + 1, ""), NULL);
    check("{}", repeated("not_null(a", ",a", 64, ")"), NULL);

    /* Doubling at each step: only the budget ends it. */
    assert_true(json_parse(&arena, BYTES_LIT("[1,2]"), NULL, &given, NULL));
    assert_true(jmespath_compile(&arena, bytes_text(repeated("@", " | [@,@][]", 60, "")), &compiled, &fault));
    budget = STEPS;
    assert_false(jmespath_search(compiled, given, &arena, &budget, &got, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    assert_int_equal(budget, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compliance),
        cmocka_unit_test(own_decisions),
        cmocka_unit_test(hostile_queries_end),
    };
    return cmocka_run_group_tests_name("jmespath", tests, set_up, tear_down);
}
