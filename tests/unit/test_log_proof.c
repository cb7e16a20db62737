/* Notes, keys and proofs of logs: one form for each, and a verdict that names the check. */
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

static const char *verdict(const struct log_proof *p, const struct log_key *key)
{
    const char *refused = log_sample_judge(&arena, p, key);

    return refused ? refused : "accepted";
}

static const char *growth(struct bytes old_note, struct bytes new_note, const struct merkle_path *path)
{
    const char *refused = log_sample_growth(&arena, &sample, old_note, new_note, path);

    return refused ? refused : "accepted";
}

static void proofs_are_judged(void **state)
{
    struct log_proof p, read;

    (void)state;
    for (uint64_t i = 0; i < SAMPLE_ENTRIES; i++) {
        log_sample_proof(&arena, &sample, i, &p);
        struct bytes text = log_proof_write(&arena, &p);
        assert_true(log_proof_read(&arena, text, &read));
        assert_string_equal(verdict(&read, &sample.key), "accepted");
        read.index ^= 1;
        assert_string_equal(verdict(&read, &sample.key), "log.inclusion");
        for (size_t cut = 0; cut < text.n - p.checkpoint.n; cut++)
            assert_false(log_proof_read(&arena, bytes_first(text, cut), &read));
    }
    p.entry = BYTES_LIT("entry 10 of another log");
    assert_string_equal(verdict(&p, &sample.key), "log.inclusion");
}

static void every_bit_of_a_proof_counts(void **state)
{
    struct log_proof p, read;

    (void)state;
    log_sample_proof(&arena, &sample, 6, &p);
    struct bytes text = log_proof_write(&arena, &p);
    uint8_t *copy = arena_alloc(&arena, text.n);
    for (size_t bit = 0; bit < 8 * text.n; bit++) {
        memcpy(copy, text.p, text.n);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (log_proof_read(&arena, bytes_make(copy, text.n), &read) &&
            strcmp(verdict(&read, &sample.key), "accepted") == 0)
            fail_msg("accepted with bit %zu changed", bit);
    }
}

static void checkpoints_are_judged(void **state)
{
    uint8_t seed[ED25519_SEED] = {2};
    struct log_key stranger = {.name = sample.key.name};
    struct log_proof p;

    (void)state;
    log_sample_proof(&arena, &sample, 3, &p);
    ed25519_public(seed, stranger.key);
    assert_string_equal(verdict(&p, &stranger), "log.checkpoint.signature");
    assert_string_equal(verdict(&p, &sample.other), "log.checkpoint.signature");
    p.checkpoint = BYTES_LIT("node-1.example/log\n11\n");
    assert_string_equal(verdict(&p, &sample.key), "log.checkpoint.shape");
    p.checkpoint = log_sample_renamed(&arena, &sample, 5);
    assert_string_equal(verdict(&p, &sample.other), "log.checkpoint.origin");
    struct bytes note = log_sample_note(&arena, &sample, 5);
    struct checkpoint c;
    assert_true(note_checkpoint(&arena, note, &sample.key, &c));
    assert_int_equal(c.size, 5);
    assert_false(note_checkpoint(&arena, p.checkpoint, &sample.other, &c));
}

static void growth_is_judged(void **state)
{
    const struct merkle_source source = log_sample_source(&sample);
    struct merkle_path path;

    (void)state;
    struct bytes old = log_sample_note(&arena, &sample, 5), next = log_sample_note(&arena, &sample, SAMPLE_ENTRIES);
    assert_true(merkle_prove_consistency(&source, 5, SAMPLE_ENTRIES, &path, NULL));
    assert_string_equal(growth(old, next, &path), "accepted");
    assert_string_equal(growth(next, old, &path), "log.consistency");
    path.v[0].v[0] ^= 1;
    assert_string_equal(growth(old, next, &path), "log.consistency");
    path.v[0].v[0] ^= 1;
    assert_string_equal(growth(log_sample_replace(&arena, old, "\n5\n", "\n4\n"), next, &path),
                        "log.checkpoint.signature");
    sample.leaves[2].v[0] ^= 1; /* history was rewritten, and signed */
    struct bytes forged = log_sample_note(&arena, &sample, SAMPLE_ENTRIES);
    assert_true(merkle_prove_consistency(&source, 5, SAMPLE_ENTRIES, &path, NULL));
    assert_string_equal(growth(old, forged, &path), "log.consistency");
}

static void witnesses_may_sign_too(void **state)
{
    uint8_t seed[ED25519_SEED] = {3}, signature[ED25519_SIGNATURE];
    struct log_key witness = {.name = BYTES_LIT("witness.example")};
    struct bytes text, own;
    struct checkpoint c;

    (void)state;
    ed25519_public(seed, witness.key);
    struct bytes note = log_sample_note(&arena, &sample, 4);
    assert_true(note_text(note, &text));
    assert_true(ed25519_sign(seed, text, signature));
    struct bytes theirs = bytes_after(note_write(&arena, text, &witness, signature), text.n + 1);
    struct writer both = wr_open(&arena);
    wr_put(&both, text);
    wr_text(&both, "\n");
    wr_put(&both, theirs);
    wr_put(&both, bytes_after(note, text.n + 1));
    assert_true(note_split(&arena, wr_done(&both), &sample.key, &text, &own));
    assert_true(note_checkpoint(&arena, wr_done(&both), &sample.key, &c));
    assert_int_equal(c.size, 4);
    wr_text(&both, "and more\n");
    assert_false(note_checkpoint(&arena, wr_done(&both), &sample.key, &c));
}

