/* Frames and their messages: what was written is read back, and lengths that lie, short bodies and tails are refused. */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/message.h"
#include "core/record_seal.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    signal(SIGPIPE, SIG_IGN); /* a reader that refuses a frame closes before all of it was sent */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void open_ends(int ends[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

/* Larger than the socket's buffer, so somebody else must write it. */
struct sender {
    pthread_t thread;
    int fd;
    struct bytes raw;
    size_t piece;
};

static void *send_pieces(void *context)
{
    struct sender *s = context;

    for (struct bytes rest = s->raw; rest.n; rest = bytes_after(rest, s->piece)) {
        struct bytes part = bytes_first(rest, s->piece);

        for (size_t done = 0; done < part.n;) {
            ssize_t n = write(s->fd, part.p + done, part.n - done);

            if (n <= 0)
                return NULL;
            done += (size_t)n;
        }
    }
    close(s->fd);
    return NULL;
}

static void send_raw(struct sender *s, struct frame_reader *r, struct bytes raw, size_t piece)
{
    int ends[2];

    open_ends(ends);
    *s = (struct sender){.fd = ends[1], .raw = raw, .piece = piece};
    *r = (struct frame_reader){.fd = ends[0]};
    assert_int_equal(pthread_create(&s->thread, NULL, send_pieces, s), 0);
}

static void end_raw(struct sender *s, struct frame_reader *r)
{
    close(r->fd);
    pthread_join(s->thread, NULL);
}

static struct bytes pattern(size_t n)
{
    uint8_t *p = arena_alloc(&arena, n);

    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i * 31 + n);
    return bytes_make(p, n);
}

static void put_frame(struct writer *w, enum frame_kind kind, struct bytes body)
{
    uint8_t header[FRAME_HEADER];

    frame_put_header(header, (uint32_t)body.n, kind);
    wr_put(w, BYTES_OF(header));
    wr_put(w, body);
}

static void frames_of_every_size_and_cut(void **state)
{
    static const size_t sizes[] = {
        0,   1, 7,           8, 9, FRAME_BUFFER - 9, FRAME_BUFFER - 8, FRAME_BUFFER, FRAME_BUFFER + 1, 3 * FRAME_BUFFER,
        100, 0, LIMIT_FRAME, 5};
    static const size_t pieces[] = {7, 4096, FRAME_BUFFER + 3, LIMIT_FRAME * 2};
    struct writer w = wr_open(&arena);
    struct frame_reader r;
    struct sender s;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        put_frame(&w, FRAME_ATTEST, pattern(sizes[i]));
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        enum frame_kind kind;
        struct bytes body;

        send_raw(&s, &r, wr_done(&w), pieces[p]);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            assert_true(frame_read(&r, &arena, &kind, &body));
            assert_int_equal(kind, FRAME_ATTEST);
            assert_bytes_equal(body, pattern(sizes[i]));
        }
        assert_false(frame_read(&r, &arena, &kind, &body)); /* the end */
        end_raw(&s, &r);
    }
}

static void lengths_that_lie_are_refused(void **state)
{
    static const struct {
        uint32_t length, kind;
        size_t sent; /* of the body */
    } cases[] = {{10, FRAME_ATTEST, 9},
                 {10, FRAME_ATTEST, 0},
                 {LIMIT_FRAME + 1, FRAME_ATTEST, 100},
                 {UINT32_MAX, FRAME_ATTEST, 100},
                 {0x80000000u, FRAME_ATTEST, 0},
                 {1, 0, 1},
                 {1, FRAME_NOT_SIGNED + 1, 1},
                 {1, UINT32_MAX, 1}};
    enum frame_kind kind;
    struct bytes body;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct writer w = wr_open(&arena);
        struct frame_reader r;
        struct sender s;
        size_t used = arena.used;

        wr_u32le(&w, cases[i].length);
        wr_u32le(&w, cases[i].kind);
        wr_put(&w, pattern(cases[i].sent));
        send_raw(&s, &r, wr_done(&w), 5);
        assert_false(frame_read(&r, &arena, &kind, &body));
        assert_true(arena.used - used <= 128 * 1024); /* nothing was allocated for a length over the limit */
        end_raw(&s, &r);
    }
    for (size_t n = 1; n < FRAME_HEADER; n++) { /* an end within the header */
        uint8_t header[FRAME_HEADER];
        struct frame_reader r;
        struct sender s;

        frame_put_header(header, 0, FRAME_ATTEST);
        send_raw(&s, &r, bytes_make(header, n), 1);
        assert_false(frame_read(&r, &arena, &kind, &body));
        end_raw(&s, &r);
    }
}

