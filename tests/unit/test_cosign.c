/* Cosignatures of witnesses: one form, and none but the witness's own is accepted. */
#include "arena_test.h"

#include "base/text.h"
#include "log_sample.h"

static struct log_sample sample;

static int begin(void **state)
{
    int failed = set_up(state);

    log_sample_make(&arena, &sample);
    return failed;
}

static const char *judge(struct bytes note, const struct log_key *witness, int64_t *time)
{
    const char *refused = log_sample_witnessed(&arena, &sample, witness, note, time);

    return refused ? refused : "accepted";
}

static void what_is_signed_is_as_the_specification_has_it(void **state)
{
    (void)state;
    assert_bytes_equal(cosign_text(&arena, BYTES_LIT("a\n1\nAAAA\n"), 1679315147),
                       BYTES_LIT("cosignature/v1\ntime 1679315147\na\n1\nAAAA\n"));
    assert_bytes_equal(cosign_text(&arena, BYTES_NONE, 0), BYTES_LIT("cosignature/v1\ntime 0\n"));
}

static void a_cosigned_checkpoint_is_accepted(void **state)
{
    struct bytes plain = log_sample_note(&arena, &sample, 5), note = log_sample_cosigned(&arena, &sample, plain), line;
    struct checkpoint c;
    int64_t time = 0;

    (void)state;
    assert_true(note.n > plain.n);
    assert_string_equal(judge(note, &sample.witness, &time), "accepted");
    assert_int_equal(time, 1679315147);
    assert_string_equal(judge(note, NULL, &time), "accepted"); /* who names no witness needs none */
    assert_true(note_checkpoint(&arena, note, &sample.key, &c));
    assert_int_equal(c.size, 5);
    assert_true(cosign_line(&arena, note, &sample.witness, &line));
    assert_bytes_equal(line, bytes_after(note, plain.n));
    assert_false(cosign_line(&arena, plain, &sample.witness, &line));
}

static void others_are_not(void **state)
{
    struct bytes plain = log_sample_note(&arena, &sample, 5), note = log_sample_cosigned(&arena, &sample, plain);
    struct bytes other = log_sample_note(&arena, &sample, 6), moved;
    struct log_key as_log = sample.witness, renamed = sample.witness;
    int64_t time;

    (void)state;
    as_log.cosigns = false;
    renamed.name = BYTES_LIT("witness.example/w2");
    assert_string_equal(judge(plain, &sample.witness, &time), "log.cosignature");
    assert_string_equal(judge(note, &renamed, &time), "log.cosignature");
    assert_string_equal(judge(note, &as_log, &time), "log.cosignature");
    assert_true(cosign_add(&arena, other, bytes_after(note, plain.n), &moved)); /* of another checkpoint */
    assert_string_equal(judge(moved, &sample.witness, &time), "log.cosignature");
    /* The log's own key, by a plain signature under the witness's name: a cosignature is of another type. */
    uint8_t signature[ED25519_SIGNATURE];
    struct bytes text, line;
    assert_true(note_text(plain, &text) && ed25519_sign(sample.witness_seed, text, signature));
    assert_true(cosign_add(&arena, plain, note_line(&arena, &sample.witness, BYTES_OF(signature)), &moved));
    assert_string_equal(judge(moved, &sample.witness, &time), "log.cosignature");
    assert_false(cosign(&arena, text, &sample.witness, sample.seed, 1, &line));
    assert_false(cosign(&arena, text, &as_log, sample.witness_seed, 1, &line));
    assert_false(cosign(&arena, text, &sample.witness, sample.witness_seed, -1, &line));
    assert_false(cosign(&arena, text, &sample.witness, sample.witness_seed, INT64_MAX, &line));
}

static const char *judge_at(int64_t now, int64_t age)
{
    struct bytes note = log_sample_cosigned(&arena, &sample, log_sample_note(&arena, &sample, 5));
    struct log_exam x = {.arena = &arena,
                         .trace = trace_new(&arena),
                         .key = &sample.key,
                         .witness = &sample.witness,
                         .now = now,
                         .witness_age = age};
    const char *refused = log_sample_verdict(&x, log_judge_checkpoint(&x, note));

    return refused ? refused : "accepted";
}

static void an_old_cosignature_is_refused(void **state)
{
    enum { AT = 1679315147 };

    (void)state;
    assert_string_equal(judge_at(AT, 60), "accepted");
    assert_string_equal(judge_at(AT + 60, 60), "accepted");
    assert_string_equal(judge_at(AT + 61, 60), "log.cosignature_age");
    assert_string_equal(judge_at(AT - 60, 60), "accepted");
    assert_string_equal(judge_at(AT - 61, 60), "log.cosignature_age"); /* of a time to come */
    assert_string_equal(judge_at(AT + 30 * 24 * 3600, 3600), "log.cosignature_age");
    assert_string_equal(judge_at(AT + 30 * 24 * 3600, 0), "accepted"); /* it was said that any will do */
}