static void forms_are_strict(void **state)
{
    static const char *const bad[] = {"",
                                      "a\n1\n",
                                      "\n1\nAAAA\n",
                                      "a b\n1\nAAAA\n",
                                      "a\n01\nAAAA\n",
                                      "a\n-1\nAAAA\n",
                                      "a\n1\nAAAA\n",
                                      "a\n99999999999999\nAAAA\n"};
    struct log_key read;
    struct checkpoint c = {.origin = BYTES_LIT("a"), .size = 1}, again;

    (void)state;
    struct bytes text = checkpoint_text(&arena, &c);
    assert_true(checkpoint_parse(text, &again));
    assert_false(checkpoint_parse(bytes_first(text, text.n - 1), &again));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(checkpoint_parse(bytes_text(bad[i]), &again));
    struct bytes key = log_key_text(&arena, &sample.key);
    assert_true(log_key_parse(&arena, key, &read));
    assert_bytes_equal(read.name, sample.key.name);
    assert_memory_equal(read.key, sample.key.key, sizeof read.key);
    uint8_t *copy = arena_alloc(&arena, key.n);
    for (size_t i = 0; i < key.n; i++) {
        memcpy(copy, key.p, key.n);
        copy[i] ^= 1;
        assert_false(log_key_parse(&arena, bytes_make(copy, key.n), &read));
    }
    assert_false(log_name_ok(BYTES_LIT("a b")) || log_name_ok(BYTES_LIT("a+b")) || log_name_ok(BYTES_NONE));
}

static void further_lines_are_the_logs_own(void **state)
{
    static const char *const bad[] = {"more", "more\n\n", "\n", "\nmore\n", "a\tb\n", "a\rb\n", "\x7f\n", "\xff\n"};
    struct checkpoint c = {.origin = BYTES_LIT("a"), .size = 1, .extra = BYTES_LIT("more\n\xc3\xa4 b+c\n")}, again;
    uint8_t *long_line = arena_alloc(&arena, LOG_EXTRA_MOST + 1);

    (void)state;
    struct bytes text = checkpoint_text(&arena, &c);
    assert_true(checkpoint_parse(text, &again));
    assert_bytes_equal(again.extra, c.extra);
    assert_bytes_equal(checkpoint_text(&arena, &again), text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        c.extra = bytes_text(bad[i]);
        assert_false(checkpoint_extra_ok(c.extra));
        assert_false(checkpoint_parse(checkpoint_text(&arena, &c), &again));
    }
    memset(long_line, 'x', LOG_EXTRA_MOST + 1);
    long_line[LOG_EXTRA_MOST] = '\n';
    assert_false(checkpoint_extra_ok(bytes_make(long_line, LOG_EXTRA_MOST + 1)));
    assert_true(checkpoint_extra_ok(bytes_make(long_line + 1, LOG_EXTRA_MOST)));
    c.extra = BYTES_NONE;
    assert_true(checkpoint_parse(checkpoint_text(&arena, &c), &again));
    assert_int_equal(again.extra.n, 0);
    /* They are signed: a note whose further line was changed is a forgery. */
    c = (struct checkpoint){.origin = sample.key.name, .extra = BYTES_LIT("of generation 7\n")};
    uint8_t signature[ED25519_SIGNATURE];
    text = checkpoint_text(&arena, &c);
    assert_true(ed25519_sign(sample.seed, text, signature));
    struct bytes note = note_write(&arena, text, &sample.key, signature);
    assert_true(note_checkpoint(&arena, note, &sample.key, &again));
    assert_bytes_equal(again.extra, c.extra);
    assert_false(note_checkpoint(&arena, log_sample_replace(&arena, note, "7\n", "8\n"), &sample.key, &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(proofs_are_judged, begin, tear_down),
        cmocka_unit_test_setup_teardown(every_bit_of_a_proof_counts, begin, tear_down),
        cmocka_unit_test_setup_teardown(checkpoints_are_judged, begin, tear_down),
        cmocka_unit_test_setup_teardown(growth_is_judged, begin, tear_down),
        cmocka_unit_test_setup_teardown(witnesses_may_sign_too, begin, tear_down),
        cmocka_unit_test_setup_teardown(forms_are_strict, begin, tear_down),
        cmocka_unit_test_setup_teardown(further_lines_are_the_logs_own, begin, tear_down),
    };
    return cmocka_run_group_tests_name("log_proof", tests, NULL, NULL);
}
