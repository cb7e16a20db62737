/* The DER reader and writer, and PEM: every form is read as it must be, every other one refused. */
#include "arena_test.h"

#include "base/text.h"
#include "crypto/der_write.h"
#include "crypto/pem.h"

static struct bytes hex(const char *text)
{
    struct bytes out;

    assert_true(hex_decode(&arena, bytes_text(text), &out));
    return out;
}

static void lengths(void **state)
{
    static const char *const refused[] = {
        "",         "04",     "0401",     "0402aa",       "0480aa0000",         /* short; indefinite */
        "048101aa", "04817f", "048200ff", "0483000100aa", "0485000000000100aa", /* longer than need be */
        "04ff",     "1f0100", "3f810100", "04847fffffff", "0484ffffffffaa",     /* tags of several bytes; lies */
    };

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct reader r = rd_open(hex(refused[i]));
        struct bytes whole;
        uint8_t tag;

        if (der_any(&r, &tag, &whole).n || rd_ok(&r) || tag || whole.n)
            fail_msg("%s was read", refused[i]);
        assert_int_equal(der_take(&r, DER_OCTET_STRING).n, 0); /* it stays failed */
        assert_false(rd_end(&r));
    }
    /* What is as short as can be is read, in each form of length. */
    static const size_t sizes[] = {0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bytes content = bytes_make(arena_alloc(&arena, sizes[i] + 1), sizes[i]), whole;
        struct bytes written = DER_ELEMENT(&arena, DER_OCTET_STRING, content);
        struct reader r = rd_open(written), again = r;
        uint8_t tag;

        assert_bytes_equal(der_take(&again, DER_OCTET_STRING), content);
        assert_true(rd_end(&again));
        assert_bytes_equal(der_any(&r, &tag, &whole), content);
        assert_int_equal(tag, DER_OCTET_STRING);
        assert_bytes_equal(whole, written);
        for (size_t cut = 0; cut < written.n; cut += cut < 8 ? 1 : written.n / 7 + 1) {
            again = rd_open(bytes_first(written, cut));
            der_take(&again, DER_OCTET_STRING);
            assert_false(rd_ok(&again));
        }
    }
}

static void integers(void **state)
{
    static const struct {
        const char *der;
        bool good, small;
        uint64_t value;
    } rows[] = {
        {"020100", true, true, 0},
        {"02017f", true, true, 127},
        {"02020080", true, true, 128},
        {"02087fffffffffffffff", true, true, INT64_MAX},
        {"020900ffffffffffffffff", true, true, UINT64_MAX},
        {"0209010000000000000000", true, false, 0}, /* needs nine bytes */
        {"0200", false, false, 0},                  /* empty */
        {"020180", false, false, 0},                /* negative */
        {"0202ff7f", false, false, 0},
        {"02020001", false, false, 0}, /* a zero too many */
        {"0203000080", false, false, 0},
        {"0a0105", false, false, 0}, /* another tag */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reader r = rd_open(hex(rows[i].der)), again = r;

        der_unsigned(&r);
        if (rd_end(&r) != rows[i].good)
            fail_msg("%s as a magnitude", rows[i].der);
        uint64_t value = der_u64(&again);
        if (rd_end(&again) != rows[i].small || value != rows[i].value)
            fail_msg("%s as a number", rows[i].der);
    }
    struct reader r = rd_open(hex("0203008001"));
    struct bytes magnitude = der_unsigned(&r);
    assert_bytes_equal(magnitude, hex("8001"));
    assert_bytes_equal(der_write_unsigned(&arena, magnitude), hex("0203008001"));
    assert_bytes_equal(der_write_unsigned(&arena, hex("7f")), hex("02017f"));
    assert_bytes_equal(der_write_unsigned(&arena, BYTES_NONE), hex("020100"));
    r = rd_open(hex("0a0103"));
    assert_int_equal(der_enumerated(&r), 3);
    assert_true(rd_end(&r));
}

