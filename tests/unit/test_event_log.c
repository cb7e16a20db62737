/* Boot logs and measurement lists made by hand: what lies about its lengths is refused, what a register holds is what the log says. */
#include "boot_log.h"

#include "base/text.h"
#include "evidence/parts/ima_log.h"

static struct fault fault;

static struct event_log read_good(const struct writer *w)
{
    struct event_log log;

    fault = (struct fault){0};
    if (!event_log_read(&arena, wr_done(w), &log, &fault))
        fail_msg("%s", fault.text);
    return log;
}

static void refused(const struct writer *w)
{
    struct event_log log;

    fault = (struct fault){0};
    assert_false(event_log_read(&arena, wr_done(w), &log, &fault));
    assert_true(fault.code != FAULT_NONE);
}

static void a_separator_alone(void **state)
{
    struct writer w = wr_open(&arena);
    struct event_registers r;

    (void)state;
    put_header(&w, two_banks, 2);
    put_separator(&w, 7);
    struct event_log log = read_good(&w);
    event_log_replay(&log, event_log_bank(&log, DIGEST_SHA256), &r);
    assert_true(bytes_is(hex_encode(&arena, bytes_make(r.value[7], 32)),
                         "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"));
    assert_true(r.told[7] && !r.told[0] && !r.incomplete[7]);
    assert_true(r.value[17][0] == 0xff && r.value[23][0] == 0);
    assert_null(event_log_bank(&log, DIGEST_SHA512));
}

static void padding_is_no_event(void **state)
{
    static const uint8_t fills[] = {0x00, 0xff};

    (void)state;
    for (size_t i = 0; i < sizeof fills; i++) {
        struct writer w = wr_open(&arena);

        put_header(&w, two_banks, 2);
        put_separator(&w, 4);
        size_t whole = w.n;
        for (int n = 0; n < 100; n++)
            wr_u8(&w, fills[i]);
        struct event_log log = read_good(&w);
        assert_int_equal(log.count, 2);
        assert_int_equal(log.tail.n, w.n - whole);
    }
}

static void nothing_is_no_log(void **state)
{
    struct writer w = wr_open(&arena);

    (void)state;
    refused(&w);
    for (int n = 0; n < 4096; n++)
        wr_u8(&w, 0);
    refused(&w);
    memset(w.p, 0xff, w.n);
    refused(&w);
}

/* Cut anywhere, a log is refused, or it ended there. */
static void every_cut(void **state)
{
    struct writer w = wr_open(&arena);
    size_t ends[8], n = 0;

    (void)state;
    put_header(&w, two_banks, 2);
    ends[n++] = w.n;
    put_separator(&w, 0);
    ends[n++] = w.n;
    put_secure_boot(&w, BYTES_LIT("\1"));
    ends[n++] = w.n;
    struct bytes whole = wr_done(&w);
    for (size_t cut = 0; cut <= whole.n; cut++) {
        struct event_log log;
        bool may = false;

        for (size_t i = 0; i < n; i++)
            may = may || (cut >= ends[i] && cut < ends[i] + 8);
        if (event_log_read(&arena, bytes_first(whole, cut), &log, NULL) != may)
            fail_msg("cut at %zu", cut);
    }
}

static void bad_headers(void **state)
{
    static const uint16_t wrong_size[][2] = {{SHA256, 20}}, twice[][2] = {{SHA1, 20}, {SHA1, 20}}, none[][2] = {{0, 0}},
                          empty[][2] = {{0x99, 0}}, wide[][2] = {{0x99, 65}};
    static const struct {
        const uint16_t (*banks)[2];
        size_t count;
    } headers[] = {{wrong_size, 1}, {twice, 2}, {none, 0}, {empty, 1}, {wide, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct writer w = wr_open(&arena);

        put_header(&w, headers[i].banks, headers[i].count);
        refused(&w);
    }
    uint16_t many[EVENT_LOG_BANKS + 1][2];
    for (size_t i = 0; i <= EVENT_LOG_BANKS; i++) {
        many[i][0] = (uint16_t)(0x90 + i);
        many[i][1] = 32;
    }
    struct writer w = wr_open(&arena);
    put_header(&w, (const uint16_t(*)[2])many, EVENT_LOG_BANKS + 1);
    refused(&w);
}

static void bad_digests(void **state)
{
    static const uint16_t pairs[][2] = {{SHA1, SHA1}, {SHA256, SHA256}, {SHA1, 0x0c}, {0x0d, SHA256}};

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct writer w = wr_open(&arena);

        put_header(&w, two_banks, 2);
        wr_u32le(&w, 0);
        wr_u32le(&w, EV_SEPARATOR);
        wr_u32le(&w, 2);
        for (size_t d = 0; d < 2; d++) {
            wr_u16le(&w, pairs[i][d]);
            for (int n = 0; n < (pairs[i][d] == SHA1 ? 20 : 32); n++)
                wr_u8(&w, 1);
        }
        wr_u32le(&w, 0);
        refused(&w);
    }
}

