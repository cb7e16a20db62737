/* JSON: the public parsing suite, the rules of our own, and what goes round. */
#include "arena_test.h"

#include <dirent.h>

#include "base/json.h"
#include "base/limits.h"

static const struct json *parse(const char *text)
{
    const struct json *v;

    return json_parse(&arena, bytes_text(text), NULL, &v, NULL) ? v : NULL;
}

/* Longer than what is looked at at once: whatever ends a run of plain characters is found wherever it stands. */
static void long_strings(void **state)
{
    (void)state;
    enum { LONG = 150 };

    for (unsigned c = 0; c < 256; c++)
        for (size_t i = 1; i < LONG - 2; i++) {
            char text[LONG + 1] = {0};

            memset(text, 'a', LONG);
            text[0] = text[LONG - 1] = '"';
            text[i] = (char)c;
            const struct json *v = parse(text);
            assert_int_equal(v != NULL, c >= 0x20 && c < 0x80 && c != '"' && c != '\\');
            if (v) {
                assert_bytes_equal(v->text, bytes_make((const uint8_t *)text + 1, LONG - 2));
                assert_bytes_are(json_print(&arena, v, JSON_IN_ORDER), text);
            }
            memcpy(text + i, "\\n", 2);
            v = parse(text);
            assert_non_null(v);
            assert_bytes_are(json_print(&arena, v, JSON_IN_ORDER), text);
            assert_int_equal(v->text.n, LONG - 3);
            assert_int_equal(v->text.p[i - 1], '\n');
        }
}

