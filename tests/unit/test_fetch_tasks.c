/* What the fetcher of endorsements does when: one task for all, bounded, nothing sought again and again. */
#include "test.h"

#include "service/fetch_tasks.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE };

static struct want vcek(unsigned n)
{
    struct want w = {.kind = WANT_VCEK, .product = "Milan", .hwid_size = HWID_SIZE, .tcb = n};

    w.hwid[0] = (uint8_t)n;
    w.hwid[1] = (uint8_t)(n >> 8);
    return w;
}

static enum fetch_ask look(const struct fetch_tasks *t, struct want w, int64_t now)
{
    int64_t wait;

    return fetch_tasks_look(t, &w, 1, now, &wait);
}

static char next_name[FETCH_TASK_NAME];

static const char *next(struct fetch_tasks *t, bool amd, int64_t now)
{
    int64_t wait;
    const struct fetch_task *task = fetch_tasks_next(t, amd, now, &wait);

    snprintf(next_name, sizeof next_name, "%s", task ? task->name : "");
    return next_name;
}

static void one_task_for_all_who_ask(void **state)
{
    struct fetch_tasks t = {.interval = HOUR};
    struct want w = vcek(1);

    (void)state;
    assert_int_equal(look(&t, w, 0), FETCH_ASK_NEW);
    for (int i = 0; i < 10; i++)
        assert_true(fetch_tasks_start(&t, &w, 1, 0));
    assert_int_equal(t.n, 1);
    assert_int_equal(look(&t, w, 0), FETCH_ASK_UNDER_WAY);
    assert_string_equal(next(&t, false, 0), ""); /* the other vendor's */
    assert_string_not_equal(next(&t, true, 0), "");
    assert_string_equal(next(&t, true, 0) + 0, ""); /* it runs */
    assert_int_equal(look(&t, w, 0), FETCH_ASK_UNDER_WAY);
    fetch_tasks_done(&t, t.v[0].name, FETCH_NEW, 0, 0);
    assert_int_equal(look(&t, w, 1), FETCH_ASK_THERE);
    fetch_tasks_free(&t);
}

static void what_is_absent_is_not_sought_again(void **state)
{
    struct fetch_tasks t = {.interval = HOUR};
    struct want w = vcek(1);
    int64_t wait;

    (void)state;
    fetch_tasks_start(&t, &w, 1, 0);
    next(&t, true, 0);
    fetch_tasks_done(&t, t.v[0].name, FETCH_ABSENT, 0, 0);
    assert_int_equal(fetch_tasks_look(&t, &w, 1, MINUTE, &wait), FETCH_ASK_IN_VAIN);
    assert_int_equal(wait, FETCH_ABSENT_SECONDS * 1000 - MINUTE);
    assert_true(fetch_tasks_start(&t, &w, 1, MINUTE));
    assert_string_equal(next(&t, true, MINUTE), "");
    assert_int_equal(look(&t, w, FETCH_ABSENT_SECONDS * 1000), FETCH_ASK_NEW);
    fetch_tasks_free(&t);
}

static void busy_sources_are_tried_again_for_a_while(void **state)
{
    struct fetch_tasks t = {.interval = HOUR};
    struct want w = vcek(1);
    int64_t now = 0;
    int tries = 0;

    (void)state;
    fetch_tasks_start(&t, &w, 1, now);
    for (; *next(&t, true, now); tries++, now += 2 * MINUTE) {
        fetch_tasks_done(&t, next_name, FETCH_BUSY, MINUTE, now);
        assert_string_equal(next(&t, true, now + MINUTE - 1), "");
    }
    assert_int_equal(tries, FETCH_TRIES);
    assert_int_equal(look(&t, w, now), FETCH_ASK_NEW); /* whoever asks again starts again */
    fetch_tasks_free(&t);
}

static void what_is_remembered_is_bounded(void **state)
{
    struct fetch_tasks t = {.interval = HOUR};
    struct want w;
    unsigned started = 0;

    (void)state;
    for (unsigned i = 0; i < 2 * FETCH_ASKED_MOST; i++) {
        w = vcek(i);
        started += fetch_tasks_start(&t, &w, 1, 0);
    }
    assert_int_equal(started, FETCH_ASKED_MOST);
    for (unsigned i = 0; i < 4 * FETCH_REMEMBERED; i++) {
        w = vcek(i);
        fetch_tasks_start(&t, &w, 1, i);
        if (*next(&t, true, i))
            fetch_tasks_done(&t, next_name, FETCH_ABSENT, 0, i);
    }
    assert_int_equal(t.n, FETCH_REMEMBERED);
    w = vcek(4 * FETCH_REMEMBERED - 1); /* the newest is among them */
    assert_int_not_equal(look(&t, w, 4 * FETCH_REMEMBERED), FETCH_ASK_NEW);
    fetch_tasks_free(&t);
}