/* An event without a digest in a bank leaves its register unknown there, and known in the other. */
static void a_digest_is_missing(void **state)
{
    struct writer w = wr_open(&arena);
    struct event_registers r;

    (void)state;
    put_header(&w, two_banks, 2);
    wr_u32le(&w, 3);
    wr_u32le(&w, EV_SEPARATOR);
    wr_u32le(&w, 1);
    wr_u16le(&w, SHA1);
    for (int n = 0; n < SHA1_SIZE; n++)
        wr_u8(&w, 1);
    wr_u32le(&w, 0);
    struct event_log log = read_good(&w);
    event_log_replay(&log, event_log_bank(&log, DIGEST_SHA256), &r);
    assert_true(r.incomplete[3]);
    event_log_replay(&log, event_log_bank(&log, DIGEST_SHA1), &r);
    assert_false(r.incomplete[3]);
}

static void too_large(void **state)
{
    struct writer w = wr_open(&arena);

    (void)state;
    put_header(&w, two_banks, 2);
    put_event(&w, 0, EV_SEPARATOR, BYTES_NONE, bytes_make(arena_alloc(&arena, LIMIT_EVENT), LIMIT_EVENT));
    assert_int_equal(read_good(&w).count, 2);
    w = wr_open(&arena);
    put_header(&w, two_banks, 2);
    put_event(&w, 0, EV_SEPARATOR, BYTES_NONE, bytes_make(arena_alloc(&arena, LIMIT_EVENT + 1), LIMIT_EVENT + 1));
    refused(&w);
    w = wr_open(&arena);
    put_header(&w, two_banks, 2);
    for (int i = 1; i < LIMIT_EVENTS; i++)
        put_event(&w, 0, EV_SEPARATOR, BYTES_NONE, BYTES_NONE);
    assert_int_equal(read_good(&w).count, LIMIT_EVENTS);
    put_event(&w, 0, EV_SEPARATOR, BYTES_NONE, BYTES_NONE);
    refused(&w);
    assert_int_equal(fault.code, FAULT_LIMIT);
}

/* The locality moves the start of PCR 0; only the first one that the log tells counts. */
static void started_from_a_locality(void **state)
{
    struct writer w = wr_open(&arena), locality = wr_open(&arena);
    struct event_registers with, without;

    (void)state;
    wr_put(&locality, bytes_make("StartupLocality", 16));
    wr_u8(&locality, 3);
    put_header(&w, two_banks, 2);
    put_separator(&w, 0);
    struct event_log log = read_good(&w);
    event_log_replay(&log, event_log_bank(&log, DIGEST_SHA256), &without);
    put_event(&w, 0, EV_NO_ACTION, BYTES_NONE, wr_done(&locality));
    locality.p[16] = 0;
    put_event(&w, 0, EV_NO_ACTION, BYTES_NONE, wr_done(&locality));
    log = read_good(&w);
    event_log_replay(&log, event_log_bank(&log, DIGEST_SHA256), &with);
    assert_int_equal(log.locality, 3);
    assert_memory_not_equal(with.value[0], without.value[0], 32);
}

static enum secure_boot state_of(const struct writer *w)
{
    struct event_log log = read_good(w);

    return secure_boot_state(&log, event_log_bank(&log, DIGEST_SHA256));
}

static void secure_boot_states(void **state)
{
    static const struct {
        const char *value;
        size_t n;
        enum secure_boot state;
    } values[] = {{"\1", 1, SECURE_BOOT_ON},
                  {"\0", 1, SECURE_BOOT_OFF},
                  {"", 0, SECURE_BOOT_EMPTY},
                  {"\2", 1, SECURE_BOOT_INVALID},
                  {"\1\1", 2, SECURE_BOOT_INVALID}};

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct writer w = wr_open(&arena);

        put_header(&w, two_banks, 2);
        put_secure_boot(&w, bytes_make(values[i].value, values[i].n));
        put_separator(&w, 7);
        assert_int_equal(state_of(&w), values[i].state);
    }
}