/* Strings alone may hold more than ASCII, and that is UTF-8, wherever it stands. */
static void text_beyond_ascii(void **state)
{
    (void)state;
    static const char *const good[] = {"\"\xc3\xa9\"", "\"0123456789012345\xe2\x82\xac\\n\xf0\x9f\x98\x80\""};
    static const char *const wrong[] = {"\"\xc3\"",       "\"\xff\\n\"",          "\"\\\xc3\xa9\"",  "\xc3\xa9",
                                        "[1,\xc2\xa0 2]", "{\"\xed\xa0\x80\":1}", "\"\\n\xe2\x82\"", "\"\xc3\xa9"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_bytes_are(json_print(&arena, parse(good[i]), JSON_IN_ORDER), good[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_null(parse(wrong[i]));
}

static void public_suite(void **state)
{
    (void)state;
    NEED_SHARED("JSON parsing suite, 318 files");
    unsigned accepted = 0, refused = 0, free_choice = 0;
    DIR *dir = opendir(shared_path(&arena, "corpus/json"));
    assert_non_null(dir);

    for (struct dirent *e; (e = readdir(dir));) {
        const struct json *v;
        struct fault fault = {0};

        if (e->d_name[0] == '.')
            continue;
        bool ok = json_parse(&arena, read_shared(&arena, arena_printf(&arena, "corpus/json/%s", e->d_name)), NULL, &v,
                             &fault);
        assert_true(ok ? v != NULL : v == NULL && fault.code != FAULT_NONE);
        if (strncmp(e->d_name, "y_object_duplicated_key", 23) == 0 || e->d_name[0] == 'n') {
            if (ok)
                fail_msg("%s was accepted", e->d_name);
            refused++;
        } else if (e->d_name[0] == 'y') {
            if (!ok)
                fail_msg("%s was refused: %s", e->d_name, fault.text);
            accepted++;
        } else {
            free_choice++;
        }
    }
    closedir(dir);
    print_message("# %u accepted, %u refused, %u free\n", accepted, refused, free_choice);
    assert_true(accepted > 90 && refused > 180);
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum json_kind kind;
        int64_t integer;
    } cases[] = {{"0", JSON_INTEGER, 0},
                 {"-1", JSON_INTEGER, -1},
                 {"9223372036854775807", JSON_INTEGER, INT64_MAX},
                 {"-9223372036854775808", JSON_INTEGER, INT64_MIN},
                 {"9223372036854775808", JSON_NUMBER, 0},
                 {"-9223372036854775809", JSON_NUMBER, 0},
                 {"-0", JSON_NUMBER, 0},
                 {"1.0", JSON_NUMBER, 0},
                 {"1e2", JSON_NUMBER, 0}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct json *v = parse(cases[i].text);

        assert_non_null(v);
        assert_int_equal(v->kind, cases[i].kind);
        assert_int_equal(v->integer, cases[i].integer);
        assert_bytes_are(v->text, cases[i].text);
        assert_bytes_are(json_print(&arena, v, JSON_SORTED), cases[i].text);
    }
}

static void spans_are_exact(void **state)
{
    (void)state;
    const struct json *v = parse(" {\"a\" : { \"b\":[1 ,2]  } , \"c\":\"x\\u00e9\"} ");

    assert_bytes_are(json_member(v, "a")->span, "{ \"b\":[1 ,2]  }");
    assert_bytes_are(json_member(v, "c")->span, "\"x\\u00e9\"");
    assert_bytes_are(json_member(v, "c")->text, "x\xc3\xa9");
    assert_int_equal(json_element(json_member(json_member(v, "a"), "b"), 1)->integer, 2);
    assert_null(json_element(json_member(json_member(v, "a"), "b"), 2));
    assert_null(json_member(v, "A"));
    assert_ptr_equal(json_member_nocase(v, "A"), json_member(v, "a"));
}

static void duplicates_are_refused(void **state)
{
    (void)state;
    struct json_rules fold = {.fold_case = true};
    struct writer w = wr_open(&arena);
    const struct json *v;

    assert_null(parse("{\"a\":1,\"b\":2,\"a\":3}"));
    assert_null(parse("{\"a\":1,\"\\u0061\":3}"));
    assert_non_null(parse("{\"a\":1,\"A\":3}"));
    assert_false(json_parse(&arena, BYTES_LIT("{\"ab\":1,\"Ab\":3}"), &fold, &v, NULL));

    wr_text(&w, "{\"x0\":0"); /* more members than are compared one by one */
    for (int i = 1; i < 5000; i++)
        wr_printf(&w, ",\"x%d\":0", i);
    struct writer twice = w;
    wr_text(&w, "}");
    assert_non_null(parse(arena_string(&arena, wr_done(&w))));
    wr_text(&twice, ",\"x77\":1}");
    assert_null(parse(arena_string(&arena, wr_done(&twice))));
    assert_non_null(parse("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]")); /* elements have no names */
}

static void limits_hold(void **state)
{
    (void)state;
    struct writer w = wr_open(&arena);
    struct fault fault = {0};
    const struct json *v;

    for (int i = 0; i < LIMIT_JSON_DEPTH; i++)
        wr_u8(&w, '[');
    for (int i = 0; i < LIMIT_JSON_DEPTH; i++)
        wr_u8(&w, ']');
    assert_true(json_parse(&arena, wr_done(&w), NULL, &v, NULL));
    assert_false(json_parse(&arena, wr_done(&w), &(struct json_rules){.depth = LIMIT_JSON_DEPTH - 1}, &v, &fault));
    assert_non_null(strstr(fault.text, "nested too deep"));

    uint8_t *zeros = arena_alloc(&arena, 2 * LIMIT_JSON_NODES + 2);
    memset(zeros, ',', 2 * LIMIT_JSON_NODES + 2);
    for (int i = 0; i <= LIMIT_JSON_NODES; i++)
        zeros[2 * i] = '0';
    zeros[0] = '[';
    zeros[1] = '0';
    zeros[2 * LIMIT_JSON_NODES + 1] = ']';
    assert_false(json_parse(&arena, bytes_make(zeros, 2 * LIMIT_JSON_NODES + 2), NULL, &v, NULL));
}

static void text_is_strict(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        " ",
                                        "\xef\xbb\xbf{}",
                                        "{} x",
                                        "\"\\ud800\"",
                                        "\"\\udc00\"",
                                        "\"\t\"",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\ud800\\u0041\"",
                                        "nul",
                                        "[1,]",
                                        "{\"a\":1,}",
                                        "01",
                                        "+1",
                                        ".5",
                                        "1.",
                                        "1e",
                                        "\"abc",
                                        "\"\\",
                                        "{1:2}",
                                        "'a'"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (parse(wrong[i]))
            fail_msg("accepted: %s", wrong[i]);
    assert_bytes_equal(parse("\"\\u0000\\ud83d\\ude00\\/\"")->text, BYTES_LIT("\0\xf0\x9f\x98\x80/"));
}

static void sorted_and_escaped(void **state)
{
    (void)state;
    const struct json *v = parse("{\"b\":{\"z\":1,\"Z\":2},\"a\":\"\\u0001\\n\\\"\\u00e9/\",\"\":[ ]}");

    assert_bytes_are(json_print(&arena, v, JSON_SORTED),
                     "{\"\":[],\"a\":\"\\u0001\\n\\\"\xc3\xa9/\",\"b\":{\"Z\":2,\"z\":1}}");
    assert_bytes_are(json_print(&arena, v, JSON_IN_ORDER),
                     "{\"b\":{\"z\":1,\"Z\":2},\"a\":\"\\u0001\\n\\\"\xc3\xa9/\",\"\":[]}");

    struct writer w = wr_open(&arena);
    wr_json_pretty(&w, parse("{\"b\":[1,{}],\"a\":2}"), JSON_SORTED);
    assert_bytes_are(wr_done(&w), "{\n  \"a\": 2,\n  \"b\": [\n    1,\n    {}\n  ]\n}\n");
}

static void built_values(void **state)
{
    (void)state;
    struct json *o = json_new(&arena, JSON_OBJECT), *list = json_new(&arena, JSON_ARRAY);

    json_append(list, json_new_integer(&arena, INT64_MIN));
    json_append(list, json_new_boolean(&arena, true));
    json_append(list, json_link(&arena, parse("{\"y\":null}")));
    JSON_SET(o, "list", list);
    JSON_SET(o, "a", json_new_text(&arena, BYTES_LIT("t")));
    assert_bytes_are(json_print(&arena, o, JSON_SORTED),
                     "{\"a\":\"t\",\"list\":[-9223372036854775808,true,{\"y\":null}]}");

    uint64_t u;
    assert_true(json_unsigned(parse("255"), 255, &u));
    assert_false(json_unsigned(parse("256"), 255, &u));
    assert_false(json_unsigned(parse("-1"), 255, &u));
    assert_false(json_unsigned(NULL, 255, &u));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_strings), cmocka_unit_test(text_beyond_ascii), cmocka_unit_test(public_suite),
        cmocka_unit_test(numbers),      cmocka_unit_test(spans_are_exact),   cmocka_unit_test(duplicates_are_refused),
        cmocka_unit_test(limits_hold),  cmocka_unit_test(text_is_strict),    cmocka_unit_test(sorted_and_escaped),
        cmocka_unit_test(built_values),
    };
    return cmocka_run_group_tests_name("json", tests, set_up, tear_down);
}