static void booleans_and_bits(void **state)
{
    (void)state;
    struct reader r = rd_open(hex("0101ff010100"));
    assert_true(der_boolean(&r));
    assert_false(der_boolean(&r));
    assert_true(rd_end(&r));
    static const char *const no_boolean[] = {"010101", "01020000", "0100", "0201ff"};
    for (size_t i = 0; i < sizeof no_boolean / sizeof *no_boolean; i++) {
        r = rd_open(hex(no_boolean[i]));
        der_boolean(&r);
        assert_false(rd_ok(&r));
    }
    r = rd_open(hex("030300abcd"));
    assert_bytes_equal(der_bits(&r), hex("abcd"));
    assert_true(rd_end(&r));
    static const char *const no_bits[] = {"0300", "030204f0", "0401aa"};
    for (size_t i = 0; i < sizeof no_bits / sizeof *no_bits; i++) {
        r = rd_open(hex(no_bits[i]));
        der_bits(&r);
        assert_false(rd_ok(&r));
    }
}

static void nesting(void **state)
{
    (void)state;
    struct reader r = rd_open(hex("300602010104010500")), inner = der_enter(&r, DER_SEQUENCE);
    assert_true(der_next_is(&inner, DER_INTEGER));
    assert_int_equal(der_u64(&inner), 1);
    assert_false(der_next_is(&inner, DER_INTEGER));
    assert_bytes_equal(der_take_whole(&inner, DER_OCTET_STRING), hex("040105"));
    assert_true(rd_end(&inner));
    assert_false(der_next_is(&inner, DER_OCTET_STRING));
    assert_false(rd_end(&r)); /* one byte is left */
    /* A reader of what is not there has failed too. */
    inner = der_enter(&r, DER_SEQUENCE);
    assert_false(rd_ok(&r));
    assert_false(rd_end(&inner));
    r = rd_open(hex("3100"));
    assert_int_equal(der_take_whole(&r, DER_SEQUENCE).n, 0);
    assert_false(rd_ok(&r));
}

static int64_t time_of(const char *text, uint8_t tag, bool *ok)
{
    struct bytes der = DER_ELEMENT(&arena, tag, bytes_text(text));
    struct reader r = rd_open(der);
    int64_t t = der_time(&r);

    *ok = rd_end(&r);
    return t;
}

static void times(void **state)
{
    static const struct {
        const char *text;
        uint8_t tag;
        int64_t t;
    } good[] = {
        {"700101000000Z", DER_UTC_TIME, 0},
        {"500101000000Z", DER_UTC_TIME, -631152000}, /* 1950, */
        {"491231235959Z", DER_UTC_TIME, 2524607999}, /* and 2049 */
        {"20500101000000Z", DER_GENERALIZED_TIME, 2524608000},
        {"20240229120000Z", DER_GENERALIZED_TIME, 1709208000},
        {"99991231235959Z", DER_GENERALIZED_TIME, 253402300799},
    };
    static const struct {
        const char *text;
        uint8_t tag;
    } bad[] = {
        {"7001010000Z", DER_UTC_TIME},
        {"700101000000", DER_UTC_TIME},
        {"700101000000z", DER_UTC_TIME},
        {"700101000000+0000", DER_UTC_TIME},
        {"701301000000Z", DER_UTC_TIME},
        {"700100000000Z", DER_UTC_TIME},
        {"700132000000Z", DER_UTC_TIME},
        {"230229000000Z", DER_UTC_TIME},
        {"700101240000Z", DER_UTC_TIME},
        {"700101006000Z", DER_UTC_TIME},
        {"7001010000 0Z", DER_UTC_TIME},
        {"20240101000000Z", DER_UTC_TIME},
        {"", DER_UTC_TIME},
        {"20240101000000.5Z", DER_GENERALIZED_TIME},
        {"240101000000Z", DER_GENERALIZED_TIME},
        {"20240101000000Z", DER_PRINTABLE_STRING},
        {"-0240101000000Z", DER_GENERALIZED_TIME},
    };
    bool ok;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t t = time_of(good[i].text, good[i].tag, &ok);

        if (!ok || t != good[i].t)
            fail_msg("%s is %lld", good[i].text, (long long)t);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        time_of(bad[i].text, bad[i].tag, &ok);
        if (ok)
            fail_msg("%s was read", bad[i].text);
    }
}

