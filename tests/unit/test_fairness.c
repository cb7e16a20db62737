/* Turns and token buckets. */
#include "test.h"

#include "service/quota.h"
#include "service/turns.h"

enum { JOBS = 300, SECOND = 1000000 };

static void lines_take_turns(void **state)
{
    static struct waiter jobs[JOBS];
    static const char one, two, three;
    const void *whose[JOBS];
    struct turns *t = turns_new(JOBS, JOBS);

    (void)state;
    /* A flood of one, then two others: they come second and third, not behind it. */
    for (size_t i = 0; i < JOBS; i++) {
        whose[i] = i < JOBS - 3 ? &one : i == JOBS - 2 ? &three : &two;
        assert_true(turns_join(t, &jobs[i], whose[i]));
    }
    assert_int_equal(turns_waiting(t), JOBS);
    assert_ptr_equal(turns_next(t), &jobs[0]);
    assert_ptr_equal(turns_next(t), &jobs[JOBS - 3]);
    assert_ptr_equal(turns_next(t), &jobs[JOBS - 2]);
    assert_ptr_equal(turns_next(t), &jobs[1]);
    assert_ptr_equal(turns_next(t), &jobs[JOBS - 1]);
    for (size_t i = 2; i < JOBS - 3; i++) /* within a line, in order */
        assert_ptr_equal(turns_next(t), &jobs[i]);
    assert_null(turns_next(t));
    assert_int_equal(turns_waiting(t), 0);
    turns_free(t);
}

static void a_line_is_bounded_and_so_is_all(void **state)
{
    static struct waiter jobs[10];
    static const char one, two;
    struct turns *t = turns_new(5, 3);

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(turns_join(t, &jobs[i], &one));
    assert_false(turns_join(t, &jobs[3], &one));
    assert_true(turns_join(t, &jobs[4], &two));
    assert_true(turns_join(t, &jobs[5], NULL));
    assert_false(turns_join(t, &jobs[6], &two)); /* five wait */
    turns_next(t);
    assert_true(turns_join(t, &jobs[6], &two));
    turns_free(t);
}

static void random_joins_and_turns(void **state)
{
    static struct waiter jobs[JOBS];
    static const char whose[8];
    struct turns *t = turns_new(JOBS, JOBS);
    bool waits[JOBS] = {false};
    size_t count = 0;
    unsigned seed = 1;

    (void)state;
    for (int step = 0; step < 20000; step++) {
        seed = seed * 1103515245 + 12345;
        size_t i = (seed >> 16) % JOBS;

        if (seed >> 31 && !waits[i]) {
            assert_true(turns_join(t, &jobs[i], &whose[i % 8]));
            waits[i] = true;
            count++;
        } else {
            struct waiter *w = turns_next(t);

            assert_int_equal(w != NULL, count > 0);
            if (w) {
                assert_true(waits[w - jobs]);
                assert_ptr_equal(w->whose, &whose[(w - jobs) % 8]);
                waits[w - jobs] = false;
                count--;
            }
        }
        assert_int_equal(turns_waiting(t), count);
    }
    turns_free(t);
}

static void a_bucket_gives_burst_then_rate(void **state)
{
    struct bucket b = {0};
    double wait = 0;

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_true(bucket_take(&b, 5, 10, SECOND, &wait));
    assert_false(bucket_take(&b, 5, 10, SECOND, &wait));
    assert_true(wait > 0.19 && wait < 0.21);
    assert_false(bucket_take(&b, 5, 10, SECOND + SECOND / 10, &wait)); /* asking takes nothing */
    assert_true(bucket_take(&b, 5, 10, SECOND + SECOND / 4, &wait));
    for (int i = 0; i < 10; i++)
        assert_true(bucket_take(&b, 5, 10, 100 * (int64_t)SECOND, &wait));
    assert_false(bucket_take(&b, 5, 10, 100 * (int64_t)SECOND, &wait)); /* full is full, however long it waited */
    for (int i = 0; i < 1000; i++)
        assert_true(bucket_take(&b, 0, 1, SECOND, &wait)); /* no limit */
}

static void addresses_have_buckets_of_their_own(void **state)
{
    struct quotas *q = quotas_new();
    uint8_t a[ADDRESS_SIZE] = {[10] = 0xff, 0xff, 10, 0, 0, 1}, b[ADDRESS_SIZE] = {[10] = 0xff, 0xff, 10, 0, 0, 2};
    uint8_t six[ADDRESS_SIZE] = {0x20, 1, 0xd, 0xb8, [15] = 1},
            neighbour[ADDRESS_SIZE] = {0x20, 1, 0xd, 0xb8, [15] = 2};
    uint8_t other[ADDRESS_SIZE] = {0x20, 1, 0xd, 0xb8, [7] = 1, [15] = 1};

    (void)state;
    struct bucket *of_a = quotas_of(q, a);
    of_a->at = 7;
    assert_ptr_equal(quotas_of(q, a), of_a);
    assert_ptr_not_equal(quotas_of(q, b), of_a);
    assert_ptr_equal(quotas_of(q, six), quotas_of(q, neighbour));
    assert_ptr_not_equal(quotas_of(q, six), quotas_of(q, other));
    /* A hundred thousand strangers: memory stays as it is, and somebody is forgotten. */
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t stranger[ADDRESS_SIZE] = {[10] = 0xff, 0xff, 11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

        quotas_of(q, stranger)->at = 100 + i;
    }
    assert_int_equal(quotas_of(q, a)->at, 0);
    quotas_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_take_turns),
        cmocka_unit_test(a_line_is_bounded_and_so_is_all),
        cmocka_unit_test(random_joins_and_turns),
        cmocka_unit_test(a_bucket_gives_burst_then_rate),
        cmocka_unit_test(addresses_have_buckets_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
