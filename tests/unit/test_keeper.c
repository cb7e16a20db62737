/* The keeper of the core's pairs, with stand-ins for the programs: what is asked of it, what it tells, and that it ends, with every pair,
 * when it is asked for what there is not. */
#include "core/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

enum { PLACES = 2, SECONDS = 20 };

/* The verifier hands what the host says to the signer, which then ends; and leaves one behind that sleeps, where its argument says so. */
static const char verifier[] = "#!/bin/sh\nexec cat <&3 >&4\n",
                  signer[] = "#!/bin/sh\nif [ \"$2\" ]; then sleep \"$2\" & fi\nread line <&3\nexit $line\n";
static char folder[] = "/tmp/assay-keeper-XXXXXX";

/* The next so many forks work, here and in what is forked; then none does. */
static int forks = -1;
static pid_t forked; /* by this process, last */

pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
    if (forks == 0) {
        errno = EAGAIN;
        return -1;
    }
    forks -= forks > 0;
    return forked = __real_fork();
}

static void put(const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, 0700), 0);
}

static int make_programs(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    put("assay-verifier", verifier);
    put("assay-signer", signer);
    return 0;
}

static int remove_programs(void **state)
{
    char path[128];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/assay-%s", folder, i ? "signer" : "verifier");
        unlink(path);
    }
    return rmdir(folder);
}

static struct keeper *begin(bool adopts)
{
    const struct keeper_options o = {
        .pair = {.folder = folder, .sealing_key = "none", .pairs = PLACES, .request_seconds = 1}, .adopts = adopts};
    struct fault fault = {0};
    struct keeper *k;

    assert_true(keeper_begin(&o, &k, &fault));
    return k;
}

static bool ends(pid_t pid)
{
    for (int i = 0; i < SECONDS * 100; i++) {
        if (kill(pid, 0) != 0 && errno == ESRCH)
            return true;
        usleep(10000);
    }
    return false;
}

static enum keeper_news await_news(struct keeper *k, struct keeper_answer *a)
{
    struct pollfd watched = {.fd = keeper_fd(k), .events = POLLIN};

    if (!keeper_has_news(k))
        assert_int_equal(poll(&watched, 1, SECONDS * 1000), 1);
    return keeper_news(k, a);
}

static void test_pairs_start_and_end(void **state)
{
    struct keeper *k = begin(false);
    struct keeper_answer a;
    struct pair pairs[PLACES], again;
    char how[PAIR_END_TEXT];

    (void)state;
    assert_int_equal(keeper_news(k, &a), KEEPER_SILENT);
    for (size_t i = 0; i < PLACES; i++)
        assert_true(keeper_pair_start(k, i, &pairs[i], NULL));
    assert_true(pairs[0].fd >= 0 && pairs[0].verifier > 0 && pairs[0].signer > 0);

    kill(pairs[0].verifier, SIGUSR1);
    keeper_pair_end_verifier(k, 0, &pairs[0], how);
    assert_int_equal(strncmp(how, " by signal ", 11), 0);
    pid_t first = pairs[0].signer;
    keeper_pair_kill(k, 0, &pairs[0]);
    assert_true(ends(first));
    assert_true(keeper_pair_start(k, 0, &again, NULL)); /* the place is free */

    assert_int_equal(write(pairs[1].fd, "7\n", 2), 2);
    do
        assert_int_equal(await_news(k, &a), KEEPER_NEWS);
    while (a.signer == first); /* it may have seen its verifier's end */
    assert_int_equal(a.place, 1);
    assert_int_equal(a.signer, pairs[1].signer);
    pair_end_text(a.status, how);
    assert_string_equal(how, " with status 7");
    keeper_pair_kill(k, 1, &pairs[1]);

    pid_t last = again.verifier;
    close(again.fd);
    keeper_end(k, how);
    assert_string_equal(how, "");
    assert_true(ends(last)); /* killed before the keeper ended, by itself */
}

static void test_news_beside_an_answer_is_held(void **state)
{
    struct keeper *k = begin(false);
    struct pollfd watched = {.fd = keeper_fd(k), .events = POLLIN};
    struct keeper_answer a;
    struct pair pairs[PLACES];
    char how[PAIR_END_TEXT];

    (void)state;
    assert_true(keeper_pair_start(k, 0, &pairs[0], NULL));
    assert_int_equal(write(pairs[0].fd, "3\n", 2), 2);
    assert_int_equal(poll(&watched, 1, SECONDS * 1000), 1); /* told, not taken */
    assert_true(keeper_pair_start(k, 1, &pairs[1], NULL));
    assert_true(keeper_has_news(k));
    assert_int_equal(keeper_news(k, &a), KEEPER_NEWS);
    assert_int_equal(a.signer, pairs[0].signer);
    assert_false(keeper_has_news(k));
    close(pairs[0].fd);
    close(pairs[1].fd);
    keeper_end(k, how);
}

