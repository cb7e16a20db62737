/* Records under their seals: whatever of one is changed, moved, put back or taken away, its provider's state is refused, and no other. */
#include "arena_test.h"

#include "record_judge.h"

static void every_fault_is_refused_by_its_check(void **state)
{
    (void)state;
    assert_null(record_judge(&arena, ""));
    assert_null(record_judge(&arena, "region"));
    for (size_t i = 0; i < RECORD_FAULTS; i++)
        assert_string_equal(record_judge(&arena, record_faults[i].name), check_table[record_faults[i].row].id);
}

static void no_bit_of_a_record_can_change(void **state)
{
    const struct state_record r = record_made(&arena, RECORD_ISSUER, RECORD_POLICY, 3, BYTES_LIT("body"));
    struct bytes good = write_state_record(&arena, &r);
    uint8_t key[ED25519_PUBLIC];

    (void)state;
    record_public(key);
    for (size_t bit = 0; bit < 8 * good.n; bit++) {
        uint8_t *copy = arena_alloc(&arena, good.n);
        struct record_exam x = {&arena, trace_new(&arena)};
        struct state_record changed;

        memcpy(copy, good.p, good.n);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (read_state_record(bytes_make(copy, good.n), &changed))
            assert_false(record_verify(&x, key, &changed));
    }
}

/* Fields cannot be shifted into each other. */
static void messages_are_framed(void **state)
{
    struct state_record one = {.provider = BYTES_LIT("ab"), .kind = BYTES_LIT("c"), .hash = BYTES_LIT("x")},
                        other = {.provider = BYTES_LIT("a"), .kind = BYTES_LIT("bc"), .signer = BYTES_LIT("x")};

    (void)state;
    assert_false(bytes_equal(record_message(&arena, &one), record_message(&arena, &other)));
    other = one;
    other.hash = BYTES_NONE;
    other.signer = BYTES_LIT("x");
    assert_false(bytes_equal(record_message(&arena, &one), record_message(&arena, &other)));
}

static void shapes_are_refused(void **state)
{
    uint8_t key[ED25519_PUBLIC];
    struct state_record of_key = record_made(&arena, RECORD_ISSUER, "key", 1, record_key());

    (void)state;
    record_public(key);
    struct providers *p = providers_new(TEST_MEMORY, key);
    struct state_record bare = of_key;
    bare.seal = BYTES_NONE;
    record_give(&arena, p, &bare, NULL);
    assert_string_equal(providers_find(p, BYTES_LIT(RECORD_ISSUER))->failed_check, "record.seal");
    assert_non_null(strstr(arena_string(&arena, providers_find(p, BYTES_LIT(RECORD_ISSUER))->refusal), "assayd adopt"));
    of_key.hash = BYTES_LIT("whatever");
    of_key.seal = record_seal(&arena, &of_key);
    record_give(&arena, p, &of_key, NULL);
    assert_string_equal(providers_find(p, BYTES_LIT(RECORD_ISSUER))->failed_check, "record.model");
    struct state_record next = record_made(&arena, RECORD_ISSUER, "next", 1, record_key());
    next.hash = BYTES_NONE;
    next.seal = record_seal(&arena, &next);
    of_key = record_made(&arena, RECORD_ISSUER, "key", 2, record_key());
    record_give(&arena, p, &of_key, &next);
    assert_string_equal(providers_find(p, BYTES_LIT(RECORD_ISSUER))->failed_check, "record.model");
    assert_true(providers_seen(p, BYTES_LIT(RECORD_ISSUER)));
    assert_false(providers_seen(p, BYTES_LIT(RECORD_OTHER)));
    providers_free(p);
}

/* Of a hundred thousand providers each is remembered, and one that is put back is seen. */
static void many_are_remembered(void **state)
{
    struct record_memory *m = record_memory_new();
    enum { PROVIDERS = 100000 };

    (void)state;
    assert_non_null(m);
    for (unsigned i = 0; i < PROVIDERS; i++) {
        char name[32];
        struct bytes provider = bytes_make(name, (size_t)snprintf(name, sizeof name, "https://%u", i));

        assert_true(record_memory_take(m, provider, BYTES_LIT("key"), i + 2, BYTES_LIT("m")));
    }
    assert_int_equal(record_memory_version(m, BYTES_LIT("https://77777"), BYTES_LIT("key")), 77779);
    assert_false(record_memory_take(m, BYTES_LIT("https://77777"), BYTES_LIT("key"), 77778, BYTES_LIT("m")));
    assert_false(record_memory_take(m, BYTES_LIT("https://77777"), BYTES_LIT("key"), 77779, BYTES_LIT("n")));
    assert_true(record_memory_take(m, BYTES_LIT("https://77777"), BYTES_LIT("key"), 77779, BYTES_LIT("m")));
    assert_true(record_memory_take(m, BYTES_LIT("https://77777"), BYTES_LIT("key"), 77780, BYTES_LIT("n")));
    assert_false(record_memory_take(m, BYTES_LIT("https://0"), BYTES_LIT("other"), 0, BYTES_LIT("m")));
    record_memory_free(m);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_fault_is_refused_by_its_check),
        CASE(no_bit_of_a_record_can_change),
        CASE(messages_are_framed),
        CASE(shapes_are_refused),
        CASE(many_are_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
