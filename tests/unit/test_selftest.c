/* The self-test of a pair: its samples are good, their twins are refused as told, and what goes wrong is told. */
#include "arena_test.h"

#include "core/selftest.h"
#include "evidence/attester.h"

static const uint8_t sealing[AEAD_KEY_SIZE] = {1, 2, 3};
static void evidence_of_every_kind_passes(void **state)
{
    struct fault fault = {0};
    size_t attesters = 0, samples = 0;

    (void)state;
    assert_true(selftest_evidence(&fault));
    assert_string_equal(fault.text, "");
    while (attester_at(attesters))
        attesters++;
    for (; selftest_sample_at(samples); samples++)
        assert_non_null(attester_find(bytes_text(selftest_sample_at(samples)->path)));
    assert_int_equal(samples, attesters);
}

static void assert_fails(const struct selftest_sample *sample, const char *why)
{
    struct fault fault = {0};

    assert_false(selftest_judge(sample, &fault));
    if (!strstr(fault.text, why))
        fail_msg("\"%s\" does not say \"%s\"", fault.text, why);
}

static void a_sample_that_is_not_good(void **state)
{
    const struct selftest_sample *good;

    (void)state;
    for (size_t i = 0; (good = selftest_sample_at(i)) != NULL; i++) {
        struct selftest_sample bad = *good;
        uint8_t *copy = arena_alloc(&arena, good->evidence.n);

        memcpy(copy, good->evidence.p, good->evidence.n);
        copy[good->damage] ^= 0x80;
        bad.evidence.p = copy;
        assert_fails(&bad, arena_printf(&arena, "good sample was refused by %s", check_table[good->refused_by].id));
        bad.evidence = BYTES_NONE;
        assert_fails(&bad, "good sample was refused by");
        bad = *good;
        bad.member = "evidence";
        assert_fails(&bad, "good sample was refused by");
    }
}

static void a_twin_that_is_not_refused_as_it_should_be(void **state)
{
    const struct selftest_sample *good;

    (void)state;
    for (size_t i = 0; (good = selftest_sample_at(i)) != NULL; i++) {
        struct selftest_sample other = *good;

        other.damage = good->evidence.n; /* no byte: the twin is the sample itself */
        assert_fails(&other, "damaged sample was accepted");
        other = *good;
        other.refused_by = CHECK_POLICY_PERMIT;
        assert_fails(&other,
                     arena_printf(&arena, "refused by %s, not by policy.permit", check_table[good->refused_by].id));
    }
}

static void every_bit_of_the_signature_counts(void **state)
{
    const struct selftest_sample *good = selftest_sample_at(0);
    struct fault fault = {0};

    (void)state;
    for (size_t i = 0; i < 64; i++) { /* r and s; a value outside of the curve's order is refused by the same check */
        struct selftest_sample other = *good;

        other.damage += i;
        assert_true(selftest_judge(&other, &fault));
    }
}

static void signatures_are_made_and_verified(void **state)
{
    struct fault fault = {0};
    struct bytes made, again;

    (void)state;
    assert_true(selftest_sign(sealing, &arena, &made, &fault));
    assert_true(selftest_signature(&arena, made, &fault));
    assert_true(selftest_sign(sealing, &arena, &again, &fault));
    assert_false(bytes_equal(made, again)); /* another key each time */
}

static void answers_of_a_signer_that_are_wrong(void **state)
{
    struct fault fault = {0};
    struct bytes made;

    (void)state;
    assert_true(selftest_sign(sealing, &arena, &made, &fault));
    uint8_t *copy = arena_alloc(&arena, made.n + 1);
    memcpy(copy, made.p, made.n);
    for (size_t i = 0; i < made.n; i++) {
        copy[i] ^= 1;
        fault = (struct fault){0};
        assert_false(selftest_signature(&arena, bytes_make(copy, made.n), &fault));
        assert_non_null(strstr(fault.text, "signature: "));
        assert_false(selftest_signature(&arena, bytes_first(made, i), &fault));
        copy[i] ^= 1;
    }
    assert_true(selftest_signature(&arena, bytes_make(copy, made.n), &fault));
    assert_false(selftest_signature(&arena, bytes_make(copy, made.n + 1), &fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_of_every_kind_passes),
        cmocka_unit_test(a_sample_that_is_not_good),
        cmocka_unit_test(a_twin_that_is_not_refused_as_it_should_be),
        cmocka_unit_test(every_bit_of_the_signature_counts),
        cmocka_unit_test(signatures_are_made_and_verified),
        cmocka_unit_test(answers_of_a_signer_that_are_wrong),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