static void test_adoption_has_a_place_where_it_is_meant(void **state)
{
    struct keeper *k = begin(true);
    struct pair p;
    char how[PAIR_END_TEXT];

    (void)state;
    assert_int_equal(keeper_adopting_place(k), PLACES);
    assert_true(keeper_pair_start(k, PLACES, &p, NULL));
    close(p.fd);
    keeper_end(k, how);
    assert_string_equal(how, "");
}

/* A pair runs when it comes. */
static void refuses(const void *packet, size_t n)
{
    struct keeper *k = begin(false);
    struct keeper_answer a;
    struct pair p;
    char how[PAIR_END_TEXT];

    assert_true(keeper_pair_start(k, 0, &p, NULL));
    assert_int_equal(send(keeper_fd(k), packet, n, 0), n);
    assert_int_equal(await_news(k, &a), KEEPER_GONE);
    assert_true(ends(p.verifier) && ends(p.signer));
    struct pair none;
    struct fault fault = {0};
    assert_false(keeper_pair_start(k, 1, &none, &fault));
    assert_int_equal(none.fd, -1);
    assert_non_null(strstr(fault.text, "the keeper of the core ended"));
    keeper_pair_kill(k, 0, &p);
    keeper_end(k, how);
    assert_string_equal(how, " with status 1");
}

