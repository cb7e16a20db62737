/* Readers, writers, arenas, text forms, times, checks. */
#include "arena_test.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/text.h"

static void reader_is_sticky(void **state)
{
    (void)state;
    const uint8_t data[] = {1, 2, 0, 3, 0, 0, 0, 9};
    struct reader r = rd_open(BYTES_OF(data));

    assert_int_equal(rd_u8(&r), 1);
    assert_int_equal(rd_u16le(&r), 2);
    assert_int_equal(rd_u32le(&r), 3);
    assert_true(rd_ok(&r));
    assert_false(rd_end(&r));
    assert_int_equal(rd_u16le(&r), 0); /* one byte is left */
    assert_false(rd_ok(&r));
    assert_int_equal(rd_u8(&r), 0); /* it stays failed although a byte is there */
    assert_int_equal(rd_left(&r), 0);
    assert_int_equal(rd_take(&r, 0).n, 0);
    assert_false(rd_end(&r));

    r = rd_open(BYTES_OF(data));
    assert_int_equal(rd_take(&r, SIZE_MAX).n, 0);
    assert_false(rd_ok(&r));
    r = rd_open(BYTES_OF(data));
    assert_int_equal(rd_u16be(&r), 0x0102);
    assert_int_equal(rd_u32be(&r), 0x00030000);
    assert_int_equal(rd_rest(&r).n, 2);
    assert_true(rd_end(&r));
    r = rd_open(BYTES_NONE);
    assert_true(rd_end(&r));
}

static void decimal_numbers(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",    "-1",  "+1",  " 1", "1 ", "1\n",
                                        "0x1", "1e1", "1.0", "/",  ":",  "99999999999999999999"};
    uint64_t n;

    assert_true(decimal_parse(BYTES_LIT("0"), 0, &n) && n == 0);
    assert_true(decimal_parse(BYTES_LIT("00017"), 17, &n) && n == 17);
    assert_true(decimal_parse(BYTES_LIT("18446744073709551615"), UINT64_MAX, &n) && n == UINT64_MAX);
    assert_false(decimal_parse(BYTES_LIT("18446744073709551616"), UINT64_MAX, &n));
    assert_false(decimal_parse(BYTES_LIT("18446744073709551620"), UINT64_MAX, &n));
    assert_false(decimal_parse(BYTES_LIT("18"), 17, &n));
    assert_false(decimal_parse(BYTES_LIT("170"), 17, &n));
    assert_int_equal(n, 0);
    assert_false(decimal_parse(BYTES_LIT("1\0"), 17, &n)); /* a NUL is a byte like another */
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(decimal_parse(bytes_text(wrong[i]), UINT64_MAX, &n));

    struct reader r = rd_open(BYTES_LIT("12,3456789"));
    assert_int_equal(rd_decimal(&r, 99), 12);
    assert_int_equal(rd_u8(&r), ',');
    assert_int_equal(rd_digits(&r, 4), 3456);
    assert_int_equal(rd_digits(&r, 2), 78);
    assert_true(rd_ok(&r));
    assert_int_equal(rd_digits(&r, 2), 0); /* one is left */
    assert_false(rd_ok(&r));
    assert_int_equal(rd_decimal(&r, 99), 0);
    r = rd_open(BYTES_LIT("1-34"));
    rd_digits(&r, 4);
    assert_false(rd_ok(&r));
    r = rd_open(BYTES_LIT("x1"));
    rd_decimal(&r, 99);
    assert_false(rd_ok(&r));
}

static void bytes_helpers(void **state)
{
    (void)state;
    assert_true(bytes_is_nocase(BYTES_LIT("SgxEnclave"), "sgxenclave"));
    assert_false(bytes_is_nocase(BYTES_LIT("SgxEnclav@"), "sgxenclav`")); /* not letters */
    assert_true(bytes_compare(BYTES_LIT("a"), BYTES_LIT("ab")) < 0);
    assert_true(bytes_compare(BYTES_LIT("\xff"), BYTES_LIT("a")) > 0);
    assert_bytes_are(bytes_trim_end(BYTES_LIT("x \n\0 \0")), "x");
    assert_int_equal(bytes_trim_nul(BYTES_LIT("\0\0")).n, 0);
    assert_int_equal(bytes_after(BYTES_LIT("abc"), 9).n, 0);
    assert_bytes_are(bytes_first(BYTES_LIT("abc"), 2), "ab");
}

