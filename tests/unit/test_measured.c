/* Logs beside the registers that a quote covers: what they replay to, and what is said where they part. */
#include "boot_log.h"

#include "base/text.h"
#include "evidence/parts/measured.h"

enum { SHA384 = 0x0c, SM3 = 0x12 };

static struct exam exam;
static struct measured logs;
static struct tpm_selection selection;
static struct tpm_pcrs pcrs;

static int begin(void **state)
{
    set_up(state);
    exam = (struct exam){.arena = &arena, .trace = trace_new(&arena)};
    logs = (struct measured){0};
    selection = (struct tpm_selection){0};
    pcrs = (struct tpm_pcrs){0};
    return 0;
}

static void again(void **state)
{
    tear_down(state);
    begin(state);
}

static void add(const struct writer *w)
{
    assert_true(measured_add(&exam, &logs, wr_done(w), false));
}

static void add_list(const char *text)
{
    assert_true(measured_add(&exam, &logs, bytes_text(text), true));
}

static const char *note(void)
{
    const struct trace_entry *f = trace_failure(exam.trace);

    return f && f->note ? f->note : "";
}

static void expect_good(void)
{
    if (!measured_verify(&exam, &logs, &selection, &pcrs))
        fail_msg("%s", note());
}

static void expect_refused(enum check_id id, const char *part)
{
    assert_false(measured_verify(&exam, &logs, &selection, &pcrs));
    assert_int_equal(trace_failure(exam.trace)->id, id);
    if (!strstr(note(), part))
        fail_msg("not in the note: %s: %s", part, note());
    exam.trace = trace_new(&arena);
}

/* A bank of a TPM that was started and measured nothing. */
static struct bytes *quote_bank(uint16_t id, uint32_t mask, enum digest_alg alg)
{
    size_t n = pcrs.count++;
    struct event_registers *r = ARENA_NEW(&arena, struct event_registers);

    selection.banks[selection.count].id = id;
    selection.banks[selection.count++].mask = mask;
    event_registers_reset(r, alg);
    pcrs.banks[n].id = id;
    pcrs.banks[n].known = true;
    pcrs.banks[n].alg = alg;
    for (int i = 0; i < TPM_PCRS; i++)
        pcrs.banks[n].value[i] = bytes_make(r->value[i], r->size);
    return pcrs.banks[n].value;
}

/* What a TPM does: not by the code that is tested. */
static void extend(struct bytes *register_, enum digest_alg alg, struct bytes digest_)
{
    struct writer w = wr_open(&arena);

    wr_put(&w, *register_);
    wr_put(&w, digest_);
    *register_ = digest(&arena, alg, wr_done(&w));
}

static void extend_by(struct bytes *values, enum digest_alg alg, int reg, struct bytes hashed)
{
    extend(&values[reg], alg, digest(&arena, alg, hashed));
}

static const struct bytes zeros = {(const uint8_t *)"\0\0\0\0", 4};

static void nothing_is_skipped(void **state)
{
    static const enum check_id required[] = {MEASURED_CHECKS, CHECK_END};
    enum check_id missing;

    (void)state;
    expect_good();
    assert_true(trace_complete(exam.trace, required, &missing));
    assert_int_equal(exam.trace->entries[0].result, CHECK_SKIP);
}

static void a_log_explains_its_registers(void **state)
{
    static const enum check_id required[] = {MEASURED_CHECKS, CHECK_END};
    struct bytes *values = quote_bank(SHA256, 0xffffff, DIGEST_SHA256);
    struct writer w = wr_open(&arena);
    enum check_id missing;
    enum digest_alg bank;
    uint32_t quoted;

    (void)state;
    put_header(&w, two_banks, 2);
    put_separator(&w, 7);
    put_event(&w, 12, EV_EVENT_TAG, BYTES_LIT("x"), BYTES_LIT("x"));
    add(&w);
    extend_by(values, DIGEST_SHA256, 7, zeros);
    extend_by(values, DIGEST_SHA256, 12, BYTES_LIT("x"));
    expect_good();
    assert_true(trace_complete(exam.trace, required, &missing));
    assert_true(measured_bank(&logs, &selection, &bank, &quoted) && bank == DIGEST_SHA256 && quoted == 0xffffff);
    assert_true(measured_covers(&logs.logs[0], 2, bank) && measured_covers(&logs.logs[0], 2, bank));
}