static void test_what_there_is_not_ends_it(void **state)
{
    static const struct keeper_request bad[] = {
        {0, 1, 0},
        {KEEPER_SIGNER_ENDED, 0, 0},
        {KEEPER_READY, 0, 0},
        {UINT32_MAX, 0, 0},
        {KEEPER_START, PLACES, 0}, /* there is no place that adopts */
        {KEEPER_START, UINT32_MAX, 0},
        {KEEPER_KILL, PLACES, 0},
        {KEEPER_END_VERIFIER, UINT32_MAX, 0},
        {KEEPER_START, 0, 0},            /* taken */
        {KEEPER_COUNT, COUNTER_READ, 0}, /* no counter is set */
    };
    const struct {
        struct keeper_request r;
        char more;
    } longer = {{KEEPER_START, 1, 0}, 0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuses(&bad[i], sizeof bad[i]);
    refuses(&longer, sizeof longer.r + 1);
    refuses(&longer, sizeof longer.r - 1);
    refuses(&longer, 1);
}

static void test_a_program_that_is_not_there_ends_its_pair(void **state)
{
    const struct keeper_options o = {.pair = {.folder = "/nowhere", .sealing_key = "none", .pairs = 1}};
    struct keeper *k;
    struct pair p;
    char how[PAIR_END_TEXT], byte;

    (void)state;
    assert_true(keeper_begin(&o, &k, NULL));
    assert_true(keeper_pair_start(k, 0, &p, NULL));
    assert_int_equal(read(p.fd, &byte, 1), 0);
    keeper_pair_end_verifier(k, 0, &p, how);
    assert_string_equal(how, " with status 127");
    keeper_pair_kill(k, 0, &p);
    keeper_end(k, how);
}

static void test_a_user_that_is_not_there_stops_the_start(void **state)
{
    const struct keeper_options o = {.pair = {.folder = folder, .sealing_key = "none", .pairs = 1},
                                     .user = "no-such-user"};
    struct fault fault = {0};
    struct keeper *k;
    char how[PAIR_END_TEXT];

    (void)state;
    assert_false(keeper_begin(&o, &k, &fault));
    assert_non_null(strstr(fault.text, "the keeper of the core does not start"));
    keeper_end(k, how);
    assert_string_equal(how, " with status 1");
}

static void test_a_start_that_failed_leaves_its_place_empty(void **state)
{
    struct keeper *k = begin(false);
    struct pair p;
    struct rlimit before, few;
    struct fault fault = {0};
    char how[PAIR_END_TEXT];

    (void)state;
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){(rlim_t)next, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int i = 0; i < 2; i++) { /* the second is not refused: the first has left nothing */
        assert_false(keeper_pair_start(k, 0, &p, &fault));
        assert_int_equal(p.fd, -1);
        assert_string_equal(fault.text,
                            "cannot start a pair: this process may have no more files open (LimitNOFILE=, ulimit -n)");
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(keeper_pair_start(k, 0, &p, NULL));
    close(p.fd);
    keeper_end(k, how);
    assert_string_equal(how, "");
}

static void test_the_reason_of_a_failed_start_is_told(void **state)
{
    (void)state;
    for (int i = 1; i <= 2; i++) { /* no verifier; a verifier, and no signer */
        struct keeper *k;
        struct pair p;
        struct fault fault = {0};
        char how[PAIR_END_TEXT], text[128];

        forks = i;
        k = begin(false);
        forks = -1;
        assert_false(keeper_pair_start(k, 0, &p, &fault));
        snprintf(text, sizeof text, "cannot start a pair: %s", strerror(EAGAIN));
        assert_string_equal(fault.text, text);
        assert_false(keeper_pair_start(k, 0, &p, NULL)); /* the place is empty */
        keeper_end(k, how);
        assert_string_equal(how, "");
    }
}

static void test_starts_are_limited_in_each_place(void **state)
{
    struct keeper *k = begin(false);
    struct pair p;
    struct fault fault = {0};
    int started = 0;
    char how[PAIR_END_TEXT];

    (void)state;
    /* Another comes due in each interval that this takes. */
    while (started < 1000 && keeper_pair_start(k, 0, &p, &fault)) {
        started++;
        keeper_pair_kill(k, 0, &p);
    }
    assert_in_range(started, KEEPER_STARTS_AT_ONCE, 999);
    assert_string_equal(fault.text, "cannot start a pair: the keeper of the core starts no more in this place for now");
    assert_true(keeper_pair_start(k, 1, &p, NULL)); /* of another place that says nothing */
    close(p.fd);
    usleep(KEEPER_START_MILLISECONDS * 1000);
    assert_true(keeper_pair_start(k, 0, &p, NULL));
    close(p.fd);
    keeper_end(k, how);
    assert_string_equal(how, "");
}

/* How often the keeper refuses before it starts one. */
static int refusals(struct keeper *k, size_t place, struct pair *p)
{
    int n = 0;

    while (!keeper_pair_start(k, place, p, NULL)) {
        assert_true(++n < SECONDS * 10);
        usleep(100000);
    }
    return n;
}

static void test_what_outlives_a_signer_keeps_its_place(void **state)
{
    char *seconds[] = {"2", NULL};
    const struct keeper_options o = {
        .pair = {.folder = folder, .sealing_key = "none", .sealer = seconds, .pairs = PLACES, .request_seconds = 1}};
    struct keeper *k;
    struct keeper_answer a;
    struct pair p;
    char how[PAIR_END_TEXT];

    (void)state;
    assert_true(keeper_begin(&o, &k, NULL));
    assert_int_equal(refusals(k, 0, &p), 0);
    assert_int_equal(write(p.fd, "7\n", 2), 2);
    assert_int_equal(await_news(k, &a), KEEPER_NEWS); /* a signer that ended by itself */
    keeper_pair_kill(k, 0, &p);
    assert_true(refusals(k, 0, &p) > 0);
    usleep(500000);
    keeper_pair_kill(k, 0, &p); /* one that was killed */
    assert_true(refusals(k, 0, &p) > 0);
    keeper_pair_kill(k, 0, &p);
    assert_int_equal(refusals(k, 1, &p), 0); /* the other place is not concerned */
    close(p.fd);
    keeper_end(k, how);
    assert_string_equal(how, "");
}

static void test_a_keeper_that_gives_no_answer_is_gone(void **state)
{
    struct keeper *k = begin(false);
    pid_t keeper = forked;
    struct keeper_answer a;
    struct pair p;
    struct fault fault = {0};
    char how[PAIR_END_TEXT];
    int status;

    (void)state;
    kill(keeper, SIGSTOP);
    assert_false(keeper_has_news(k));
    assert_false(keeper_pair_start(k, 0, &p, &fault));
    assert_string_equal(fault.text, "cannot start a pair: the keeper of the core gave no answer within 10 s");
    assert_true(keeper_has_news(k));
    assert_int_equal(keeper_news(k, &a), KEEPER_GONE);
    keeper_end(k, how);
    assert_string_equal(how, " only after more than 10 s, if at all");

    k = begin(false); /* the same where the end is the first thing that it does not answer */
    pid_t other = forked;
    kill(other, SIGSTOP);
    keeper_end(k, how);
    assert_string_equal(how, " only after more than 10 s, if at all");
    kill(keeper, SIGCONT);
    kill(other, SIGCONT);
    for (int i = 0; i < 2; i++)
        assert_int_equal(waitpid(i ? other : keeper, &status, 0), i ? other : keeper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_start_and_end),
        cmocka_unit_test(test_news_beside_an_answer_is_held),
        cmocka_unit_test(test_adoption_has_a_place_where_it_is_meant),
        cmocka_unit_test(test_what_there_is_not_ends_it),
        cmocka_unit_test(test_a_program_that_is_not_there_ends_its_pair),
        cmocka_unit_test(test_a_user_that_is_not_there_stops_the_start),
        cmocka_unit_test(test_a_start_that_failed_leaves_its_place_empty),
        cmocka_unit_test(test_the_reason_of_a_failed_start_is_told),
        cmocka_unit_test(test_starts_are_limited_in_each_place),
        cmocka_unit_test(test_what_outlives_a_signer_keeps_its_place),
        cmocka_unit_test(test_a_keeper_that_gives_no_answer_is_gone),
    };

    return cmocka_run_group_tests(tests, make_programs, remove_programs);
}
