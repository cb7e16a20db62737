/* A running pair and the store's checkpoint: it signs one, takes its own alone, and does no work at a time behind it. */
#include "arena_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/checkpoint.h"
#include "core/frame.h"
#include "core/message.h"
#include "core/pair.h"
#include "core/state_checkpoint.h"

enum { NOW = 1764557680, REQUEST_MEMORY = 64 * 1024 * 1024 };

static const struct bytes name = {(const uint8_t *)"test.example/records", 20};

struct running {
    struct pair pair;
    struct frame_reader from;
    struct log_key key;
    char folder[4096];
};

/* The programs of the core lie beside these of the tests. */
static void programs(char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 1);

    assert_true(n > 0);
    out[n] = 0;
    for (int i = 0; i < 3; i++)
        *strrchr(out, '/') = 0;
    strncat(out, "/src/core", size - strlen(out) - 1);
}

static struct running *start(bool adopts)
{
    struct running *r = calloc(1, sizeof *r);
    char path[4096], key[4096];
    struct state_keys keys;
    enum frame_kind kind;
    struct bytes body;

    assert_non_null(r);
    strcpy(r->folder, "/tmp/assay-pair-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    programs(path, sizeof path);
    snprintf(key, sizeof key, "%s/key", r->folder);
    const struct pair_options options = {
        .folder = path, .sealing_key = key, .request_memory = REQUEST_MEMORY, .request_seconds = 30, .adopts = adopts};
    assert_true(pair_start(&options, &r->pair, NULL));
    r->from.fd = r->pair.fd;
    assert_true(frame_read(&r->from, &arena, &kind, &body) && kind == FRAME_READY && read_state_keys(body, &keys));
    r->key.name = name;
    memcpy(r->key.key, keys.store, sizeof r->key.key);
    assert_true(frame_write(r->pair.fd, FRAME_LOG, write_log(&arena, STATE_STORE, name)));
    return r;
}

static void end(struct running *r)
{
    char key[4200];

    pair_kill(&r->pair);
    close(r->pair.fd);
    snprintf(key, sizeof key, "%s/key", r->folder);
    unlink(key);
    rmdir(r->folder);
    free(r);
}

static void answer_of(struct running *r, struct answered *out)
{
    enum frame_kind kind;
    struct bytes body;

    assert_true(frame_read(&r->from, &arena, &kind, &body) && kind == FRAME_ANSWER && read_answer(body, out));
}

/* The note of a store without records, which the core signs. */
static struct bytes signed_note(struct running *r, struct bytes last, int64_t time)
{
    struct checkpoint_message m = {.use = STATE_STORE, .last = last, .next.origin = name};
    struct answered answer;

    sha256(BYTES_NONE, m.next.root.v);
    m.next.extra = state_mark_write(&arena, &(struct state_mark){.time = time});
    assert_true(frame_write(r->pair.fd, FRAME_CHECKPOINT, write_checkpoint(&arena, &m)));
    answer_of(r, &answer);
    return answer.status == 200 ? answer.body : BYTES_NONE;
}

static enum frame_kind attest(struct running *r, int64_t time, struct answered *out)
{
    static const uint8_t entropy[EXAM_ENTROPY];
    const struct core_request request = {.issuer = BYTES_LIT("https://one.example"),
                                         .attester = BYTES_LIT("SgxEnclave"),
                                         .body = BYTES_LIT("{}"),
                                         .time = time,
                                         .entropy = BYTES_OF(entropy)};
    enum frame_kind kind;
    struct bytes body;

    assert_true(frame_write(r->pair.fd, FRAME_ATTEST, write_attest(&arena, &request)));
    assert_true(frame_read(&r->from, &arena, &kind, &body));
    assert_true(kind == FRAME_WANT_PROVIDER || read_answer(body, out));
    return kind;
}

static void snapshot(struct running *r)
{
    struct settings settings = {.reference = &reference_builtin};
    enum frame_kind kind;
    struct bytes body;

    assert_true(frame_write(r->pair.fd, FRAME_SNAPSHOT_BEGIN, write_settings(&arena, &settings)) &&
                frame_write(r->pair.fd, FRAME_SNAPSHOT_END, BYTES_NONE));
    assert_true(frame_read(&r->from, &arena, &kind, &body) && kind == FRAME_SNAPSHOT_READY);
}

static void no_work_behind_the_checkpoint(void **state)
{
    struct running *r = start(false);
    struct answered answer;

    (void)state;
    struct bytes older = signed_note(r, BYTES_NONE, NOW), newer = signed_note(r, older, NOW + 1000);
    assert_true(older.n && newer.n);
    snapshot(r);
    assert_int_equal(attest(r, 1, &answer), FRAME_WANT_PROVIDER); /* nothing is known yet */
    assert_true(frame_write(r->pair.fd, FRAME_STATE, newer) && frame_write(r->pair.fd, FRAME_STATE, older));
    assert_int_equal(attest(r, NOW + 1000 - STATE_CLOCK_ALLOWANCE, &answer), FRAME_WANT_PROVIDER);
    assert_int_equal(attest(r, NOW + 1000 - STATE_CLOCK_ALLOWANCE - 1, &answer), FRAME_ANSWER);
    assert_int_equal(answer.status, 503);
    assert_true(bytes_is(answer.failed_check, "state.time"));
    end(r);
}

static void it_takes_its_own_alone(void **state)
{
    struct running *r = start(false);
    uint8_t forged[LOG_NOTE_MOST];
    enum frame_kind kind;
    struct bytes body, note = signed_note(r, BYTES_NONE, NOW);

    (void)state;
    memcpy(forged, note.p, note.n);
    *(uint8_t *)memmem(forged, note.n, "time 1", 6) = 'T';
    assert_true(frame_write(r->pair.fd, FRAME_STATE, bytes_make(forged, note.n)));
    assert_false(frame_read(&r->from, &arena, &kind, &body)); /* it ends: the host says what the core did not */
    end(r);
}

static void it_signs_what_goes_on(void **state)
{
    struct running *r = start(false);

    (void)state;
    struct bytes first = signed_note(r, BYTES_NONE, NOW);
    assert_true(first.n && signed_note(r, first, NOW).n);
    assert_false(signed_note(r, first, NOW - 1).n);
    end(r);
    r = start(true); /* for an operator: another key, and so another history */
    assert_false(signed_note(r, first, NOW).n);
    assert_true(signed_note(r, BYTES_NONE, 1).n);
    end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_work_behind_the_checkpoint, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_takes_its_own_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_signs_what_goes_on, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("pair_state", tests, NULL, NULL);
}
