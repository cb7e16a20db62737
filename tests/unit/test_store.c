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

static struct record record_of(const char *kind, uint64_t version, struct bytes body)
{
    return (struct record){.provider = BYTES_LIT("https://a"),
                           .kind = bytes_text(kind),
                           .version = version,
                           .time = 1000 + (int64_t)version,
                           .body = body,
                           .hash = BYTES_LIT("h\0h"),
                           .caller = BYTES_LIT("tester")};
}

static bool put_all(struct store *s, const struct record *records, size_t count)
{
    struct fault fault = {0};
    bool conflict;
    bool ok = store_append(s, records, count, &conflict, &fault);

    if (!ok && !conflict)
        fail_msg("%s", fault.text);
    return ok;
}

static bool put(struct store *s, const char *kind, uint64_t version, const char *body)
{
    struct record r = record_of(kind, version, bytes_text(body));

    return put_all(s, &r, 1);
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

    assert_true(store_changes(s, &arena, 0, note, &seen, NULL));
    assert_int_equal(seen.count, 2);
    assert_bytes_are(seen.last.kind, "policy/SgxEnclave");
    assert_bytes_are(seen.last.body, "three");
    assert_int_equal(seen.last.version, 3);
    assert_int_equal(seen.last.sequence, 4);
    assert_bytes_equal(seen.last.hash, BYTES_LIT("h\0h"));
    assert_int_equal(seen.last.signer.n, 0);
    assert_bytes_are(seen.first.body, "t");
    assert_int_equal(seen.first.sequence, 3);

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

static unsigned changes_since(struct store *s, uint64_t since, struct seen *seen)
{
    struct fault fault = {0};

    *seen = (struct seen){0};
    if (!store_changes(s, &arena, since, note, seen, &fault))
        fail_msg("%s", fault.text);
    return seen->count;
}

static void several_records_are_all_or_none(void **state)
{
    (void)state;
    struct store *s = open_named("several.db");
    const struct record good[] = {record_of("provider", 1, BYTES_LIT("p")), record_of("key", 1, BYTES_LIT("k")),
                                  record_of("key", 2, BYTES_NONE)};
    const struct record late[] = {record_of("signers", 1, BYTES_LIT("s")), record_of("key", 2, BYTES_LIT("late"))};
    struct record bad = record_of("a\tb", 1, BYTES_NONE);
    struct seen seen;
    uint64_t generation;
    bool conflict;

    assert_true(put_all(s, good, 3));
    assert_false(put_all(s, late, 2)); /* its first record was fine */
    assert_int_equal(changes_since(s, 0, &seen), 2);
    assert_bytes_are(seen.first.kind, "provider");
    assert_int_equal(seen.first.sequence, 1);
    assert_int_equal(seen.last.sequence, 3);
    assert_int_equal(seen.last.body.n, 0);
    assert_int_equal(changes_since(s, 3, &seen), 0);
    assert_int_equal(changes_since(s, UINT64_MAX, &seen), 0);
    assert_true(put(s, "signers", 1, "s")); /* nothing of the failed one is left, no number is lost */
    assert_int_equal(changes_since(s, 3, &seen), 1);
    assert_int_equal(seen.first.sequence, 4);
    assert_true(store_generation(s, &generation, NULL));
    assert_int_equal(generation, 4);

    bad.provider = BYTES_LIT("a\0b");
    assert_false(store_append(s, &bad, 1, &conflict, NULL));
    bad.provider = BYTES_LIT("a\xff");
    assert_false(store_append(s, &bad, 1, &conflict, NULL));
    assert_false(conflict);
    store_close(s);
}

static bool changed_within(struct store *s, int fd, int milliseconds)
{
    struct fault fault = {0};
    bool changed;

    if (!store_wait(s, fd, milliseconds, &changed, &fault))
        fail_msg("%s", fault.text);
    return changed;
}

static void waiting(void **state)
{
    (void)state;
    struct store *s = open_named("wait.db");
    struct seen seen;
    int pipes[2];

    assert_int_equal(pipe(pipes), 0);
    assert_false(changed_within(s, -1, 0));
    assert_true(put(s, "policy/Tpm", 1, "x"));
    assert_true(changed_within(s, -1, 60000)); /* there already */
    changes_since(s, 0, &seen);
    assert_false(changed_within(s, -1, 1));
    pid_t child = fork();
    if (child == 0) {
        struct store *other = open_named("wait.db");

        usleep(300000);
        _exit(put(other, "policy/Tpm", 2, "y") ? 0 : 1);
    }
    assert_true(changed_within(s, pipes[0], 60000));
    waitpid(child, NULL, 0);
    assert_int_equal(changes_since(s, 1, &seen), 1);
    assert_bytes_are(seen.first.body, "y");
    assert_int_equal(write(pipes[1], "w", 1), 1);
    assert_false(changed_within(s, pipes[0], 60000)); /* woken */
    close(pipes[0]);
    close(pipes[1]);
    store_close(s);
}

/* A file as the release before sequences made it. */
static void schema_1_is_brought_forward(void **state)
{
    (void)state;
    const char *old =
        "CREATE TABLE record (provider TEXT NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL, time INTEGER NOT "
        "NULL, body BLOB NOT NULL, hash BLOB NOT NULL, signer BLOB NOT NULL, caller BLOB NOT NULL, UNIQUE (provider, "
        "kind, version));"
        "INSERT INTO record (rowid, provider, kind, version, time, body, hash, signer, caller) VALUES"
        " (7, 'https://a', 'signers', 1, 11, x'00ff', x'02', x'03', x'04'),"
        " (3, 'https://b', 'policy/Tpm', 1, 10, x'61', x'', x'', x''),"
        " (9, 'https://a', 'signers', 2, 12, x'', x'05', x'', x'06');"
        "PRAGMA user_version = 1;";
    struct seen seen;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(arena_printf(&arena, "%s/old.db", folder), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, old, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    for (int round = 0; round < 2; round++) {
        struct store *s = open_named("old.db");

        assert_int_equal(changes_since(s, 0, &seen), 2);
        assert_bytes_are(seen.first.provider, "https://b");
        assert_int_equal(seen.first.sequence, 1); /* numbered anew, without gaps, in the order they were made */
        assert_int_equal(seen.last.sequence, 3);
        assert_int_equal(seen.last.version, 2);
        assert_bytes_equal(seen.last.caller, BYTES_LIT("\6"));
        assert_true(store_history(s, &arena, BYTES_LIT("https://a"), BYTES_LIT("signers"),
                                  &(struct history_page){.limit = 1, .before = 2, .bodies = true}, note, &seen, NULL));
        assert_bytes_equal(seen.last.body, BYTES_LIT("\0\xff"));
        assert_int_equal(seen.last.sequence, 2);
        store_close(s);
    }
    struct store *s = open_named("old.db");
    assert_true(put(s, "signers", 3, "new"));
    assert_int_equal(changes_since(s, 3, &seen), 1);
    assert_int_equal(seen.first.sequence, 4);
    store_close(s);
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

        struct seen seen;
        struct store *s = open_named(name);
        changes_since(s, 0, &seen);
        assert_true(acknowledged > 0 && seen.last.version >= acknowledged);
        assert_true(put(s, "policy/Tpm", seen.last.version + 1, "after"));
        store_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_and_history),
        cmocka_unit_test(several_records_are_all_or_none),
        cmocka_unit_test(waiting),
        cmocka_unit_test(schema_1_is_brought_forward),
        cmocka_unit_test(newer_schema_is_refused),
        cmocka_unit_test(acknowledged_survives_kill),
    };
    return cmocka_run_group_tests_name("store", tests, set_up, tear_down);
}
