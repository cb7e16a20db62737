/* SQLite: nothing to install, one file. WAL with synchronous=FULL: a commit that was acknowledged is on the disk. */
#include "store/driver.h"

#include <poll.h>
#include <stdlib.h>

#include "store/sqlite_value.h"

enum {
    SCHEMA = 3,
    BUSY_MILLISECONDS = 5000, /* another writer's transaction is waited for */
    POLL_MILLISECONDS = 250,  /* SQLite does not tell other processes of a change; asking costs some microseconds */
};

enum statement { SQL_APPEND, SQL_CHANGES, SQL_RECORDS, SQL_HISTORY, SQL_GENERATION, SQL_RESEAL, SQL_COUNT };

#define UNSEALED "provider, kind, version, time, body, hash, signer, caller" /* until schema 2 */
#define COLUMNS  UNSEALED ", seal"

/* The sequence is the row's key: rows are never deleted, and a transaction that is rolled back leaves no gap. */
#define TABLE                                                                                                         \
    "CREATE TABLE record (sequence INTEGER PRIMARY KEY, provider TEXT NOT NULL, kind TEXT NOT NULL, version INTEGER " \
    "NOT NULL, time INTEGER NOT NULL, body BLOB NOT NULL, hash BLOB NOT NULL, signer BLOB NOT NULL, caller BLOB NOT " \
    "NULL, seal BLOB NOT NULL DEFAULT x'', UNIQUE (provider, kind, version))"

static const char *const texts[SQL_COUNT] = {
    /* Nothing is inserted unless the version is the next one. */
    [SQL_APPEND] = "INSERT INTO record (" COLUMNS ") SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE ?3 = 1 + "
                   "(SELECT coalesce(max(version), 0) FROM record WHERE provider = ?1 AND kind = ?2)",
    [SQL_CHANGES] =
        "SELECT " COLUMNS ", sequence FROM record AS r WHERE sequence > ?1 AND version = (SELECT max(version) "
        "FROM record WHERE provider = r.provider AND kind = r.kind) ORDER BY sequence",
    [SQL_RECORDS] = "SELECT " COLUMNS ", sequence FROM record WHERE sequence > ?1 ORDER BY sequence",
    [SQL_HISTORY] = ("SELECT provider, kind, version, time, CASE WHEN ?5 THEN body ELSE x'' END, hash, signer, caller, "
                     "seal, sequence FROM "
                     "record WHERE provider = ?1 AND kind = ?2 AND version < ?3 ORDER BY version DESC LIMIT ?4"),
    [SQL_GENERATION] = "SELECT coalesce(max(sequence), 0) FROM record",
    [SQL_RESEAL] = "UPDATE record SET hash = ?2, seal = ?3 WHERE sequence = ?1",
};

struct sqlite_store {
    struct store store; /* first */
    sqlite3 *db;
    sqlite3_stmt *prepared[SQL_COUNT];
};

static bool broken(struct sqlite_store *s, const char *doing, struct fault *fault)
{
    return fault_set(fault, FAULT_SYSTEM, "sqlite: %s: %s", doing, s->db ? sqlite3_errmsg(s->db) : "no memory");
}

static void close_sqlite(struct store *store)
{
    struct sqlite_store *s = (struct sqlite_store *)store;

    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(s->prepared[i]);
    sqlite3_close(s->db);
    free(s);
}

static bool run(struct sqlite_store *s, const char *sql, struct fault *fault)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK || broken(s, sql, fault);
}

static bool schema_version(struct sqlite_store *s, int *out, struct fault *fault)
{
    sqlite3_stmt *statement;
    bool ok = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;

    if (ok)
        *out = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return ok || broken(s, "read the schema's version", fault);
}

/* From schema 1, where the order was that of SQLite's hidden row numbers. */
static bool add_sequence(struct sqlite_store *s, struct fault *fault)
{
    return run(s, "ALTER TABLE record RENAME TO record_1", fault) && run(s, TABLE, fault) &&
           run(s, "INSERT INTO record (" UNSEALED ") SELECT " UNSEALED " FROM record_1 ORDER BY rowid", fault) &&
           run(s, "DROP TABLE record_1", fault);
}