static void no_frame_above_the_limit_is_written(void **state)
{
    int ends[2];

    (void)state;
    open_ends(ends);
    assert_false(frame_write(ends[0], FRAME_ATTEST, pattern(LIMIT_FRAME + 1)));
    assert_true(frame_write(ends[0], FRAME_ATTEST, pattern(10)));
    close(ends[1]);
    assert_false(frame_write(ends[0], FRAME_ATTEST, pattern(10)));
    close(ends[0]);
}

static void settings_come_back(void **state)
{
    struct reference_values reference = reference_builtin;
    struct settings settings = SETTINGS_DEFAULT, back;
    uint8_t ppid[16] = {0};

    (void)state;
    settings.reference = &reference;
    settings.claim_extensions = true;
    settings.tpm_sha1 = false;
    settings.tpm_v1 = false;
    settings.freshness = FRESHNESS_STRICT;
    reference.minimum_tcb[SNP_TURIN].fmc = 7;
    for (ppid[3] = 200; ppid[3] > 100; ppid[3]--)
        assert_true(reference_add(&arena, &reference, REFERENCE_DENIED_PLATFORMS, BYTES_OF(ppid)));
    struct bytes body = write_settings(&arena, &settings);
    assert_true(read_settings(&arena, body, &back));
    assert_true(back.claim_extensions && !back.tpm_sha1 && !back.tpm_v1);
    assert_int_equal(back.freshness, FRESHNESS_STRICT);
    assert_int_equal(back.reference->uvm_root_count, 2);
    assert_int_equal(back.reference->uvm_roots[0].minimum_svn, 100);
    assert_int_equal(back.reference->minimum_tcb[SNP_TURIN].fmc, 7);
    assert_int_equal(back.reference->lists[REFERENCE_DENIED_PLATFORMS].count, 100);
    ppid[3] = 101;
    assert_true(reference_has(back.reference, REFERENCE_DENIED_PLATFORMS, BYTES_OF(ppid)));
    assert_bytes_equal(write_settings(&arena, &back), body);
    /* Two entries that are not in order. */
    struct bytes swapped[2] = {reference.lists[REFERENCE_DENIED_PLATFORMS].v[1],
                               reference.lists[REFERENCE_DENIED_PLATFORMS].v[0]};
    reference.lists[REFERENCE_DENIED_PLATFORMS] = (struct reference_entries){swapped, 2};
    assert_false(read_settings(&arena, write_settings(&arena, &settings), &back));
}