static void writer_grows(void **state)
{
    (void)state;
    struct writer w = wr_open(&arena);

    for (int i = 0; i < 1000; i++)
        wr_printf(&w, "%d,", i);
    wr_u16le(&w, 0x4142);
    struct bytes b = wr_done(&w);
    assert_int_equal(b.n, 10 * 2 + 90 * 3 + 900 * 4 + 2);
    assert_memory_equal(b.p + b.n - 2, "BA", 2);
}

static void arena_keeps_its_limit(void **state)
{
    (void)state;
    struct arena a;

    arena_init(&a, 1024 * 1024);
    for (int i = 0; i < 100; i++) {
        memset(arena_alloc(&a, 9000), 0xaa, 9000);
        if (i % 10 == 9)
            arena_reset(&a);
    }
    assert_true(a.used <= a.limit);
    size_t kept = a.used; /* all that was needed, and nothing more for the same again */
    assert_true(kept >= 10 * 9000);
    for (int i = 0; i < 10; i++)
        arena_alloc(&a, 9000);
    assert_int_equal(a.used, kept);
    arena_reset(&a);
    uint8_t *p = arena_alloc(&a, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    arena_free(&a);
    assert_int_equal(a.used, 0);
}

static void arena_gives_much_memory_back(void **state)
{
    (void)state;
    enum { MEBIBYTE = 1024 * 1024 };
    struct arena a;

    arena_init(&a, 64 * MEBIBYTE);
    memset(arena_alloc(&a, 32 * MEBIBYTE), 0xaa, 32 * MEBIBYTE);
    arena_reset(&a);
    assert_true(a.used <= 4 * MEBIBYTE);
    assert_int_equal(*(uint8_t *)arena_alloc(&a, 1), 0);
    arena_reset(&a);
    arena_reset(&a);
    arena_free(&a);
    arena_reset(&a);
    assert_int_equal(a.used, 0);
}

static jmp_buf over;
static __attribute__((noreturn)) void jump(struct arena *a)
{
    (void)a;
    longjmp(over, 1);
}

static void arena_exhaustion_never_returns(void **state)
{
    (void)state;
    struct arena a;
    volatile int taken = 0;

    arena_init(&a, 1024 * 1024);
    a.exhausted = jump;
    if (setjmp(over) == 0)
        for (;;) {
            arena_alloc(&a, 100000);
            taken++;
        }
    assert_true(taken >= 8 && taken <= 10);
    if (setjmp(over) == 0) {
        arena_array(&a, SIZE_MAX / 2, 3);
        fail_msg("a size that overflows was given");
    }
    arena_free(&a);
}

static void hex_both_ways(void **state)
{
    (void)state;
    struct bytes b;

    assert_true(hex_decode(&arena, BYTES_LIT("00fFa9"), &b));
    assert_bytes_are(hex_encode(&arena, b), "00ffa9");
    assert_false(hex_decode(&arena, BYTES_LIT("0"), &b));
    assert_false(hex_decode(&arena, BYTES_LIT("0g"), &b));
}

/* Longer than what is decoded at once; a character of no alphabet, or of the other one, is found wherever it stands. */
static void base64_of_any_length(void **state)
{
    (void)state;
    enum { MOST = 200, LONG = 196 /* several of the largest blocks, and of the smaller ones behind */ };
    uint8_t value[MOST], bad;
    struct bytes b;

    for (size_t n = 0; n < MOST; n++) {
        value[n] = (uint8_t)(n * 151 + 17);
        struct bytes one = bytes_make(value, n), url = base64url_encode(&arena, one), text = base64_encode(&arena, one);

        assert_true(base64_decode(&arena, text, &b, NULL));
        assert_bytes_equal(b, one);
        assert_true(base64url_decode_strict(&arena, url, &b));
        assert_bytes_equal(b, one);
        assert_true(base64_decode_strict(&arena, text, &b));
        assert_bytes_equal(b, one);
    }
    for (unsigned c = 0; c < 256; c++)
        for (size_t i = 0; i < LONG; i++) {
            static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
            bool letter = c && strchr(letters, (int)c), plain = c == '+' || c == '/', url = c == '-' || c == '_';
            struct bytes text = bytes_make(memset(arena_alloc(&arena, LONG), 'z', LONG), LONG);

            ((uint8_t *)text.p)[i] = (uint8_t)c;
            if (i >= LONG - 2 && c == '=')
                continue; /* padding, or half of one */
            assert_int_equal(base64_decode(&arena, text, &b, &bad), letter || plain || url);
            assert_int_equal(bad, letter || plain || url ? 0 : c);
            assert_int_equal(base64url_decode_strict(&arena, text, &b), letter || url);
            assert_int_equal(base64_decode_strict(&arena, text, &b), letter || plain);
        }
}

static void base64_is_tolerant_but_canonical(void **state)
{
    (void)state;
    static const char *const good[] = {"-_-_AA", "+/+/AA==", "-_+/AA", "-_-_AA=="};
    static const struct {
        const char *text;
        uint8_t bad;
    } wrong[] = {{"AAAAA", 0},  {"AA=A", '='}, {"A===", '='}, {"AA=", '='},
                 {"A A=", ' '}, {"AB", 0},     {"AAB", 0},    {"AA)=", ')'}};
    struct bytes b;
    uint8_t bad;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(base64_decode(&arena, bytes_text(good[i]), &b, NULL));
        assert_bytes_are(hex_encode(&arena, b), "fbffbf00");
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(base64_decode(&arena, bytes_text(wrong[i].text), &b, &bad));
        assert_int_equal(bad, wrong[i].bad);
    }
    assert_true(base64_decode(&arena, BYTES_NONE, &b, NULL));
    assert_int_equal(b.n, 0);
    assert_false(base64url_decode_strict(&arena, BYTES_LIT("+/"), &b));
    assert_false(base64url_decode_strict(&arena, BYTES_LIT("AA=="), &b));
    assert_false(base64_decode_strict(&arena, BYTES_LIT("AA"), &b));
    assert_bytes_are(base64_encode(&arena, BYTES_LIT("\xfb\xff\xbf\x00")), "+/+/AA==");
    assert_bytes_are(base64url_encode(&arena, BYTES_LIT("\xfb\xff\xbf\x00")), "-_-_AA");
    assert_int_equal(base64_encode(&arena, BYTES_NONE).n, 0);
}

