/* The store: versions, history, conflicts, two openers, and what survives kill -9. */
#include "test.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"

static struct arena arena;
static char folder[] = "/tmp/assay-store-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char *command = arena_printf(&arena, "rm -rf '%s'", folder);
    int r = system(command);
    arena_free(&arena);
    return r;
}

static struct store *open_named(const char *name)
{
    struct fault fault = {0};
    struct store *s = store_open(arena_printf(&arena, "sqlite:%s/%s", folder, name), &fault);

    if (!s)
        fail_msg("%s", fault.text);
    return s;
}

static bool put(struct store *s, const char *kind, uint64_t version, const char *body)
{
    struct record r = {.provider = BYTES_LIT("https://a"),
                       .kind = bytes_text(kind),
                       .version = version,
                       .time = 1000 + (int64_t)version,
                       .body = bytes_text(body),
                       .hash = BYTES_LIT("h\0h"),
                       .caller = BYTES_LIT("tester")};
    struct fault fault = {0};
    bool conflict;
    bool ok = store_append(s, &r, &conflict, &fault);

    if (!ok && !conflict)
        fail_msg("%s", fault.text);
    return ok;
}

struct seen {
    unsigned count;
    struct record last, first;
};

static bool note(void *context, const struct record *r)
{
    struct seen *seen = context;

    if (seen->count++ == 0)
        seen->first = *r;
    seen->last = *r;
    return true;
}

static void versions_and_history(void **state)
{
    (void)state;
    struct store *s = open_named("a.db"), *other = open_named("a.db");
    struct seen seen = {0};
    uint64_t before, after;

    assert_true(store_generation(other, &before, NULL));
    assert_true(put(s, "policy/SgxEnclave", 1, "one"));
    assert_true(put(s, "policy/SgxEnclave", 2, ""));
    assert_true(put(s, "policy/Tpm", 1, "t"));
    assert_false(put(other, "policy/SgxEnclave", 2, "late")); /* somebody was first */
    assert_false(put(other, "policy/SgxEnclave", 4, "gap"));
    assert_false(put(other, "policy/SgxEnclave", 0, "zero"));
    assert_true(put(other, "policy/SgxEnclave", 3, "three"));
    assert_true(store_generation(s, &after, NULL));
    assert_int_equal(after - before, 4);

    assert_true(store_current(s, &arena, note, &seen, NULL));
    assert_int_equal(seen.count, 2);
    assert_bytes_are(seen.first.kind, "policy/SgxEnclave");
    assert_bytes_are(seen.first.body, "three");
    assert_int_equal(seen.first.version, 3);
    assert_bytes_equal(seen.first.hash, BYTES_LIT("h\0h"));
    assert_int_equal(seen.first.signer.n, 0);
    assert_bytes_are(seen.last.body, "t");

    seen = (struct seen){0};
    assert_true(store_history(s, &arena, BYTES_LIT("https://a"), BYTES_LIT("policy/SgxEnclave"),
                              &(struct history_page){.limit = 2, .bodies = true}, note, &seen, NULL));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.first.version, 3);
    assert_int_equal(seen.last.version, 2);
    assert_int_equal(seen.last.body.n, 0);
    store_close(s);
    store_close(other);
}

static void newer_schema_is_refused(void **state)
{
    (void)state;
    struct fault fault = {0};

    store_close(open_named("newer.db"));
    sqlite3 *db;
    assert_int_equal(sqlite3_open(arena_printf(&arena, "%s/newer.db", folder), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_null(store_open(arena_printf(&arena, "sqlite:%s/newer.db", folder), &fault));
    assert_non_null(strstr(fault.text, "newer release"));
    fault = (struct fault){0};
    assert_null(store_open("paper:x", &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    fault = (struct fault){0};
    assert_null(store_open(arena_printf(&arena, "sqlite:%s/no/such/folder.db", folder), &fault));
    assert_int_equal(fault.code, FAULT_SYSTEM);
}

/* A child appends and tells each version once it was acknowledged; it is killed in the middle. */
static void acknowledged_survives_kill(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        const char *name = arena_printf(&arena, "kill%d.db", round);
        uint64_t told = 0, acknowledged = 0;
        int pipes[2];

        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0) {
            struct store *s = open_named(name);

            for (uint64_t v = 1; put(s, "policy/Tpm", v, "x"); v++)
                if (write(pipes[1], &v, sizeof v) != sizeof v)
                    break;
            _exit(1);
        }
        close(pipes[1]);
        while (told < 20u * (unsigned)(round + 1) && read(pipes[0], &told, sizeof told) == sizeof told)
            acknowledged = told;
        kill(child, SIGKILL);
        while (read(pipes[0], &told, sizeof told) == sizeof told)
            acknowledged = told;
        close(pipes[0]);
        waitpid(child, NULL, 0);

        struct seen seen = {0};
        struct store *s = open_named(name);
        assert_true(store_current(s, &arena, note, &seen, NULL));
        assert_true(acknowledged > 0 && seen.last.version >= acknowledged);
        assert_true(put(s, "policy/Tpm", seen.last.version + 1, "after"));
        store_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_and_history),
        cmocka_unit_test(newer_schema_is_refused),
        cmocka_unit_test(acknowledged_survives_kill),
    };
    return cmocka_run_group_tests_name("store", tests, set_up, tear_down);
}