static void messages_come_back(void **state)
{
    struct settings settings = SETTINGS_DEFAULT, settings_back;
    struct provider_message provider = {.issuer = BYTES_LIT("https://a"), .shared = true}, provider_back;
    struct retired_key retired[2] = {{BYTES_LIT("k"), BYTES_LIT("c"), 7}, {BYTES_LIT("l"), BYTES_LIT("dd"), -1}},
                       retired_back[RETIRED_KEYS_MAX];
    struct core_request request = {.issuer = BYTES_LIT("https://a"),
                                   .attester = BYTES_LIT("SgxEnclave"),
                                   .body = BYTES_LIT("{}"),
                                   .time = -5,
                                   .entropy = BYTES_LIT("0123")},
                        request_back;
    struct answer answer = {.status = 400,
                            .code = "Code",
                            .body = BYTES_LIT("body"),
                            .failed_check = "a.b",
                            .decision = BYTES_LIT("on record"),
                            .keep = BYTES_LIT("to be kept")};
    struct changes changes = {.v = {{.kind = BYTES_LIT("signers"), .body = BYTES_LIT("x"), .hash = BYTES_LIT("h")},
                                    {.kind = BYTES_LIT("key"), .body = BYTES_LIT("y")}},
                              .count = 2};
    struct shadow_result shadow = {.issuer = BYTES_LIT("i"), .outcome = SHADOW_WOULD_DENY, .reason = BYTES_LIT("r")},
                         shadow_back;
    struct answered answered;
    size_t count;

    (void)state;
    settings.default_baseline = 17;
    settings.crl_freshness = false;
    assert_true(read_settings(&arena, write_settings(&arena, &settings), &settings_back));
    assert_int_equal(settings_back.default_baseline, 17);
    assert_false(settings_back.crl_freshness);
    assert_int_equal(settings_back.accepted_sgx, settings.accepted_sgx);
    assert_int_equal(settings_back.accepted_tdx, settings.accepted_tdx);
    assert_true(read_provider(write_provider(&arena, &provider), &provider_back));
    assert_true(provider_back.shared);
    assert_true(read_retired_keys(write_retired_keys(&arena, retired, 2), retired_back, &count));
    assert_int_equal(count, 2);
    assert_bytes_are(retired_back[1].certificate, "dd");
    assert_int_equal(retired_back[1].until, -1);
    assert_true(read_attest(write_attest(&arena, &request), &request_back));
    assert_int_equal(request_back.time, -5);
    assert_bytes_are(request_back.attester, "SgxEnclave");
    assert_bytes_are(request_back.body, "{}");
    assert_true(read_shadow(write_shadow(&arena, &shadow), &shadow_back));
    assert_bytes_equal(shadow_back.reason, shadow.reason);
    assert_int_equal(shadow_back.outcome, SHADOW_WOULD_DENY);
    struct outlook outlook = {.id = {1, 2, 3}, .tee = PLATFORM_TDX, .reason = GAP_QE}, outlook_back;
    assert_true(read_outlook(write_outlook(&arena, &outlook), &outlook_back));
    assert_memory_equal(&outlook, &outlook_back, sizeof outlook);
    outlook.reason = GAP_KINDS;
    assert_false(read_outlook(write_outlook(&arena, &outlook), &outlook_back));
    shadow.outcome = SHADOW_OUTCOMES;
    assert_false(read_shadow(write_shadow(&arena, &shadow), &shadow_back));
    assert_true(read_answer(write_answer(&arena, &answer, &changes, true), &answered));
    assert_true(answered.shadow_follows);
    assert_int_equal(answered.status, 400);
    assert_bytes_are(answered.failed_check, "a.b");
    assert_int_equal(answered.changes.count, 2);
    assert_bytes_are(answered.changes.v[0].kind, "signers");
    assert_bytes_are(answered.changes.v[1].body, "y");
    assert_bytes_are(answered.decision, "on record");
    assert_bytes_are(answered.keep, "to be kept");
    answer.status = 99;
    assert_false(read_answer(write_answer(&arena, &answer, &changes, true), &answered));
}

/* Every message cut at each byte, with a byte behind it, and with each length in it made to lie. */
typedef bool reading(struct bytes body);

static bool as_settings(struct bytes body)
{
    struct settings out;

    return read_settings(&arena, body, &out);
}

static bool as_anchor(struct bytes body)
{
    struct bytes spki;
    bool development;

    return read_anchor(body, &spki, &development);
}

static bool as_named(struct bytes body)
{
    struct named_bytes out;

    return read_named(body, &out);
}

static bool as_provider(struct bytes body)
{
    struct provider_message out;

    return read_provider(body, &out);
}

static bool as_record(struct bytes body)
{
    struct state_record out;

    return read_state_record(body, &out);
}

static bool as_retired(struct bytes body)
{
    struct retired_key out[RETIRED_KEYS_MAX];
    size_t count;

    return read_retired_keys(body, out, &count);
}

static bool as_attest(struct bytes body)
{
    struct core_request out;

    return read_attest(body, &out);
}

static bool as_manage(struct bytes body)
{
    struct manage_request out;

    return read_manage(body, &out);
}

static bool as_answer(struct bytes body)
{
    struct answered out;

    return read_answer(body, &out);
}

static bool as_sign(struct bytes body)
{
    struct sign_message out;

    return read_sign(body, &out);
}

