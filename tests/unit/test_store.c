/* Stores of both kinds through one suite: versions, history, conflicts, several records, several writers, waiting, copies, and what
 * survives kill -9. Then what is SQLite's own. */
#include "store_case.h"

#include "store/copy.h"

/* Each case runs with the maker of urls of one kind. */
static struct store *open_named(void **state, const char *name)
{
    return open_url((*(url_of *const *)*state)(name));
}

static void versions_and_history(void **state)
{
    struct store *s = open_named(state, "versions"), *other = open_named(state, "versions");
    struct seen seen = {0};

    assert_int_equal(generation_of(other), 0);
    assert_true(put(s, "policy/SgxEnclave", 1, "one"));
    assert_true(put(s, "policy/SgxEnclave", 2, ""));
    assert_true(put(s, "policy/Tpm", 1, "t"));
    assert_false(put(other, "policy/SgxEnclave", 2, "late")); /* somebody was first */
    assert_false(put(other, "policy/SgxEnclave", 4, "gap"));
    assert_false(put(other, "policy/SgxEnclave", 0, "zero"));
    assert_true(put(other, "policy/SgxEnclave", 3, "three"));
    assert_int_equal(generation_of(s), 4);

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

static void several_records_are_all_or_none(void **state)
{
    struct store *s = open_named(state, "several");
    const struct record good[] = {record_of("provider", 1, BYTES_LIT("p")), record_of("key", 1, BYTES_LIT("k")),
                                  record_of("key", 2, BYTES_NONE)};
    const struct record late[] = {record_of("signers", 1, BYTES_LIT("s")), record_of("key", 2, BYTES_LIT("late"))};
    struct record bad = record_of("a\tb", 1, BYTES_NONE);
    struct seen seen;
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
    assert_int_equal(generation_of(s), 4);

    bad.provider = BYTES_LIT("a\0b");
    assert_false(store_append(s, &bad, 1, &conflict, NULL));
    bad.provider = BYTES_LIT("a\xff");
    assert_false(store_append(s, &bad, 1, &conflict, NULL));
    assert_false(conflict);
    store_close(s);
}

static void waiting(void **state)
{
    struct store *s = open_named(state, "wait");
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
        struct store *other = open_named(state, "wait");

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
        struct store *s = open_url(sqlite_url("old"));

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
    struct store *s = open_url(sqlite_url("old"));
    assert_true(put(s, "signers", 3, "new"));
    assert_int_equal(changes_since(s, 3, &seen), 1);
    assert_int_equal(seen.first.sequence, 4);
    store_close(s);
}

static void sqlite_refuses(void **state)
{
    (void)state;
    sqlite3 *db;

    store_close(open_url(sqlite_url("newer")));
    assert_int_equal(sqlite3_open(arena_printf(&arena, "%s/newer.db", folder), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_not_opened(sqlite_url("newer"), FAULT_USAGE, "newer release");
    assert_not_opened("paper:x", FAULT_USAGE, "store 'paper': no such kind of store");
    /* Mistyped, with a password that no log is to have. */
    assert_not_opened("postgres://who:secret@host/db", FAULT_USAGE, "store 'postgres': no such kind of store");
    assert_not_opened("who:secret@host/db", FAULT_USAGE, "store 'who': no such kind of store");
    assert_not_opened(sqlite_url("no/such/folder"), FAULT_SYSTEM, "unable to open");
}

/* Appends three records at a time, which say which version they are, and tells of each that was acknowledged. */
static void write_and_tell(struct store *s, int tell)
{
    static const char *const kinds[] = {"provider", "key", "policy/Tpm"};

    for (;;) {
        struct record r[3];
        uint64_t v;

        assert_true(store_next_version(s, &arena, BYTES_LIT("https://a"), BYTES_LIT("key"), &v, NULL));
        for (int i = 0; i < 3; i++)
            r[i] = record_of(kinds[i], v, bytes_text(arena_printf(&arena, "%s %d", kinds[i], (int)v)));
        /* A conflict: the session of the one before, killed in the middle, was still at work. */
        if (put_all(s, r, 3) && write(tell, &v, sizeof v) != sizeof v)
            _exit(1);
        arena_reset(&arena);
    }
}

/* Kills a writer somewhere behind its n-th change; gives the last one that was acknowledged. */
static uint64_t kill_writer(void **state, int n, useconds_t later)
{
    uint64_t told = 0, acknowledged = 0;
    int pipes[2];

    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0)
        write_and_tell(open_named(state, "kill"), pipes[1]);
    close(pipes[1]);
    for (; n > 0 && read(pipes[0], &told, sizeof told) == sizeof told; n--)
        acknowledged = told;
    usleep(later);
    kill(child, SIGKILL);
    while (read(pipes[0], &told, sizeof told) == sizeof told)
        acknowledged = told;
    close(pipes[0]);
    waitpid(child, NULL, 0);
    assert_int_equal(n, 0); /* else it ended by itself */
    return acknowledged;
}

/* All kinds are at the same version. */
static bool whole(void *context, const struct record *r)
{
    uint64_t *version = context;

    *version = *version ? *version : r->version;
    assert_int_equal(r->version, *version);
    assert_bytes_are(r->body,
                     arena_printf(&arena, "%.*s %d", (int)r->kind.n, (const char *)r->kind.p, (int)r->version));
    return true;
}

/* Twenty times in CI, two hundred with --long. */
static void acknowledged_survives_kill(void **state)
{
    const char *wanted = getenv("ASSAY_LONG");
    int rounds = wanted && *wanted ? 200 : 20;
    struct store *s = open_named(state, "kill");
    uint64_t last = 0;

    srand(1);
    for (int round = 0; round < rounds; round++) {
        uint64_t acknowledged = kill_writer(state, 1 + rand() % 10, (useconds_t)(rand() % 5000)), there = 0;

        assert_true(acknowledged > last);
        last = acknowledged;
        assert_int_equal(generation_of(s) % 3, 0);
        assert_true(store_changes(s, &arena, 0, whole, &there, NULL));
        assert_true(there >= acknowledged); /* more by what was committed and not told any more */
    }
    store_close(s);
}

static bool equal(const struct record *a, const struct record *b)
{
    return a->sequence == b->sequence && a->version == b->version && a->time == b->time &&
           bytes_equal(a->provider, b->provider) && bytes_equal(a->kind, b->kind) && bytes_equal(a->body, b->body) &&
           bytes_equal(a->hash, b->hash) && bytes_equal(a->signer, b->signer) && bytes_equal(a->caller, b->caller) &&
           bytes_equal(a->seal, b->seal);
}

static void any_bytes_come_back(void **state)
{
    struct store *s = open_named(state, "bytes");
    uint8_t *large = arena_alloc(&arena, 5000000), every[256];
    struct record r[4];
    struct seen seen;

    for (size_t i = 0; i < 5000000; i++)
        large[i] = (uint8_t)(i * 7 + i / 255);
    for (size_t i = 0; i < sizeof every; i++)
        every[i] = (uint8_t)i;
    r[0] = record_of("large", 1, bytes_make(large, 5000000));
    r[1] = record_of("empty", 1, BYTES_NONE);
    r[1].hash = r[1].signer = r[1].caller = r[1].seal = BYTES_NONE;
    r[1].time = INT64_MIN;
    r[2] = record_of("every \xe2\x82\xac '\"\\", 1, BYTES_OF(every));
    r[2].provider = BYTES_LIT("https://b");
    r[2].hash = r[2].signer = r[2].caller = r[2].seal = BYTES_OF(every);
    r[2].time = INT64_MAX;
    r[3] = record_of("nul", 1, BYTES_LIT("\0"));
    assert_true(put_all(s, r, 4));
    for (uint64_t i = 0; i < 4; i++) {
        r[i].sequence = i + 1;
        assert_int_equal(changes_since(s, i, &seen), 4 - i);
        assert_true(equal(&seen.first, &r[i]));
    }
    struct record too_large = record_of("large", 2, bytes_make(large, 64u * 1024 * 1024 + 1)); /* refused unread */
    struct fault fault = {0};
    bool conflict;
    assert_false(store_append(s, &too_large, 1, &conflict, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    assert_true(put_all(s, r, 0));
    assert_int_equal(generation_of(s), 4);
    store_close(s);
}

enum { WRITERS = 3, WRITES = 60 };

/* Appends two records at once to kinds of its own, and one more to a kind that all want, until that many are there. */
static void hammer(void **state, int writer)
{
    struct store *s = open_named(state, "hammer");
    const char *kind = arena_printf(&arena, "own/%d", writer);
    uint64_t shared = 1;

    for (uint64_t v = 1; v <= WRITES; v++) {
        struct record r[2];

        do {
            r[0] = record_of(kind, v, bytes_text(kind));
            r[1] = record_of("shared", shared++, bytes_text(kind));
        } while (!put_all(s, r, 2));
    }
    store_close(s);
}

struct order {
    uint64_t last, shared;
    bool good;
};

/* The next sequence, and of the shared kind the next version. */
static bool in_order(void *context, const struct record *r)
{
    struct order *o = context;

    o->good = o->good && r->sequence == o->last + 1;
    if (bytes_is(r->kind, "shared"))
        o->good = o->good && r->version == ++o->shared;
    o->last = r->sequence;
    return o->good;
}

static void readers_see_no_gap(void **state)
{
    struct store *s = open_named(state, "hammer");
    struct order order = {.good = true};
    struct seen seen;

    for (int writer = 0; writer < WRITERS; writer++)
        if (fork() == 0) {
            hammer(state, writer);
            _exit(0);
        }
    while (order.last < 2 * WRITERS * WRITES) {
        if (!store_records(s, &arena, order.last, in_order, &order, NULL) || !order.good)
            fail_msg("after %llu", (unsigned long long)order.last);
        if (changes_since(s, order.last, &seen))
            assert_true(seen.first.sequence > order.last);
    }
    for (int writer = 0, status; writer < WRITERS; writer++)
        assert_true(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(order.last, 2 * WRITERS * WRITES);
    assert_int_equal(order.shared, WRITERS * WRITES);
    store_close(s);
}

struct supply {
    const struct record *records;
    size_t count, given;
    bool fail;
};

static bool supply(void *context, const struct record **out, struct fault *fault)
{
    struct supply *s = context;

    *out = s->given < s->count ? &s->records[s->given++] : NULL;
    return *out || !s->fail || fault_set(fault, FAULT_SYNTAX, "torn");
}

static void imports_are_whole_and_into_nothing(void **state)
{
    struct store *s = open_named(state, "import");
    struct record r[] = {record_of("key", 1, BYTES_LIT("k")), record_of("signers", 1, BYTES_NONE),
                         record_of("key", 2, BYTES_LIT("l"))};
    struct fault fault = {0};
    uint64_t count;

    for (uint64_t i = 0; i < 3; i++)
        r[i].sequence = i + 1;
    assert_false(store_import(s, supply, &(struct supply){r, 3, 0, true}, &count, &fault));
    assert_string_equal(fault.text, "torn");
    r[2].sequence = 4;
    assert_false(store_import(s, supply, &(struct supply){r, 3, 0, false}, &count, NULL));
    r[2].sequence = 3;
    r[2].version = 3;
    fault = (struct fault){0};
    assert_false(store_import(s, supply, &(struct supply){r, 3, 0, false}, &count, &fault));
    assert_int_equal(fault.code, FAULT_SYNTAX);
    assert_int_equal(generation_of(s), 0);
    r[2].version = 2;
    assert_true(store_import(s, supply, &(struct supply){r, 3, 0, false}, &count, NULL));
    assert_int_equal(count, 3);
    struct order order = {.good = true};
    assert_true(store_records(s, &arena, 0, in_order, &order, NULL));
    assert_true(order.good && order.last == 3);
    fault = (struct fault){0};
    assert_false(store_import(s, supply, &(struct supply){r, 3, 0, false}, &count, &fault));
    assert_string_equal(fault.text, "the store is not empty: it holds 3 records");
    store_close(s);
}

/* A change while the store is copied must not be lost silently. */
static void change_meanwhile(void *context, uint64_t done, uint64_t total)
{
    (void)total;
    if (done == 2) /* the last of what there was */
        put(context, "late", 1, "x");
}

static void migrations_compare(void **state)
{
    struct store *from = open_named(state, "copied"), *other = open_named(state, "copied");
    struct fault fault = {0};
    uint64_t count;

    assert_true(put(from, "key", 1, "k"));
    assert_true(put(from, "key", 2, ""));
    struct store *to = open_named(state, "copy_1");
    assert_true(store_migrate(from, to, (struct copy_progress){0}, &count, &fault));
    assert_int_equal(count, 2);
    assert_int_equal(generation_of(to), 2);
    assert_false(store_migrate(from, to, (struct copy_progress){0}, &count, &fault));
    assert_string_equal(fault.text, "the store is not empty: it holds 2 records");
    store_close(to);
    to = open_named(state, "copy_2");
    fault = (struct fault){0};
    assert_false(store_migrate(from, to, (struct copy_progress){change_meanwhile, other}, &count, &fault));
    assert_non_null(strstr(fault.text, "1 changes were made"));
    store_close(to);
    store_close(from);
    store_close(other);
}

/* More than one answer of the database holds. */
static void long_lists(void **state)
{
    enum { MANY = 700 };
    struct store *s = open_named(state, "many");
    struct record *r = ARENA_ARRAY(&arena, struct record, MANY);
    struct order order = {.good = true};
    struct seen seen;

    for (uint64_t i = 0; i < MANY; i++)
        r[i] = record_of(arena_printf(&arena, "kind/%d", (int)(i % (MANY - 1))), 1 + i / (MANY - 1), BYTES_NONE);
    assert_true(put_all(s, r, MANY));
    assert_true(store_records(s, &arena, 0, in_order, &order, NULL));
    assert_true(order.good && order.last == MANY);
    assert_int_equal(changes_since(s, 0, &seen), MANY - 1); /* the first was superseded */
    assert_int_equal(seen.first.sequence, 2);
    assert_int_equal(changes_since(s, MANY - 1, &seen), 1);
    assert_int_equal(seen.first.version, 2);
    store_close(s);
}

#define BOTH(test)                                       \
    {#test " (sqlite)", test, NULL, NULL, &sqlite},      \
    {                                                    \
#test " (postgres)", test, NULL, NULL, &postgres \
    }

int main(void)
{
    url_of *sqlite = sqlite_url, *postgres = postgres_url;
    const struct CMUnitTest tests[] = {
        BOTH(versions_and_history),
        BOTH(several_records_are_all_or_none),
        BOTH(waiting),
        BOTH(any_bytes_come_back),
        BOTH(readers_see_no_gap),
        BOTH(imports_are_whole_and_into_nothing),
        BOTH(migrations_compare),
        BOTH(long_lists),
        BOTH(acknowledged_survives_kill),
        cmocka_unit_test(schema_1_is_brought_forward),
        cmocka_unit_test(sqlite_refuses),
    };
    return cmocka_run_group_tests_name("store", tests, store_set_up, store_tear_down);
}