/* From schema 2, whose records nobody sealed. */
static bool add_seal(struct sqlite_store *s, struct fault *fault)
{
    return run(s, "ALTER TABLE record ADD COLUMN seal BLOB NOT NULL DEFAULT x''", fault);
}

/* Under the write lock, so that of two processes one finds the work done. */
static bool migrate(struct sqlite_store *s, struct fault *fault)
{
    int found = 0;

    if (!schema_version(s, &found, fault))
        return false;
    if (found == SCHEMA)
        return true;
    bool ok = found == 2 ? add_seal(s, fault) : found == 1 ? add_sequence(s, fault) : run(s, TABLE, fault);
    return ok && run(s, "PRAGMA user_version = 3", fault);
}

static bool make_schema(struct sqlite_store *s, struct fault *fault)
{
    int found = 0;

    if (!schema_version(s, &found, fault))
        return false;
    if (found > SCHEMA)
        return store_too_new(found, SCHEMA, fault);
    return found == SCHEMA ||
           (run(s, "BEGIN IMMEDIATE", fault) && migrate(s, fault) && run(s, "COMMIT", fault)); /* closing undoes it */
}

static bool prepare(struct sqlite_store *s, struct fault *fault)
{
    for (int i = 0; i < SQL_COUNT; i++)
        if (sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->prepared[i], NULL) != SQLITE_OK)
            return broken(s, "prepare a statement", fault);
    return true;
}

static struct store *open_sqlite(const char *url, const char *path, struct fault *fault)
{
    struct sqlite_store *s = calloc(1, sizeof *s);

    (void)url;
    if (!s) {
        fault_set(fault, FAULT_SYSTEM, "no memory");
        return NULL;
    }
    s->store.driver = &store_sqlite;
    /* Without SQLite's locks: one thread uses a store at a time (store.h). */
    const int how = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &s->db, how, NULL) != SQLITE_OK) {
        broken(s, path, fault);
    } else {
        sqlite3_busy_timeout(s->db, BUSY_MILLISECONDS);
        if (run(s, "PRAGMA journal_mode = WAL", fault) && run(s, "PRAGMA synchronous = FULL", fault) &&
            make_schema(s, fault) && prepare(s, fault))
            return &s->store;
    }
    close_sqlite(&s->store);
    return NULL;
}

static bool generation(struct store *store, uint64_t *out, struct fault *fault)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *statement = s->prepared[SQL_GENERATION];
    bool ok = sqlite3_step(statement) == SQLITE_ROW || broken(s, "read the generation", fault);

    if (ok)
        *out = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite_done(statement);
    return ok;
}

static bool append_one(struct sqlite_store *s, const struct record *r, bool *conflict, struct fault *fault)
{
    sqlite3_stmt *statement = s->prepared[SQL_APPEND];

    sqlite_bind(statement, 1, r->provider, true);
    sqlite_bind(statement, 2, r->kind, true);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)r->version);
    sqlite3_bind_int64(statement, 4, r->time);
    sqlite_bind(statement, 5, r->body, false);
    sqlite_bind(statement, 6, r->hash, false);
    sqlite_bind(statement, 7, r->signer, false);
    sqlite_bind(statement, 8, r->caller, false);
    sqlite_bind(statement, 9, r->seal, false);
    bool ok = sqlite3_step(statement) == SQLITE_DONE || broken(s, "append a record", fault);
    if (ok && sqlite3_changes(s->db) == 0)
        ok = store_conflict(conflict, fault);
    sqlite_done(statement);
    return ok;
}

/* After an error of the disk in the middle of it, a commit may come to light when the file is opened again. */
static bool commit(struct sqlite_store *s, struct fault *fault)
{
    int result = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);

    if ((result & 0xff) == SQLITE_IOERR)
        return fault_set(fault, FAULT_UNCERTAIN, "sqlite: commit: %s: it is not known whether the change was made",
                         sqlite3_errmsg(s->db));
    return result == SQLITE_OK || broken(s, "commit", fault);
}

static bool append_all(struct sqlite_store *s, struct source *from, bool *conflict, struct fault *fault)
{
    const struct record *r;
    uint64_t before = 0;

    if (from->into_empty && (!generation(&s->store, &before, fault) || before))
        return before && store_not_empty(before, fault);
    for (uint64_t i = 0;; i++) {
        if (!source_next(from, i, &r, fault))
            return false;
        if (!r)
            return true;
        if (!append_one(s, r, conflict, fault))
            return false;
    }
}