static bool as_sealing(struct bytes body)
{
    struct sealing out;

    return read_sealing(body, &out);
}

static void check_lies(struct bytes good, reading *read)
{
    uint8_t *copy = arena_alloc(&arena, good.n + 1);

    assert_true(read(good));
    for (size_t n = 0; n < good.n; n++)
        assert_false(read(bytes_make(arena_copy(&arena, bytes_first(good, n)).p, n)));
    memcpy(copy, good.p, good.n);
    assert_false(read(bytes_make(copy, good.n + 1)));
    for (size_t at = 0; at + 4 <= good.n; at++) {
        memcpy(copy, good.p, good.n);
        memset(copy + at, 0xff, 4);
        read(bytes_make(copy, good.n)); /* whatever it says, it reads nothing but the body (the sanitizer looks) */
    }
}

static void messages_that_lie(void **state)
{
    static const uint8_t spki[SHA256_SIZE];
    struct settings settings = SETTINGS_DEFAULT;
    struct provider_message provider = {.issuer = BYTES_LIT("a")};
    struct state_record record = {.provider = BYTES_LIT("i"), .kind = BYTES_LIT("k"), .seal = BYTES_LIT("s")};
    struct retired_key retired = {BYTES_LIT("k"), BYTES_LIT("c"), 1};
    struct core_request request = {.issuer = BYTES_LIT("i"), .attester = BYTES_LIT("t"), .body = BYTES_LIT("b")};
    struct manage_request manage = {.what = MANAGE_POLICY_SET,
                                    .issuer = BYTES_LIT("i"),
                                    .body = BYTES_LIT("b"),
                                    .region_key = BYTES_LIT("k"),
                                    .region_revoked = BYTES_LIT("r")};
    struct answer answer = {.status = 200, .body = BYTES_LIT("{}")};
    struct changes changes = {.v = {{.kind = BYTES_LIT("key")}}, .count = 1};
    struct sign_message sign = {.issuer = BYTES_LIT("i"), .policy_hash = BYTES_LIT("h"), .payload = BYTES_LIT("{}")};
    struct sealing sealing = {BYTES_LIT("i"), 7, BYTES_LIT("twelve bytes"), BYTES_LIT("content")};

    (void)state;
    check_lies(write_settings(&arena, &settings), as_settings);
    check_lies(write_anchor(&arena, spki, true), as_anchor);
    check_lies(write_named(&arena, BYTES_LIT("name"), BYTES_LIT("content")), as_named);
    check_lies(write_provider(&arena, &provider), as_provider);
    check_lies(write_state_record(&arena, &record), as_record);
    check_lies(write_retired_keys(&arena, &retired, 1), as_retired);
    check_lies(write_attest(&arena, &request), as_attest);
    check_lies(write_manage(&arena, &manage), as_manage);
    check_lies(write_answer(&arena, &answer, &changes, true), as_answer);
    check_lies(write_sign(&arena, &sign), as_sign);
    check_lies(write_sealing(&arena, &sealing), as_sealing);
}

static void too_many_are_refused(void **state)
{
    struct writer w = wr_open(&arena);
    struct retired_key out[RETIRED_KEYS_MAX];
    struct answered answered;
    size_t count;

    (void)state;
    wr_u8(&w, RETIRED_KEYS_MAX + 1);
    for (size_t i = 0; i < 4 * (RETIRED_KEYS_MAX + 1); i++)
        wr_field(&w, BYTES_NONE);
    assert_false(read_retired_keys(wr_done(&w), out, &count));
    w = wr_open(&arena);
    wr_u32le(&w, 200);
    for (size_t i = 0; i < 3; i++)
        wr_field(&w, BYTES_NONE);
    wr_u8(&w, CHANGES_MAX + 1);
    for (size_t i = 0; i < 10 * (CHANGES_MAX + 1); i++) /* a field, or half of a number, is four bytes of nothing */
        wr_field(&w, BYTES_NONE);
    wr_u8(&w, 0);
    assert_false(read_answer(wr_done(&w), &answered));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_of_every_size_and_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lengths_that_lie_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_frame_above_the_limit_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(settings_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(messages_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(messages_that_lie, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_are_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