static void a_witness_takes_the_place_of_its_own_line_alone(void **state)
{
    struct bytes plain = log_sample_note(&arena, &sample, 5), note = log_sample_cosigned(&arena, &sample, plain), out;
    struct log_key other = sample.witness;
    struct bytes twice;

    (void)state;
    other.name = BYTES_LIT("witness.example/w2");
    assert_true(cosign_add(&arena, note, bytes_after(note, plain.n), &twice));
    assert_true(cosign_drop(&arena, twice, &sample.witness, &out));
    assert_bytes_equal(out, plain);
    assert_true(cosign_drop(&arena, note, &other, &out));
    assert_bytes_equal(out, note);
    assert_true(cosign_drop(&arena, bytes_first(note, note.n - 1), &other, &out)); /* without its end */
    assert_bytes_equal(out, bytes_first(note, note.n - 1));
    assert_false(cosign_drop(&arena, BYTES_LIT("no note\n"), &sample.witness, &out));
}

static void every_bit_of_a_cosignature_counts(void **state)
{
    struct bytes plain = log_sample_note(&arena, &sample, 5), note = log_sample_cosigned(&arena, &sample, plain);
    uint8_t *copy = arena_alloc(&arena, note.n);
    int64_t time;

    (void)state;
    for (size_t bit = 8 * plain.n; bit < 8 * note.n; bit++) {
        memcpy(copy, note.p, note.n);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (strcmp(judge(bytes_make(copy, note.n), &sample.witness, &time), "accepted") == 0)
            fail_msg("accepted with bit %zu changed", bit);
    }
}

static void the_newer_one_alone_must_be_cosigned(void **state)
{
    const struct merkle_source source = log_sample_source(&sample);
    struct bytes old = log_sample_note(&arena, &sample, 5), next = log_sample_note(&arena, &sample, SAMPLE_ENTRIES);
    struct bytes cosigned = log_sample_cosigned(&arena, &sample, next);
    struct merkle_path path;

    (void)state;
    assert_true(merkle_prove_consistency(&source, 5, SAMPLE_ENTRIES, &path, NULL));
    struct log_exam x = {.arena = &arena, .trace = trace_new(&arena), .key = &sample.key, .witness = &sample.witness};
    assert_true(log_judge_consistency(&x, old, cosigned, &path));
    assert_int_equal(x.cosigned, 1679315147);
    x.trace = trace_new(&arena);
    assert_false(log_judge_consistency(&x, log_sample_cosigned(&arena, &sample, old), next, &path));
    assert_string_equal(check_table[trace_failure(x.trace)->id].id, "log.cosignature");
}

static void keys_are_of_their_kind(void **state)
{
    struct bytes witness = log_key_text(&arena, &sample.witness), log = log_key_text(&arena, &sample.key);
    struct log_key read;

    (void)state;
    assert_true(witness_key_parse(&arena, witness, &read) && read.cosigns);
    assert_bytes_equal(read.name, sample.witness.name);
    assert_memory_equal(read.key, sample.witness.key, sizeof read.key);
    assert_false(log_key_parse(&arena, witness, &read));
    assert_false(witness_key_parse(&arena, log, &read));
    assert_true(log_key_parse(&arena, log, &read) && !read.cosigns);
    /* The key of a public witness. */
    struct bytes others = BYTES_LIT("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2");
    assert_true(witness_key_parse(&arena, others, &read));
    assert_bytes_equal(read.name, BYTES_LIT("remora.n621.de"));
    assert_false(log_key_parse(&arena, others, &read));
}

static void a_note_has_its_bound(void **state)
{
    struct bytes note = log_sample_note(&arena, &sample, 5), out;
    uint8_t *lines = arena_alloc(&arena, LOG_NOTE_MOST);

    (void)state;
    memset(lines, 'x', LOG_NOTE_MOST);
    assert_true(cosign_add(&arena, note, bytes_make(lines, LOG_NOTE_MOST - note.n), &out));
    assert_false(cosign_add(&arena, note, bytes_make(lines, LOG_NOTE_MOST - note.n + 1), &out));
    assert_false(cosign_add(&arena, BYTES_LIT("no note\n"), BYTES_NONE, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_signed_is_as_the_specification_has_it, begin, tear_down),
        cmocka_unit_test_setup_teardown(a_cosigned_checkpoint_is_accepted, begin, tear_down),
        cmocka_unit_test_setup_teardown(others_are_not, begin, tear_down),
        cmocka_unit_test_setup_teardown(an_old_cosignature_is_refused, begin, tear_down),
        cmocka_unit_test_setup_teardown(a_witness_takes_the_place_of_its_own_line_alone, begin, tear_down),
        cmocka_unit_test_setup_teardown(every_bit_of_a_cosignature_counts, begin, tear_down),
        cmocka_unit_test_setup_teardown(the_newer_one_alone_must_be_cosigned, begin, tear_down),
        cmocka_unit_test_setup_teardown(keys_are_of_their_kind, begin, tear_down),
        cmocka_unit_test_setup_teardown(a_note_has_its_bound, begin, tear_down),
    };
    return cmocka_run_group_tests_name("cosign", tests, NULL, NULL);
}
