/* The store's thread: what is there at the start comes in whole and in order, however much it is, and a store that cannot be read
 * says so. */
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "service/ledger.h"
#include "test.h"

enum { RECORDS = 40, BODY = 200 * 1024 };

static struct event_base *base;
static char folder[] = "/tmp/assay-ledger-XXXXXX";
static struct arena arena;
static const char *path, *url;
static uint64_t last, count;
static bool is_known, read_whole;

static void apply(void *context, const struct record *r)
{
    (void)context;
    assert_false(is_known);
    assert_true(r->sequence == last + 1);
    assert_true(r->body.n == BODY);
    assert_int_equal(r->body.p[0], (uint8_t)r->sequence);
    last = r->sequence;
    count++;
}

static void known(void *context, const struct fault *fault)
{
    (void)context;
    assert_false(is_known);
    is_known = true;
    read_whole = !fault;
    event_base_loopbreak(base);
}

static const struct ledger_callbacks callbacks = {apply, known, NULL};

static int set_up(void **state)
{
    struct record r[RECORDS];
    bool conflict;

    (void)state;
    last = count = 0;
    is_known = read_whole = false;
    arena_init(&arena, TEST_MEMORY);
    strcpy(strrchr(folder, '-'), "-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    path = arena_printf(&arena, "%s/db", folder);
    url = arena_printf(&arena, "sqlite:%s", path);
    for (size_t i = 0; i < RECORDS; i++) {
        uint8_t *body = arena_alloc(&arena, BODY);

        body[0] = (uint8_t)(i + 1);
        r[i] = (struct record){.provider = bytes_text(arena_printf(&arena, "https://p%zu", i)),
                               .kind = BYTES_LIT("provider"),
                               .version = 1,
                               .body = bytes_make(body, BODY)};
    }
    struct store *s = store_open(url, NULL);
    bool ok = s && store_append(s, r, RECORDS, &conflict, NULL);
    store_close(s);
    base = event_base_new();
    return ok && base ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"db", "db-wal", "db-shm"};

    (void)state;
    event_base_free(base);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(arena_printf(&arena, "%s/%s", folder, names[i]));
    rmdir(folder);
    arena_free(&arena);
    return 0;
}

static void all_of_it_comes_in_order(void **state)
{
    (void)state;
    struct ledger *l = ledger_start(base, store_open(url, NULL), &callbacks, NULL);

    assert_non_null(l);
    event_base_dispatch(base);
    assert_true(is_known && read_whole);
    assert_int_equal(count, RECORDS);
    ledger_stop(l);
}

/* Batches wait for the event loop, which never comes: the thread ends all the same, and who was told nothing is told nothing wrong. */
static void it_stops_in_the_middle(void **state)
{
    (void)state;
    struct ledger *l = ledger_start(base, store_open(url, NULL), &callbacks, NULL);

    assert_non_null(l);
    ledger_stop(l);
    assert_true(count < RECORDS || is_known);
}

static void a_store_that_cannot_be_read_says_so(void **state)
{
    sqlite3 *db;

    (void)state;
    struct store *s = store_open(url, NULL);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE record", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    struct ledger *l = ledger_start(base, s, &callbacks, NULL);
    assert_non_null(l);
    event_base_dispatch(base);
    assert_true(is_known && !read_whole);
    assert_int_equal(count, 0);
    ledger_stop(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_of_it_comes_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_stops_in_the_middle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_that_cannot_be_read_says_so, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