static void what_does_not_fit_is_named(void **state)
{
    struct bytes *values = quote_bank(SHA256, 0xffffff, DIGEST_SHA256);
    struct writer w = wr_open(&arena);

    (void)state;
    put_header(&w, two_banks, 2);
    for (int i = 0; i < 3; i++)
        put_event(&w, 5, EV_IPL, BYTES_LIT("x"), BYTES_LIT("x"));
    add(&w);
    expect_refused(CHECK_BOOT_LOG_REPLAY,
                   "PCR 5 of sha256: the register's value is that before the first event, 3 more follow");
    extend_by(values, DIGEST_SHA256, 5, BYTES_LIT("x"));
    expect_refused(CHECK_BOOT_LOG_REPLAY, "that after event 1 (EV_IPL) of log 1, 2 more follow; PCRs that differ: 5");
    extend_by(values, DIGEST_SHA256, 5, BYTES_LIT("y"));
    values[3] = values[5];
    expect_refused(CHECK_BOOT_LOG_REPLAY, "PCR 3 of sha256: no log tells of it");
    values[3] = values[4];
    expect_refused(CHECK_BOOT_LOG_REPLAY, "PCR 5 of sha256: no prefix of the logs gives it; PCRs that differ: 5");
    values[5] = BYTES_NONE;
    expect_refused(CHECK_BOOT_LOG_REPLAY, "its value was not sent");
    selection.banks[0].mask &= ~(1u << 5);
    expect_good();
}

static void registers_without_a_log_hold_their_reset_value(void **state)
{
    static const struct {
        int reg;
        const char *note;
    } missing[] = {{10, "it is IMA's, whose measurement list was not sent"},
                   {15, "an operating system measured after it was loaded"},
                   {16, "any program may extend it"},
                   {17, "one of a dynamic launch, whose log was not sent"},
                   {23, "any program may extend it"}};
    struct bytes *values = quote_bank(SHA256, 0xffffff, DIGEST_SHA256), kept;
    struct writer w = wr_open(&arena);

    (void)state;
    put_header(&w, two_banks, 2);
    add(&w);
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        kept = values[missing[i].reg];
        extend_by(values, DIGEST_SHA256, missing[i].reg, zeros);
        expect_refused(CHECK_BOOT_LOG_REPLAY, missing[i].note);
        values[missing[i].reg] = kept;
    }
    values[21] = values[0]; /* after a launch that measured nothing into it */
    expect_good();
    memset((uint8_t *)(uintptr_t)values[1].p, 0xff, SHA256_SIZE); /* but not so elsewhere */
    expect_refused(CHECK_BOOT_LOG_REPLAY, "PCR 1 of sha256");
}

static void locality_and_hcrtm(void **state)
{
    struct bytes *values = quote_bank(SHA256, 1, DIGEST_SHA256);
    struct writer w = wr_open(&arena), locality = wr_open(&arena);

    (void)state;
    wr_put(&locality, bytes_make("StartupLocality", 16));
    wr_u8(&locality, 3);
    put_header(&w, two_banks, 2);
    put_event(&w, 0, EV_NO_ACTION, BYTES_NONE, wr_done(&locality));
    put_separator(&w, 0);
    add(&w);
    expect_refused(CHECK_BOOT_LOG_REPLAY, "no prefix");
    ((uint8_t *)(uintptr_t)values[0].p)[31] = 3;
    extend_by(values, DIGEST_SHA256, 0, zeros);
    expect_good();

    again(state);
    values = quote_bank(SHA256, 1, DIGEST_SHA256);
    ((uint8_t *)(uintptr_t)values[0].p)[31] = 4;
    w = wr_open(&arena);
    put_header(&w, two_banks, 2);
    put_event(&w, 0, EV_EFI_HCRTM_EVENT, BYTES_LIT("HCRTM"), BYTES_LIT("HCRTM"));
    put_separator(&w, 0);
    add(&w);
    extend_by(values, DIGEST_SHA256, 0, BYTES_LIT("HCRTM"));
    extend_by(values, DIGEST_SHA256, 0, zeros);
    expect_good();
}

/* Logs of one boot stand on top of each other: the second here is that of a dynamic launch, whose registers begin with zeros. */
static void several_logs(void **state)
{
    struct bytes *values = quote_bank(SHA256, 0xffffff, DIGEST_SHA256);
    struct writer first = wr_open(&arena), second = wr_open(&arena);

    (void)state;
    put_header(&first, two_banks, 2);
    put_separator(&first, 4);
    put_header(&second, two_banks, 2);
    put_event(&second, 17, 0x402, BYTES_LIT("sinit"), BYTES_LIT("sinit"));
    put_event(&second, 4, EV_IPL, BYTES_LIT("x"), BYTES_LIT("x"));
    add(&first);
    add(&second);
    for (int i = 17; i <= 22; i++)
        values[i] = values[0];
    extend_by(values, DIGEST_SHA256, 17, BYTES_LIT("sinit"));
    extend_by(values, DIGEST_SHA256, 4, zeros);
    expect_refused(CHECK_BOOT_LOG_REPLAY, "after event 1 (EV_SEPARATOR) of log 1, 1 more follow");
    extend_by(values, DIGEST_SHA256, 4, BYTES_LIT("x"));
    expect_good();
    struct measured_log swapped = logs.logs[0]; /* in the wrong order */
    logs.logs[0] = logs.logs[1];
    logs.logs[1] = swapped;
    expect_refused(CHECK_BOOT_LOG_REPLAY, "PCR 4 of sha256");
}