/* How many blocks a text holds, or -1 when one is broken. The last one's content is compared. */
static int blocks(struct bytes text, const char *label, const char *content)
{
    struct pem_block block;
    bool found = true;
    int n = 0;

    for (;; n++) {
        if (!pem_next(&arena, &text, &block, &found))
            return -1;
        if (!found)
            return n;
        assert_bytes_are(block.label, label);
        assert_bytes_are(block.der, content);
    }
}

#define BLOCK "-----BEGIN A B-----\naGVs\nbG8=\n-----END A B-----\n"

static void pem(void **state)
{
    static const struct {
        const char *text;
        int n;
    } rows[] = {
        {BLOCK, 1},
        {BLOCK BLOCK, 2},
        {"-----BEGIN A B-----\r\naGVs\r\nbG8=\r\n-----END A B-----\r\n", 1},
        {"subject: me\n\n" BLOCK "\ntext between\n" BLOCK "text behind", 2},
        {"-----BEGIN A B-----aGVsbG8=-----END A B-----", 1},
        {"", 0},
        {"no block", 0},
        {"-----BEGIN A B-----\naGVsbG8=\n-----END A C-----\n", -1},
        {"-----BEGIN A B-----\naGVsbG8=\n", -1},
        {"-----BEGIN A B-----\naGVsbG8=\n-----END A B", -1},
        {"-----BEGIN A B\n-----\naGVsbG8=\n-----END A B\n-----\n", -1},
        {"-----BEGIN -----\naGVsbG8=\n-----END -----\n", -1},
        {"-----BEGIN A B-----\n-----END A B-----\n", -1},            /* empty */
        {"-----BEGIN A B-----\naGVsbG8\n-----END A B-----\n", -1},   /* no padding */
        {"-----BEGIN A B-----\naGVsbG9=\n-----END A B-----\n", -1},  /* trailing bits */
        {"-----BEGIN A B-----\naGVs bG8=\n-----END A B-----\n", -1}, /* white space inside */
        {"-----BEGIN A B-----\naGVs*G8=\n-----END A B-----\n", -1},  /* no base64 */
        {"-----BEGIN A B-----\naGVs_G8=\n-----END A B-----\n", -1},  /* nor base64url */
        {"-----BEGIN A B-----\naGVs\n" BLOCK, -1},                   /* one inside another */
        {BLOCK "-----BEGIN A B-----\naGVs*G8=\n-----END A B-----\n", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int n = blocks(bytes_text(rows[i].text), "A B", "hello");

        if (n != rows[i].n)
            fail_msg("%d blocks in %s", n, rows[i].text);
    }
    assert_int_equal(blocks(BYTES_LIT(BLOCK "\0\0"), "A B", "hello"), 1); /* NUL behind */
    assert_int_equal(blocks(BYTES_LIT(BLOCK "\0" BLOCK), "A B", "hello"), 2);
    assert_int_equal(blocks(BYTES_LIT("-----BEGIN A B-----\naGVs\0bG8=\n-----END A B-----\n"), "A B", "hello"), -1);
}

static void pem_out(void **state)
{
    uint8_t content[100];

    (void)state;
    for (size_t n = 1; n <= sizeof content; n++) {
        memset(content, (int)n, n);
        struct bytes text = pem_encode(&arena, "THING", bytes_make(content, n)), rest = text;
        struct pem_block block;
        bool found;

        assert_true(pem_next(&arena, &rest, &block, &found) && found);
        assert_bytes_equal(block.der, bytes_make(content, n));
        assert_int_equal(rest.n, 1); /* the line end */
        for (size_t i = 0, line = 0; i < text.n; i++) {
            line = text.p[i] == '\n' ? 0 : line + 1;
            assert_in_range(line, 0, 64);
        }
    }
    assert_bytes_are(pem_encode(&arena, "A B", BYTES_LIT("hello")),
                     "-----BEGIN A B-----\naGVsbG8=\n-----END A B-----\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lengths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(integers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(booleans_and_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nesting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pem, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pem_out, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("der", tests, NULL, NULL);
}