static void refreshes_come_when_they_are_due(void **state)
{
    struct fetch_tasks t = {.interval = HOUR};
    struct want root = {.kind = WANT_ROOT_CRL}, crl = {.kind = WANT_PCK_CRL};

    (void)state;
    fetch_tasks_plan_begin(&t);
    assert_true(fetch_tasks_plan(&t, &root, MINUTE, 100));
    assert_true(fetch_tasks_plan(&t, &crl, 2 * MINUTE, 200));
    fetch_tasks_plan_end(&t);
    assert_int_equal(look(&t, root, 0), FETCH_ASK_THERE);
    assert_string_equal(next(&t, false, MINUTE - 1), "");
    assert_string_equal(next(&t, false, MINUTE), "intel/crl/root");
    fetch_tasks_done(&t, next_name, FETCH_SAME, 0, MINUTE);
    assert_string_equal(next(&t, false, 2 * MINUTE), "intel/crl/processor");
    fetch_tasks_done(&t, next_name, FETCH_UNREACHABLE, 5 * MINUTE, 2 * MINUTE);
    assert_string_equal(next(&t, false, 6 * MINUTE), "");
    assert_string_equal(next(&t, false, 7 * MINUTE), "intel/crl/processor"); /* for as long as it takes */
    fetch_tasks_done(&t, next_name, FETCH_REPLACED, 0, 7 * MINUTE);
    assert_string_equal(next(&t, false, HOUR), "");
    assert_string_equal(next(&t, false, HOUR + MINUTE), "intel/crl/root");
    fetch_tasks_done(&t, next_name, FETCH_REPLACED, 0, HOUR + MINUTE);
    /* Planned anew: one is gone, the other has a later time. */
    fetch_tasks_plan_begin(&t);
    assert_true(fetch_tasks_plan(&t, &root, 100 * HOUR, 100));
    fetch_tasks_plan_end(&t);
    assert_string_equal(next(&t, false, 99 * HOUR), "");
    assert_string_equal(next(&t, false, 100 * HOUR), "intel/crl/root");
    fetch_tasks_free(&t);
}

static void who_asks_comes_before_refreshes(void **state)
{
    struct fetch_tasks t = {.interval = HOUR};
    struct want crl = {.kind = WANT_AMD_CRL, .product = "Milan"}, w = vcek(1);

    (void)state;
    fetch_tasks_plan_begin(&t);
    assert_true(fetch_tasks_plan(&t, &crl, 0, 100));
    fetch_tasks_plan_end(&t);
    assert_true(fetch_tasks_start(&t, &w, 1, MINUTE));
    assert_int_equal(strncmp(next(&t, true, MINUTE), "amd/vcek/", 9), 0);
    assert_string_equal(next(&t, true, MINUTE), "amd/crl/Milan/vcek");
    fetch_tasks_free(&t);
}

static void everything_may_be_tried_again(void **state)
{
    struct fetch_tasks t = {.interval = HOUR};
    struct want w = vcek(1), root = {.kind = WANT_ROOT_CRL};

    (void)state;
    fetch_tasks_start(&t, &w, 1, 0);
    next(&t, true, 0);
    assert_true(fetch_tasks_done(&t, next_name, FETCH_ABSENT, 0, 0));
    fetch_tasks_plan_begin(&t);
    fetch_tasks_plan(&t, &root, 0, 0);
    fetch_tasks_plan_end(&t);
    next(&t, false, 0);
    assert_true(fetch_tasks_done(&t, next_name, FETCH_REFUSED, 0, 0));
    assert_string_equal(next(&t, false, 1), "");
    fetch_tasks_forget(&t);
    assert_int_equal(look(&t, w, 1), FETCH_ASK_NEW);
    assert_string_equal(next(&t, false, 1), "intel/crl/root");
    assert_true(fetch_tasks_done(&t, next_name, FETCH_REFUSED, 0, 1));
    next(&t, false, HOUR + 1);
    assert_false(fetch_tasks_done(&t, next_name, FETCH_REFUSED, 0, HOUR + 1)); /* no news */
    fetch_tasks_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_task_for_all_who_ask),
        cmocka_unit_test(what_is_absent_is_not_sought_again),
        cmocka_unit_test(busy_sources_are_tried_again_for_a_while),
        cmocka_unit_test(what_is_remembered_is_bounded),
        cmocka_unit_test(refreshes_come_when_they_are_due),
        cmocka_unit_test(who_asks_comes_before_refreshes),
        cmocka_unit_test(everything_may_be_tried_again),
    };

    return cmocka_run_group_tests_name("fetch tasks", tests, NULL, NULL);
}