static void too_many_logs(void **state)
{
    struct writer w = wr_open(&arena);

    (void)state;
    put_header(&w, two_banks, 2);
    for (int i = 0; i < MEASURED_LOGS; i++)
        add(&w);
    assert_false(measured_add(&exam, &logs, wr_done(&w), false));
    assert_int_equal(trace_failure(exam.trace)->id, CHECK_BOOT_LOG_SHAPE);
    assert_non_null(strstr(note(), "more than eight"));

    again(state);
    assert_false(measured_add(&exam, &logs, BYTES_LIT("no log"), false));
    assert_non_null(strstr(note(), "log 1: "));
    again(state);
    assert_false(measured_add(&exam, &logs, BYTES_LIT("no list"), true));
}

/* Each quoted bank must hold what is told of it; one that the firmware did not measure into holds nothing. */
static void banks(void **state)
{
    struct bytes *values = quote_bank(SHA256, 0xff, DIGEST_SHA256), *other;
    struct writer w = wr_open(&arena);
    enum digest_alg bank;
    uint32_t quoted;

    (void)state;
    put_header(&w, two_banks, 2);
    put_separator(&w, 7);
    add(&w);
    extend_by(values, DIGEST_SHA256, 7, zeros);
    other = quote_bank(SHA384, 0xff, DIGEST_SHA384);
    expect_good();
    extend_by(other, DIGEST_SHA384, 7, zeros);
    expect_refused(CHECK_BOOT_LOG_REPLAY, "PCR 7 of sha384: no log tells of it");
    selection.banks[1].mask = 0;
    expect_good();
    other = quote_bank(SHA1, 0xff, DIGEST_SHA1);
    expect_refused(CHECK_BOOT_LOG_REPLAY, "PCR 7 of sha1: the register's value is that before the first event");
    extend_by(other, DIGEST_SHA1, 7, zeros);
    expect_good();
    selection.banks[0].mask = 0;
    expect_good();
    assert_true(measured_bank(&logs, &selection, &bank, &quoted) && bank == DIGEST_SHA1 && quoted == 0xff);
    selection.banks[1] = selection.banks[2]; /* of those quoted none that the log has */
    selection.banks[1].id = SHA384;
    selection.count = 2;
    expect_refused(CHECK_BOOT_LOG_REPLAY, "no digests of any bank that was quoted");
    assert_false(measured_bank(&logs, &selection, &bank, &quoted));
    selection.banks[0].mask = 0xff;
    selection.banks[1].id = SM3;
    expect_refused(CHECK_BOOT_LOG_REPLAY, "cannot be replayed");
}

static void a_digest_is_missing(void **state)
{
    struct bytes *values = quote_bank(SHA256, 0xff, DIGEST_SHA256);
    struct writer w = wr_open(&arena);

    (void)state;
    put_header(&w, two_banks, 2);
    wr_u32le(&w, 3);
    wr_u32le(&w, EV_SEPARATOR);
    wr_u32le(&w, 1);
    wr_u16le(&w, SHA1);
    wr_put(&w, digest(&arena, DIGEST_SHA1, zeros));
    wr_u32le(&w, 4);
    wr_put(&w, zeros);
    add(&w);
    expect_refused(CHECK_BOOT_LOG_REPLAY, "PCR 3 of sha256: an event of it has no digest of this bank");
    extend_by(values, DIGEST_SHA256, 3, zeros);
    expect_refused(CHECK_BOOT_LOG_REPLAY, "no digest of this bank");
    assert_false(measured_covers(&logs.logs[0], 1, DIGEST_SHA256));
    assert_false(measured_covers(&logs.logs[0], 1, DIGEST_SHA512));
}

/* ------------------------------------------------------------------------------------------------------------- IMA */

#define FILE_DIGEST "sha256:e4cb9f5709c88376b5fc3743cd88e76b9aae8f3d992d845678de5215edb31216"