static void utf8_is_checked(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\x80",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xe0\x80\x80",
                                        "\xed\xa0\x80",
                                        "\xf0\x80\x80\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xc3",
                                        "\xe2\x82",
                                        "a\xff"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(utf8_valid(bytes_text(wrong[i])));
    assert_true(utf8_valid(BYTES_LIT("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0")));
}

static void times_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t t;
    } known[] = {{"1970-01-01T00:00:00Z", 0},         {"2022-11-17T20:28:29Z", 1668716909},
                 {"2000-02-29T12:00:00Z", 951825600}, {"2049-12-31T23:59:59Z", 2524607999},
                 {"1969-12-31T23:59:59Z", -1},        {"9999-12-31T23:59:59Z", 253402300799}};
    static const char *const wrong[] = {"2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z",  "2023-13-01T00:00:00Z",
                                        "2023-01-01T24:00:00Z", "2023-01-01T00:00:60Z",  "2023-01-01T00:00:00",
                                        "2023-1-01T00:00:00Z",  "2023-01-01T00:00:00Zx", "2023-00-10T00:00:00Z"};
    char text[32];
    int64_t t;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_true(time_parse(bytes_text(known[i].text), &t));
        assert_int_equal(t, known[i].t);
        time_format(t, text);
        assert_string_equal(text, known[i].text);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(time_parse(bytes_text(wrong[i]), &t));
}

struct holder {
    struct trace *trace;
};

