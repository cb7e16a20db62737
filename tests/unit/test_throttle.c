/* How often an upstream is asked: the rate, the pauses, and what a server may ask for. */
#include "test.h"

#include "collateral/throttle.h"

#define URL "https://host:8443/a"

enum { MOST_RANDOM = -1 }; /* as uint32_t */

static void one_host_has_one_rate(void **state)
{
    struct throttle t;
    int64_t wait;

    (void)state;
    throttle_init(&t, 100);
    assert_int_equal(throttle_ask(&t, URL, 1000, &wait), THROTTLE_GO);
    assert_int_equal(throttle_ask(&t, "https://host:8443/b?c", 1000, &wait), THROTTLE_PACE);
    assert_int_equal(wait, 100);
    assert_int_equal(throttle_ask(&t, "https://host/", 1000, &wait), THROTTLE_GO); /* another port, another host */
    assert_int_equal(throttle_ask(&t, URL, 1099, &wait), THROTTLE_PACE);
    assert_int_equal(throttle_ask(&t, URL, 1100, &wait), THROTTLE_GO);
    throttle_end(&t);
}

static void pauses_grow_and_end(void **state)
{
    struct throttle t;
    int64_t wait, last = 0, now = 1000;

    (void)state;
    throttle_init(&t, 0);
    for (int i = 0; i < 100; i++) {
        int64_t pause = throttle_bad(&t, URL, now, -1, 0);

        assert_true(pause >= last && pause <= THROTTLE_MOST);
        assert_int_equal(throttle_ask(&t, URL, now + pause - 1, &wait), THROTTLE_BACK_OFF);
        assert_int_equal(wait, 1);
        assert_int_equal(throttle_ask(&t, URL, now + pause, &wait), THROTTLE_GO);
        now += pause;
        last = pause;
    }
    assert_int_equal(last, THROTTLE_MOST);
    throttle_good(&t, URL);
    assert_int_equal(throttle_bad(&t, URL, now, -1, 0), THROTTLE_FIRST);
    throttle_good(&t, URL);
    int64_t least = throttle_bad(&t, URL, now, -1, (uint32_t)MOST_RANDOM);
    assert_true(least >= THROTTLE_FIRST / 2 && least < THROTTLE_FIRST);
    throttle_end(&t);
}

static void servers_are_obeyed_within_reason(void **state)
{
    struct throttle t;
    int64_t wait;

    (void)state;
    throttle_init(&t, 0);
    assert_int_equal(throttle_bad(&t, URL, 0, 60, 0), 60000);
    assert_int_equal(throttle_ask(&t, URL, 59999, &wait), THROTTLE_BACK_OFF);
    assert_int_equal(throttle_bad(&t, URL, 0, 0, 0), 4000); /* at once is too soon for the second time */
    assert_int_equal(throttle_ask(&t, URL, 59999, &wait), THROTTLE_BACK_OFF); /* the first wish holds */
    assert_int_equal(throttle_bad(&t, URL, 0, INT64_MAX, 0), THROTTLE_OBEYED);
    throttle_end(&t);
}

static void hosts_are_bounded(void **state)
{
    struct throttle t;
    char url[64];
    int64_t wait;

    (void)state;
    throttle_init(&t, 10);
    for (int i = 0; i < 1000; i++) {
        snprintf(url, sizeof url, "https://host%d/", i);
        assert_int_equal(throttle_ask(&t, url, i, &wait), THROTTLE_GO);
    }
    assert_int_equal(t.count, THROTTLE_HOSTS);
    assert_int_equal(throttle_ask(&t, url, 1000, &wait), THROTTLE_PACE); /* the newest is known */
    throttle_end(&t);
}

static void forms_of_retry_after(void **state)
{
    (void)state;
    assert_int_equal(retry_after(BYTES_LIT("120"), 0), 120);
    assert_int_equal(retry_after(BYTES_LIT("0"), 0), 0);
    assert_int_equal(retry_after(BYTES_LIT("99999999999999999999"), 0), THROTTLE_OBEYED / 1000);
    assert_int_equal(retry_after(BYTES_LIT("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777 - 10), 10);
    assert_int_equal(retry_after(BYTES_LIT("Sun, 06 Nov 1994 08:49:37 GMT"), 784111778), 0);
    assert_int_equal(retry_after(BYTES_LIT("Sun, 06 Nov 1994 08:49:37 UTC"), 0), -1);
    assert_int_equal(retry_after(BYTES_LIT("soon"), 0), -1);
    assert_int_equal(retry_after(BYTES_LIT("-1"), 0), -1);
    assert_int_equal(retry_after(BYTES_NONE, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_host_has_one_rate),
        cmocka_unit_test(pauses_grow_and_end),
        cmocka_unit_test(servers_are_obeyed_within_reason),
        cmocka_unit_test(hosts_are_bounded),
        cmocka_unit_test(forms_of_retry_after),
    };

    return cmocka_run_group_tests_name("throttle", tests, NULL, NULL);
}
