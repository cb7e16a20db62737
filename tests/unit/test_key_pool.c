/* Keys made ahead: none before they are wanted, never more than the pool holds, each given once, and an end at any time. */
#include "arena_test.h"

#include <time.h>

#include "core/key_pool.h"

/* Until it holds so many. Keys take their time: there is no limit but the runner's. */
static void wait_for(size_t count)
{
    while (key_pool_count() != count)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void made_once_they_are_wanted(void **state)
{
    struct bytes seen[2 * KEY_POOL_SIZE], signature;

    (void)state;
    assert_true(key_pool_start(NULL));
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    assert_int_equal(key_pool_count(), 0);
    assert_null(key_pool_take());
    key_pool_fill();
    for (size_t n = 0; n < 2 * KEY_POOL_SIZE; n++) {
        if (n % KEY_POOL_SIZE == 0)
            wait_for(KEY_POOL_SIZE);
        struct signing_key *k = key_pool_take();
        assert_non_null(k);
        assert_int_equal(signing_key_kind(k), KEY_RSA);
        assert_true(sign_message(k, SIGNATURE_RS256, BYTES_LIT("message"), &arena, &signature));
        assert_int_equal(signature.n, SIGNING_RSA_BITS / 8);
        seen[n] = signing_key_spki(k, &arena);
        for (size_t i = 0; i < n; i++)
            assert_false(bytes_equal(seen[i], seen[n]));
        signing_key_free(k);
        key_pool_fill();
    }
    key_pool_stop();
    assert_int_equal(key_pool_count(), 0);
}

static void ends_at_any_time(void **state)
{
    (void)state;
    key_pool_stop(); /* there is no thread */
    for (int i = 0; i < 6; i++) {
        assert_true(key_pool_start(NULL));
        if (i)
            key_pool_fill();
        nanosleep(&(struct timespec){.tv_nsec = i * 5000000}, NULL); /* in the middle of a key, most often */
        key_pool_stop();
        assert_null(key_pool_take());
    }
}

static void a_key_is_given_up(void **state)
{
    atomic_bool stop = true;
    struct fault fault = {0};

    (void)state;
    assert_null(signing_key_generate_unless(&stop, &fault));
    assert_int_equal(fault.code, FAULT_CRYPTO);
    stop = false;
    struct signing_key *k = signing_key_generate_unless(&stop, &fault);
    assert_int_equal(signing_key_kind(k), KEY_RSA);
    signing_key_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(made_once_they_are_wanted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_at_any_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_given_up, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("key_pool", tests, NULL, NULL);
}