/* The data of an entry of template ima-ng. */
static struct bytes template_data(const char *name)
{
    struct writer w = wr_open(&arena);
    struct bytes value;

    assert_true(hex_decode(&arena, bytes_after(BYTES_LIT(FILE_DIGEST), 7), &value));
    wr_u32le(&w, 8 + SHA256_SIZE);
    wr_put(&w, BYTES_LIT("sha256:\0"));
    wr_put(&w, value);
    wr_u32le(&w, (uint32_t)strlen(name) + 1);
    wr_put(&w, bytes_make(name, strlen(name) + 1));
    return wr_done(&w);
}

static const char *list_of(const char *hashed, const char *name)
{
    struct bytes hash = hex_encode(&arena, digest(&arena, DIGEST_SHA1, template_data(hashed)));

    return arena_printf(&arena, "10 %s ima-ng " FILE_DIGEST " %s\n", arena_string(&arena, hash), name);
}

static struct bytes filled(struct bytes hash)
{
    uint8_t *p = arena_alloc(&arena, SHA256_SIZE);

    memcpy(p, hash.p, hash.n);
    return bytes_make(p, SHA256_SIZE);
}

static void lists_in_each_bank(void **state)
{
    for (int way = 0; way < 3; way++) {
        again(state);
        struct bytes data = template_data("/bin/x");
        struct bytes *sha1 = quote_bank(SHA1, 1 << 10, DIGEST_SHA1), *wide = quote_bank(SHA256, 1 << 10, DIGEST_SHA256);

        add_list(list_of("/bin/x", "/bin/x"));
        extend_by(sha1, DIGEST_SHA1, 10, data);
        if (way == 0)
            extend_by(wide, DIGEST_SHA256, 10, data);
        else if (way == 1)
            extend(&wide[10], DIGEST_SHA256, filled(digest(&arena, DIGEST_SHA1, data)));
        if (way < 2)
            expect_good();
        else
            expect_refused(CHECK_BOOT_LOG_REPLAY,
                           "PCR 10 of sha256: the register's value is that before the first event");
    }
}

/* The register holds the template hash alone: an entry whose name was changed replays as before. */
static void an_edited_entry(void **state)
{
    struct bytes *values = quote_bank(SHA1, 1 << 10, DIGEST_SHA1);

    (void)state;
    extend_by(values, DIGEST_SHA1, 10, template_data("/bin/x"));
    add_list(list_of("/bin/x", "/bin/y"));
    expect_refused(CHECK_IMA_TEMPLATE_HASH, "log 1, entry 0");
    logs.count = 0;
    add_list(list_of("/bin/y", "/bin/y"));
    expect_refused(CHECK_BOOT_LOG_REPLAY, "no prefix");
    logs.count = 0;
    add_list(arena_printf(&arena, "%s%s", list_of("/bin/x", "/bin/x"), list_of("/bin/y", "/bin/y")));
    expect_refused(CHECK_BOOT_LOG_REPLAY, "after entry 0 of log 1, 1 more follow");
}

/* A list comes after the firmware's log, and may share a register with it. */
static void lists_stand_on_logs(void **state)
{
    struct bytes *values = quote_bank(SHA1, 0xffffff, DIGEST_SHA1);
    struct writer w = wr_open(&arena);

    (void)state;
    put_header(&w, two_banks, 2);
    put_event(&w, 10, EV_IPL, BYTES_LIT("x"), BYTES_LIT("x"));
    add(&w);
    add_list(list_of("/bin/x", "/bin/x"));
    add_list(
        "10 0000000000000000000000000000000000000000 ima-ng sha1:0000000000000000000000000000000000000000 /var/x\n");
    extend_by(values, DIGEST_SHA1, 10, BYTES_LIT("x"));
    extend_by(values, DIGEST_SHA1, 10, template_data("/bin/x"));
    uint8_t ones[SHA1_SIZE];
    memset(ones, 0xff, sizeof ones);
    extend(&values[10], DIGEST_SHA1, BYTES_OF(ones));
    expect_good();
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, tear_down)
    const struct CMUnitTest tests[] = {CASE(nothing_is_skipped),
                                       CASE(a_log_explains_its_registers),
                                       CASE(what_does_not_fit_is_named),
                                       CASE(registers_without_a_log_hold_their_reset_value),
                                       CASE(locality_and_hcrtm),
                                       CASE(several_logs),
                                       CASE(too_many_logs),
                                       CASE(banks),
                                       CASE(a_digest_is_missing),
                                       CASE(lists_in_each_bank),
                                       CASE(an_edited_entry),
                                       CASE(lists_stand_on_logs)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
