/* Kept inputs in their file: who may hold how much, counted to the byte over all that comes and goes, also where an earlier release
 * made the file. */
#include "arena_test.h"

#include <sqlite3.h>
#include <unistd.h>

#include "store/kept.h"

enum { MOST = 100000, ROW = 1000, NOW = 1000000000, DAY = 86400 };

static char path[] = "/tmp/assay-kept-XXXXXX";
static struct fault fault;
static struct kept_store *store;
static uint64_t next;

static void open_store(void)
{
    kept_store_close(store);
    store = kept_store_open(path, MOST, &fault);
    if (!store)
        fail_msg("%s", fault.text);
}

static int begin(void **state)
{
    strcpy(path, "/tmp/assay-kept-XXXXXX");
    int fd = set_up(state) == 0 ? mkstemp(path) : -1;

    close(fd);
    next = 0;
    fault = (struct fault){0};
    open_store();
    return fd < 0;
}

static int end(void **state)
{
    kept_store_close(store);
    store = NULL;
    unlink(path);
    unlink(arena_printf(&arena, "%s-journal", path));
    return tear_down(state);
}

static struct kept_row row(const char *provider, size_t size)
{
    return (struct kept_row){.index = next++,
                             .provider = bytes_text(provider),
                             .begin = 1,
                             .expires = NOW + DAY,
                             .body = bytes_make(arena_alloc(&arena, size), size)};
}

static enum kept_room add(const char *provider, size_t size)
{
    struct kept_row one = row(provider, size);

    assert_true(kept_store_add(store, &one, 1, &fault));
    return one.room;
}

/* How many find room, till one finds none. */
static size_t fill(const char *provider, size_t size, enum kept_room *last)
{
    size_t n = 0;

    while ((*last = add(provider, size)) == KEPT_ROOM)
        n++;
    return n;
}

static void one_provider_leaves_room(void **state)
{
    enum kept_room last;

    (void)state;
    assert_int_equal(fill("loud", ROW, &last), 80); /* four parts, and one is free */
    assert_int_equal(last, KEPT_SHARE);
    assert_int_equal(fill("quiet", ROW, &last), 16); /* again four parts of five */
    assert_int_equal(last, KEPT_SHARE);
    assert_int_equal(add("loud", ROW), KEPT_SHARE);
    assert_int_equal(add("third", ROW), KEPT_ROOM);
    assert_int_equal(kept_store_size(store), 97 * ROW);
    assert_int_equal(add("third", 4 * ROW), KEPT_FULL);
    assert_int_equal(add("third", MOST + 1), KEPT_FULL);
    /* Room that comes back is found again. */
    assert_true(kept_store_forget(store, BYTES_LIT("loud"), 2, &fault));
    assert_int_equal(kept_store_size(store), 17 * ROW);
    assert_int_equal(fill("loud", ROW, &last), 66);
}

static void a_batch_is_judged_one_by_one(void **state)
{
    struct kept_row rows[100];
    size_t found = 0;

    (void)state;
    for (size_t i = 0; i < 100; i++)
        rows[i] = row("loud", ROW);
    assert_true(kept_store_add(store, rows, 100, &fault));
    for (size_t i = 0; i < 100; i++)
        found += rows[i].room == KEPT_ROOM;
    assert_int_equal(found, 80);
    assert_int_equal(kept_store_size(store), 80 * ROW);
}

/* What is replaced and what is over no longer counts; and it is the same when the file is opened again. */
static void counts_what_is_there(void **state)
{
    uint64_t gone;
    enum kept_room last;

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        next = 0;
        assert_int_equal(add("loud", 10 * ROW), KEPT_ROOM);
    }
    open_store();
    assert_int_equal(kept_store_size(store), 10 * ROW);
    assert_int_equal(fill("loud", 10 * ROW, &last), 7);
    open_store();
    assert_int_equal(kept_store_size(store), 80 * ROW);
    assert_int_equal(add("loud", ROW), KEPT_SHARE);
    assert_true(kept_store_sweep(store, NOW + DAY, &gone, &fault));
    assert_int_equal(gone, 8);
    assert_int_equal(kept_store_size(store), 0);
    assert_int_equal(fill("loud", ROW, &last), 80);
}

static void run(const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void takes_over_an_earlier_file(void **state)
{
    enum kept_room last;
    struct bytes body;

    (void)state;
    kept_store_close(store);
    store = NULL;
    unlink(path);
    run("CREATE TABLE kept (number INTEGER PRIMARY KEY, provider TEXT NOT NULL, begin INTEGER NOT NULL, expires "
        "INTEGER "
        "NOT NULL, body BLOB NOT NULL); CREATE INDEX kept_expires ON kept (expires); CREATE INDEX kept_provider ON "
        "kept "
        "(provider, begin); PRAGMA user_version = 1; INSERT INTO kept VALUES (0, 'loud', 1, 2000000000, "
        "zeroblob(30000)), "
        "(1, 'loud', 1, 2000000000, zeroblob(30000)), (2, 'quiet', 1, 2000000000, zeroblob(1000))");
    open_store();
    next = 3;
    assert_int_equal(kept_store_size(store), 61 * ROW);
    assert_true(kept_store_find(store, 2, BYTES_LIT("quiet"), 1, NOW, &arena, &body, &fault));
    assert_int_equal(body.n, ROW);
    assert_int_equal(fill("loud", ROW, &last), 19);
    assert_int_equal(last, KEPT_SHARE);
    kept_store_close(store);
    run("PRAGMA user_version = 3");
    store = kept_store_open(path, MOST, &fault);
    assert_null(store);
    assert_string_equal(fault.text, "it was made by a newer release");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_provider_leaves_room, begin, end),
        cmocka_unit_test_setup_teardown(a_batch_is_judged_one_by_one, begin, end),
        cmocka_unit_test_setup_teardown(counts_what_is_there, begin, end),
        cmocka_unit_test_setup_teardown(takes_over_an_earlier_file, begin, end),
    };
    return cmocka_run_group_tests_name("kept_store", tests, NULL, NULL);
}
