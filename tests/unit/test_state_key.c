/* The keys of the core's state: Ed25519 as its specification's vector has it, one key for each use and root. */
#include "arena_test.h"

#include "base/text.h"
#include "core/state_key.h"

/* RFC 8032, 7.1, test 2. */
static void signs_as_specified(void **state)
{
    struct bytes seed, key, wanted, message = BYTES_LIT("\x72");
    uint8_t public[ED25519_PUBLIC], signature[ED25519_SIGNATURE];

    (void)state;
    assert_true(
        hex_decode(&arena, BYTES_LIT("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"), &seed));
    assert_true(
        hex_decode(&arena, BYTES_LIT("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"), &key));
    assert_true(hex_decode(&arena,
                           BYTES_LIT("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                                     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
                           &wanted));
    assert_true(ed25519_public(seed.p, public));
    assert_memory_equal(public, key.p, sizeof public);
    assert_true(ed25519_sign(seed.p, message, signature));
    assert_memory_equal(signature, wanted.p, sizeof signature);
    assert_true(ed25519_verify(public, message, BYTES_OF(signature)));
    assert_false(ed25519_verify(public, BYTES_LIT("\x73"), BYTES_OF(signature)));
    assert_false(ed25519_verify(public, message, bytes_make(signature, sizeof signature - 1)));
    for (size_t bit = 0; bit < 8 * sizeof signature; bit += 13) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(ed25519_verify(public, message, BYTES_OF(signature)));
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void keys_differ_by_use_and_root(void **state)
{
    uint8_t root[ROOT_KEY_SIZE] = {1}, signature[ED25519_SIGNATURE];
    struct state_keys one, other, read;

    (void)state;
    assert_true(state_keys_public(root, &one));
    assert_true(state_sign(root, STATE_RECORD, BYTES_LIT("x"), signature));
    assert_true(ed25519_verify(one.record, BYTES_LIT("x"), BYTES_OF(signature)));
    assert_false(ed25519_verify(one.checkpoint, BYTES_LIT("x"), BYTES_OF(signature)));
    root[31] = 1;
    assert_true(state_keys_public(root, &other));
    assert_memory_not_equal(one.record, other.record, sizeof one.record);
    assert_memory_not_equal(one.checkpoint, other.checkpoint, sizeof one.checkpoint);
    assert_true(read_state_keys(write_state_keys(&arena, &one), &read));
    assert_memory_equal(&read, &one, sizeof one);
    assert_false(read_state_keys(bytes_make(&one, sizeof one - 1), &read));
}

static void only_known_uses_are_read(void **state)
{
    enum state_key_use use;
    struct bytes message;

    (void)state;
    assert_true(read_state_sign(write_state_sign(&arena, STATE_CHECKPOINT, BYTES_LIT("tree")), &use, &message));
    assert_int_equal(use, STATE_CHECKPOINT);
    assert_true(bytes_is(message, "tree"));
    assert_false(read_state_sign(BYTES_NONE, &use, &message));
    assert_false(read_state_sign(BYTES_LIT("\0tree"), &use, &message));
    assert_false(read_state_sign(BYTES_LIT("\4tree"), &use, &message));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signs_as_specified, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_differ_by_use_and_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_known_uses_are_read, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("state_key", tests, NULL, NULL);
}