static bool append(struct store *store, struct source *from, bool *conflict, struct fault *fault)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    bool ok = run(s, "BEGIN IMMEDIATE", fault) && append_all(s, from, conflict, fault) && commit(s, fault);

    if (!ok && !sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return ok;
}

static bool reseal_one(struct sqlite_store *s, const struct record *r, struct fault *fault)
{
    sqlite3_stmt *statement = s->prepared[SQL_RESEAL];

    sqlite3_bind_int64(statement, 1, (sqlite3_int64)r->sequence);
    sqlite_bind(statement, 2, r->hash, false);
    sqlite_bind(statement, 3, r->seal, false);
    bool ok = sqlite3_step(statement) == SQLITE_DONE || broken(s, "seal a record", fault);
    sqlite_done(statement);
    return ok;
}

static bool reseal(struct store *store, const struct record *records, size_t count, struct fault *fault)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    bool ok = run(s, "BEGIN IMMEDIATE", fault);

    for (size_t i = 0; ok && i < count; i++)
        ok = reseal_one(s, &records[i], fault);
    ok = ok && commit(s, fault);
    if (!ok && !sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return ok;
}

static bool visit_rows(struct sqlite_store *s, sqlite3_stmt *statement, struct arena *a, store_visit *each,
                       void *context, struct fault *fault)
{
    int result;

    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        struct record r = {
            .provider = sqlite_column(statement, 0, a),
            .kind = sqlite_column(statement, 1, a),
            .version = (uint64_t)sqlite3_column_int64(statement, 2),
            .time = sqlite3_column_int64(statement, 3),
            .body = sqlite_column(statement, 4, a),
            .hash = sqlite_column(statement, 5, a),
            .signer = sqlite_column(statement, 6, a),
            .caller = sqlite_column(statement, 7, a),
            .seal = sqlite_column(statement, 8, a),
            .sequence = (uint64_t)sqlite3_column_int64(statement, 9),
        };

        if (!each(context, &r))
            break;
    }
    bool ok = result == SQLITE_DONE || result == SQLITE_ROW || broken(s, "read records", fault);
    sqlite_done(statement);
    return ok;
}

static bool changes(struct store *store, struct arena *a, uint64_t since, store_visit *each, void *context,
                    struct fault *fault)
{
    struct sqlite_store *s = (struct sqlite_store *)store;

    sqlite3_bind_int64(s->prepared[SQL_CHANGES], 1, sqlite_bounded(since));
    return visit_rows(s, s->prepared[SQL_CHANGES], a, each, context, fault);
}

static bool records(struct store *store, struct arena *a, uint64_t since, store_visit *each, void *context,
                    struct fault *fault)
{
    struct sqlite_store *s = (struct sqlite_store *)store;

    sqlite3_bind_int64(s->prepared[SQL_RECORDS], 1, sqlite_bounded(since));
    return visit_rows(s, s->prepared[SQL_RECORDS], a, each, context, fault);
}

static bool history(struct store *store, struct arena *a, struct bytes provider, struct bytes kind,
                    const struct history_page *page, store_visit *each, void *context, struct fault *fault)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *statement = s->prepared[SQL_HISTORY];

    sqlite_bind(statement, 1, provider, true);
    sqlite_bind(statement, 2, kind, true);
    sqlite3_bind_int64(statement, 3, page->before ? sqlite_bounded(page->before) : INT64_MAX);
    sqlite3_bind_int64(statement, 4, sqlite_bounded(page->limit));
    sqlite3_bind_int(statement, 5, page->bodies);
    return visit_rows(s, statement, a, each, context, fault);
}

static bool sleep_sqlite(struct store *store, int wake_fd, int milliseconds, bool *woken, struct fault *fault)
{
    struct pollfd wake = {.fd = wake_fd, .events = POLLIN}; /* poll skips -1 */

    (void)store, (void)fault;
    *woken = poll(&wake, 1, milliseconds < POLL_MILLISECONDS ? milliseconds : POLL_MILLISECONDS) > 0;
    return true;
}

const struct store_driver store_sqlite = {"sqlite", open_sqlite, close_sqlite, append, changes,
                                          records,  history,     generation,   reseal, sleep_sqlite};
