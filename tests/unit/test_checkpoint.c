/* What the core signs of the log of decisions: what goes on from what it signed before, and nothing else. And the records in it. */
#include "arena_test.h"

#include "core/checkpoint.h"
#include "core/decision.h"
#include "log_sample.h"

static struct log_sample sample;

static int begin(void **state)
{
    int failed = set_up(state);

    log_sample_make(&arena, &sample);
    return failed;
}

static struct checkpoint_message message(uint64_t old, uint64_t size)
{
    const struct merkle_source source = log_sample_source(&sample);
    struct checkpoint_message m = {.use = STATE_CHECKPOINT, .next = {.origin = sample.key.name, .size = size}};

    if (old)
        m.last = log_sample_note(&arena, &sample, old);
    assert_true(merkle_root(&source, size, &m.next.root, NULL));
    assert_true(old > size || merkle_prove_consistency(&source, old, size, &m.growth, NULL));
    return m;
}

static const char *verdict_of(const struct checkpoint_message *m, uint64_t signed_size, bool forked)
{
    struct log_exam x = {.arena = &arena, .trace = trace_new(&arena), .key = &sample.key};
    const struct merkle_source source = log_sample_source(&sample);
    struct checkpoint before = {.size = signed_size};

    assert_true(merkle_root(&source, signed_size, &before.root, NULL));
    before.root.v[0] ^= (uint8_t)forked;
    const char *refused = log_sample_verdict(&x, checkpoint_judge(&x, m, &before));
    return refused ? refused : "signed";
}

static const char *verdict(const struct checkpoint_message *m, uint64_t signed_size)
{
    return verdict_of(m, signed_size, false);
}

static void signs_what_goes_on(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= SAMPLE_ENTRIES; size++)
        for (uint64_t old = 0; old <= size; old++) {
            struct checkpoint_message m = message(old, size), read;
            struct bytes body = write_checkpoint(&arena, &m);

            assert_true(read_checkpoint(body, &read));
            assert_bytes_equal(write_checkpoint(&arena, &read), body);
            assert_false(read_checkpoint(bytes_first(body, body.n - 1), &read) ||
                         read_checkpoint(bytes_make(body.p, body.n - 40), &read));
            assert_string_equal(verdict(&m, old), "signed");
        }
}

static void signs_nothing_else(void **state)
{
    struct checkpoint_message m = message(4, 9);

    (void)state;
    assert_string_equal(verdict(&m, 5), "log.consistency"); /* an older one than was signed last */
    m.last = BYTES_NONE;
    assert_string_equal(verdict(&m, 5), "log.consistency"); /* none at all */
    m = message(4, 9);
    m.growth.v[0].v[0] ^= 1;
    assert_string_equal(verdict(&m, 4), "log.consistency");
    m = message(9, 4);
    assert_string_equal(verdict(&m, 9), "log.consistency");
    m = message(4, 9);
    m.next.origin = sample.other.name;
    assert_string_equal(verdict(&m, 4), "log.checkpoint.origin");
    m = message(4, 9);
    m.last = log_sample_replace(&arena, m.last, "\n4\n", "\n3\n");
    assert_string_equal(verdict(&m, 3), "log.checkpoint.signature");
    m.last = BYTES_LIT("nothing");
    assert_string_equal(verdict(&m, 0), "log.checkpoint.shape");
}

/* Two checkpoints of the log's key that contradict each other: whoever signed the one goes on from it alone. */
static void signs_no_fork(void **state)
{
    struct checkpoint_message m = message(4, 9);

    (void)state;
    assert_string_equal(verdict_of(&m, 4, true), "log.consistency"); /* of the same size, with another root */
    assert_string_equal(verdict_of(&m, 3, true), "log.consistency"); /* a longer one, by its signature alone */
    assert_string_equal(verdict(&m, 3), "log.consistency"); /* whether it goes on from that or not: nothing shows it */
    assert_string_equal(verdict(&m, 4), "signed");
}

static void records_have_one_form(void **state)
{
    struct decision d = {.verdict = DECISION_TOKEN,
                         .time = 1767225600,
                         .attester = BYTES_LIT("SgxEnclave"),
                         .policy_hash = BYTES_LIT("hash"),
                         .evidence = {7}},
                    read;

    (void)state;
    struct bytes record = decision_record(&arena, decision_core(&arena, &d), BYTES_LIT("00-id-01"));
    assert_true(decision_read(record, &read));
    assert_bytes_are(read.id, "00-id-01");
    assert_bytes_are(read.attester, "SgxEnclave");
    assert_memory_equal(read.evidence, d.evidence, SHA256_SIZE);
    for (size_t cut = 0; cut < record.n; cut++)
        assert_false(decision_read(bytes_first(record, cut), &read));
    d.attester = BYTES_LIT("a\033[2J");
    assert_false(decision_read(decision_record(&arena, decision_core(&arena, &d), BYTES_NONE), &read));
}

static void salts_and_sets(void **state)
{
    uint8_t one[SHA256_SIZE], other[SHA256_SIZE];
    struct digest_set a = {0}, b = {0};

    (void)state;
    decision_salted("evidence", BYTES_LIT("salt"), BYTES_LIT("x"), one);
    decision_salted("outcome", BYTES_LIT("salt"), BYTES_LIT("x"), other);
    assert_memory_not_equal(one, other, sizeof one);
    decision_salted("evidence", BYTES_LIT("tlas"), BYTES_LIT("x"), other);
    assert_memory_not_equal(one, other, sizeof one);
    digest_set_add(&a, &arena, BYTES_LIT("x"));
    digest_set_add(&a, &arena, BYTES_LIT("y"));
    digest_set_add(&b, &arena, BYTES_LIT("y"));
    digest_set_add(&b, &arena, BYTES_LIT("x"));
    digest_set_add(&b, &arena, BYTES_LIT("y"));
    digest_set_end(&a, one);
    digest_set_end(&b, other);
    assert_memory_equal(one, other, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signs_what_goes_on, begin, tear_down),
        cmocka_unit_test_setup_teardown(signs_nothing_else, begin, tear_down),
        cmocka_unit_test_setup_teardown(signs_no_fork, begin, tear_down),
        cmocka_unit_test_setup_teardown(records_have_one_form, begin, tear_down),
        cmocka_unit_test_setup_teardown(salts_and_sets, begin, tear_down),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