/* What was booted can write into PCR 7 too, so what it says of Secure Boot must not count. */
static void secure_boot_is_said_once_and_before_the_separator(void **state)
{
    struct bytes off = variable("SecureBoot", BYTES_LIT("\0")), on = variable("SecureBoot", BYTES_LIT("\1"));
    struct writer w = wr_open(&arena);

    (void)state;
    put_header(&w, two_banks, 2);
    put_separator(&w, 7);
    assert_int_equal(state_of(&w), SECURE_BOOT_NOT_MEASURED);
    put_secure_boot(&w, BYTES_LIT("\1"));
    assert_int_equal(state_of(&w), SECURE_BOOT_INVALID);

    w = wr_open(&arena);
    put_header(&w, two_banks, 2);
    put_secure_boot(&w, BYTES_LIT("\0"));
    put_secure_boot(&w, BYTES_LIT("\1"));
    assert_int_equal(state_of(&w), SECURE_BOOT_INVALID);

    w = wr_open(&arena);
    put_header(&w, two_banks, 2);
    put_secure_boot(&w, BYTES_LIT("\1"));
    put_separator(&w, 7);
    put_separator(&w, 7);
    assert_int_equal(state_of(&w), SECURE_BOOT_INVALID);

    w = wr_open(&arena); /* its data say on, its digest is of off */
    put_header(&w, two_banks, 2);
    put_event(&w, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, off, on);
    assert_int_equal(state_of(&w), SECURE_BOOT_INVALID);

    w = wr_open(&arena); /* in PCR 1 it says nothing */
    put_header(&w, two_banks, 2);
    put_event(&w, 1, EV_EFI_VARIABLE_DRIVER_CONFIG, on, on);
    assert_int_equal(state_of(&w), SECURE_BOOT_NOT_MEASURED);
}

/* ------------------------------------------------------------------------------------------------------------- IMA */

static struct ima_log read_list(const char *text)
{
    struct ima_log log;

    fault = (struct fault){0};
    if (!ima_log_read(&arena, bytes_text(text), &log, &fault))
        fail_msg("%s", fault.text);
    return log;
}

#define HASH    "0c8a706a75a5689c1e168f0a573a3cbec33061b5"
#define SHA256D "sha256:e4cb9f5709c88376b5fc3743cd88e76b9aae8f3d992d845678de5215edb31216"

static void names_may_hold_blanks(void **state)
{
    (void)state;
    struct ima_log log = read_list("10 " HASH " ima-ng " SHA256D " /a file with blanks\n10 " HASH " ima-sig " SHA256D
                                   " /a signed one 0302\n10 " HASH " ima-sig " SHA256D " /not signed \n");

    assert_int_equal(log.count, 3);
    assert_true(bytes_is(log.entries[0].name, "/a file with blanks"));
    assert_true(bytes_is(log.entries[1].name, "/a signed one"));
    assert_true(bytes_is(log.entries[2].name, "/not signed"));
    assert_false(ima_hash_holds(&log.entries[0]));
}

static void violations_extend_ones(void **state)
{
    uint8_t ones[SHA1_SIZE], made[SHA1_SIZE], zeros[SHA1_SIZE] = {0};
    struct bytes parts[] = {BYTES_OF(zeros), BYTES_OF(ones)};
    struct event_registers r = {0};

    (void)state;
    struct ima_log log = read_list("10 0000000000000000000000000000000000000000 ima-ng "
                                   "sha1:0000000000000000000000000000000000000000 /var/log/x\n");
    assert_int_equal(log.violations, 1);
    assert_true(ima_hash_holds(&log.entries[0]));
    memset(ones, 0xff, sizeof ones);
    digest_parts(DIGEST_SHA1, parts, 2, made);
    ima_log_replay(&log, DIGEST_SHA1, false, &r);
    assert_memory_equal(r.value[10], made, SHA1_SIZE);
}

static void bad_lists(void **state)
{
    static const char *const lists[] = {
        "10",
        "10 " HASH,
        "10 " HASH " ima-ng",
        "10 " HASH " ima-ng sha256:zz /x\n",
        "10 " HASH " ima-ng noalgorithm /x\n",
        "24 " HASH " ima-ng " SHA256D " /x\n",
        "100 " HASH " ima-ng " SHA256D " /x\n",
        "1x " HASH " ima-ng " SHA256D " /x\n",
        "10 0c8a ima-ng " SHA256D " /x\n",
        "10 " HASH " evm-sig " SHA256D " /x\n",
        "10 " HASH " ima-sig " SHA256D " /x\n", /* no blank for the signature that is not there */
        "10 " HASH " ima " SHA256D " /x\n",
        "\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct ima_log log;

        if (ima_log_read(&arena, bytes_text(lists[i]), &log, NULL))
            fail_msg("accepted: %s", lists[i]);
    }
    struct ima_log log;
    assert_false(ima_log_read(&arena, BYTES_NONE, &log, NULL));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_separator_alone),
        CASE(padding_is_no_event),
        CASE(nothing_is_no_log),
        CASE(every_cut),
        CASE(bad_headers),
        CASE(bad_digests),
        CASE(a_digest_is_missing),
        CASE(too_large),
        CASE(started_from_a_locality),
        CASE(secure_boot_states),
        CASE(secure_boot_is_said_once_and_before_the_separator),
        CASE(names_may_hold_blanks),
        CASE(violations_extend_ones),
        CASE(bad_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
