/* The cache: what it finds, what it drops and when, and that a dropped object can be read until the request ends. */
#include "arena_test.h"

#include "crypto/cache.h"

static const uint8_t *key_of(unsigned n)
{
    struct bytes part = arena_copy(&arena, bytes_make(&n, sizeof n));
    uint8_t *key = arena_alloc(&arena, SHA256_SIZE);

    cache_key("test", &part, 1, key);
    return key;
}

/* Keep a number of `size` bytes under its own key. */
static const unsigned *keep(struct cache *c, unsigned n, size_t size)
{
    struct arena *built = cache_arena(c, &arena);
    unsigned *object = arena_alloc(built, size < sizeof n ? sizeof n : size);

    *object = n;
    cache_keep(c, key_of(n), built, object);
    return object;
}

static bool has(struct cache *c, unsigned n)
{
    const unsigned *found = cache_find(c, key_of(n));

    assert_true(!found || *found == n);
    return found;
}

static void least_recently_used_goes(void **state)
{
    struct cache *c = cache_new(3, 1 << 20);

    (void)state;
    assert_false(has(c, 1));
    for (unsigned n = 1; n <= 3; n++)
        keep(c, n, 0);
    assert_true(has(c, 1)); /* now 2 is the oldest */
    keep(c, 4, 0);
    assert_false(has(c, 2));
    assert_true(has(c, 1) && has(c, 3) && has(c, 4));
    for (unsigned n = 20; n < 1000; n++) { /* all buckets, all chains */
        keep(c, n, 0);
        assert_true(has(c, n) && has(c, n == 20 ? 4 : n - 1));
        assert_false(has(c, n - 6));
        if (n % 7 == 0)
            cache_settle(c);
    }
    cache_free(c);
}

static void bytes_bound_it(void **state)
{
    struct cache *c = cache_new(100, 1 << 20);

    (void)state;
    for (unsigned n = 0; n < 8; n++)
        keep(c, n, 300 * 1024); /* three fit */
    assert_true(has(c, 7) && has(c, 6) && has(c, 5));
    assert_false(has(c, 4) || has(c, 0));
    const unsigned *large = keep(c, 9, 2 << 20); /* larger than the whole cache: used, not kept */
    assert_int_equal(*large, 9);
    assert_false(has(c, 9));
    assert_true(has(c, 7) && has(c, 6) && has(c, 5));
    cache_free(c);
}

static void dropped_objects_stay_readable(void **state)
{
    struct cache *c = cache_new(1, 1 << 20);
    const unsigned *first = keep(c, 1, 0), *second = keep(c, 2, 0);

    (void)state;
    assert_int_equal(*first, 1); /* evicted; the address sanitizer would tell */
    assert_int_equal(*second, 2);
    cache_settle(c);
    assert_true(has(c, 2));
    struct arena *built = cache_arena(c, &arena);
    unsigned *failed = ARENA_NEW(built, unsigned);
    *failed = 3;
    cache_discard(c, built);
    assert_int_equal(*failed, 3);
    cache_settle(c);
    cache_free(c); /* with an entry inside, and nothing leaks */
}

static void the_same_key_twice(void **state)
{
    struct cache *c = cache_new(4, 1 << 20);

    (void)state;
    const unsigned *old = keep(c, 1, 0), *new = keep(c, 1, 0);
    assert_ptr_not_equal(old, new);
    assert_ptr_equal(cache_find(c, key_of(1)), new);
    cache_forget(c, key_of(1));
    cache_forget(c, key_of(1));
    assert_false(has(c, 1));
    assert_int_equal(*new, 1);
    cache_free(c);
}

static void keys_do_not_collide(void **state)
{
    struct bytes ab_c[] = {BYTES_LIT("ab"), BYTES_LIT("c")}, a_bc[] = {BYTES_LIT("a"), BYTES_LIT("bc")};
    struct bytes abc[] = {BYTES_LIT("abc"), BYTES_NONE};
    uint8_t keys[6][SHA256_SIZE];

    (void)state;
    cache_key("k", ab_c, 2, keys[0]);
    cache_key("k", a_bc, 2, keys[1]);
    cache_key("k", abc, 1, keys[2]);
    cache_key("k", abc, 2, keys[3]);
    cache_key("kabc", NULL, 0, keys[4]);
    cache_key("l", ab_c, 2, keys[5]);
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(keys[i], keys[k], SHA256_SIZE);
    cache_key("k", ab_c, 2, keys[1]);
    assert_memory_equal(keys[0], keys[1], SHA256_SIZE);
}

static void without_a_cache(void **state)
{
    (void)state;
    assert_ptr_equal(cache_arena(NULL, &arena), &arena);
    keep(NULL, 1, 0);
    assert_null(cache_find(NULL, key_of(1)));
    cache_discard(NULL, &arena);
    cache_forget(NULL, key_of(1));
    cache_settle(NULL);
    cache_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(least_recently_used_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_bound_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dropped_objects_stay_readable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_key_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_do_not_collide, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_cache, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