static void first_failure_ends(void **state)
{
    (void)state;
    struct holder h = {trace_new(&arena)}, *x = &h;
    static const enum check_id both[] = {CHECK_REQUEST_JSON, CHECK_REQUEST_EVIDENCE, CHECK_END};
    enum check_id missing;

    assert_true(check_that(x, REQUEST_JSON, true));
    assert_false(trace_complete(x->trace, both, &missing));
    assert_int_equal(missing, CHECK_REQUEST_EVIDENCE);
    check_skip(x, REQUEST_EVIDENCE, "freshness = pinned");
    assert_true(trace_complete(x->trace, both, &missing));

    assert_false(check_eq(x, REQUEST_EVIDENCE, BYTES_LIT("\x01"), BYTES_LIT("\x02")));
    check_note(x->trace, "about %s", "something");
    assert_false(check_that(x, REQUEST_JSON, true)); /* whatever comes after */
    assert_int_equal(x->trace->n, 3);
    assert_false(trace_complete(x->trace, both, &missing));
    assert_int_equal(trace_failure(x->trace)->id, CHECK_REQUEST_EVIDENCE);
    struct bytes m = trace_message(x->trace, &arena);
    assert_non_null(strstr(arena_string(&arena, m), "request.evidence failed: "));
    assert_non_null(strstr(arena_string(&arena, m), " Found 01, expected 02. about something. "));
}

static void values_compare_by_kind(void **state)
{
    (void)state;
    struct holder h = {trace_new(&arena)}, *x = &h;
    uint16_t two = 2;

    assert_true(check_eq(x, REQUEST_JSON, two, 2));
    assert_true(check_eq(x, REQUEST_JSON, "a", "a"));
    assert_true(check_not_before(x, REQUEST_JSON, (int64_t)-5, (int64_t)-5));
    assert_false(check_same(check_text("2"), check_number(2)));
    assert_false(check_not_after(x, REQUEST_JSON, (int64_t)1, (int64_t)0));
    struct bytes m = trace_message(x->trace, &arena);
    assert_non_null(strstr(arena_string(&arena, m), "Found 1970-01-01T00:00:01Z"));
}

static const char *formatted(size_t size, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *formatted(size_t size, const char *format, ...)
{
    static char out[64];
    va_list args;

    va_start(args, format);
    text_format(out, size, format, args);
    va_end(args);
    return out;
}

/* Whatever the room, what is left is whole characters, and no fewer than fit. */
static void text_is_cut_between_characters(void **state)
{
    (void)state;
    static const char text[] = "a\u00e9\u20ac\U0001f600z";
    static const size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};

    for (size_t room = 0; room < sizeof kept / sizeof *kept; room++) {
        const char *out = formatted(room + 1, "%s", text);

        assert_int_equal(strlen(out), kept[room]);
        assert_memory_equal(out, text, kept[room]);
    }
    assert_string_equal(formatted(5, "%s", "a\xff\xff"), "a\xff\xff"); /* nothing was cut */
}

static void text_that_is_no_utf8_is_told(void **state)
{
    (void)state;
    assert_bytes_are(text_clean(&arena, BYTES_LIT("a\u00e9\n")), "a\u00e9\n");
    assert_bytes_are(text_clean(&arena, BYTES_LIT("a\xff\u00e9")), "a\\xff\\xc3\\xa9");
    assert_bytes_are(text_clean(&arena, BYTES_NONE), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_is_sticky),
        cmocka_unit_test(decimal_numbers),
        cmocka_unit_test(bytes_helpers),
        cmocka_unit_test(writer_grows),
        cmocka_unit_test(arena_keeps_its_limit),
        cmocka_unit_test(arena_gives_much_memory_back),
        cmocka_unit_test(arena_exhaustion_never_returns),
        cmocka_unit_test(hex_both_ways),
        cmocka_unit_test(base64_is_tolerant_but_canonical),
        cmocka_unit_test(base64_of_any_length),
        cmocka_unit_test(utf8_is_checked),
        cmocka_unit_test(text_is_cut_between_characters),
        cmocka_unit_test(text_that_is_no_utf8_is_told),
        cmocka_unit_test(times_both_ways),
        cmocka_unit_test(first_failure_ends),
        cmocka_unit_test(values_compare_by_kind),
    };
    return cmocka_run_group_tests_name("base", tests, set_up, tear_down);
}
