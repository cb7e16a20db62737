/* SQLite: nothing to install, one file. WAL with synchronous=FULL: a commit that was acknowledged is on the disk. */
#include "store/driver.h"

#include <sqlite3.h>
#include <stdlib.h>

enum { BUSY_MILLISECONDS = 5000 };

enum statement { SQL_APPEND, SQL_CURRENT, SQL_HISTORY, SQL_GENERATION, SQL_COUNT };

#define COLUMNS "provider, kind, version, time, body, hash, signer, caller"

static const char *const texts[SQL_COUNT] = {
    /* Nothing is inserted unless the version is the next one. */
    [SQL_APPEND] = "INSERT INTO record (" COLUMNS ") SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE ?3 = 1 + "
                   "(SELECT coalesce(max(version), 0) FROM record WHERE provider = ?1 AND kind = ?2)",
    [SQL_CURRENT] = "SELECT " COLUMNS " FROM record AS r WHERE version = (SELECT max(version) FROM record WHERE "
                    "provider = r.provider AND kind = r.kind) ORDER BY provider, kind",
    [SQL_HISTORY] =
        ("SELECT provider, kind, version, time, CASE WHEN ?5 THEN body ELSE x'' END, hash, signer, caller FROM "
         "record WHERE provider = ?1 AND kind = ?2 AND version < ?3 ORDER BY version DESC LIMIT ?4"),
    [SQL_GENERATION] = "SELECT coalesce(max(rowid), 0) FROM record",
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

static bool make_schema(struct sqlite_store *s, struct fault *fault)
{
    int found = 0;

    if (!schema_version(s, &found, fault))
        return false;
    if (found > STORE_SCHEMA)
        return fault_set(
            fault, FAULT_USAGE,
            "the store has schema %d, this program knows up to %d: it was written by a newer release; use that one",
            found, STORE_SCHEMA);
    if (found == STORE_SCHEMA)
        return true;
    return run(s, "BEGIN IMMEDIATE", fault) &&
           run(s,
               "CREATE TABLE IF NOT EXISTS record (provider TEXT NOT NULL, kind TEXT NOT NULL, version INTEGER NOT "
               "NULL, "
               "time INTEGER NOT NULL, body BLOB NOT NULL, hash BLOB NOT NULL, signer BLOB NOT NULL, caller BLOB NOT "
               "NULL, "
               "UNIQUE (provider, kind, version))",
               fault) &&
           run(s, "PRAGMA user_version = 1", fault) && run(s, "COMMIT", fault);
}

static bool prepare(struct sqlite_store *s, struct fault *fault)
{
    for (int i = 0; i < SQL_COUNT; i++)
        if (sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->prepared[i], NULL) != SQLITE_OK)
            return broken(s, "prepare a statement", fault);
    return true;
}

static struct store *open_sqlite(const char *path, struct fault *fault)
{
    struct sqlite_store *s = calloc(1, sizeof *s);

    if (!s) {
        fault_set(fault, FAULT_SYSTEM, "no memory");
        return NULL;
    }
    s->store.driver = &store_sqlite;
    if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) {
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

static void bind(sqlite3_stmt *statement, int i, struct bytes b, bool text)
{
    static const char empty[] = "";
    const char *p = b.n ? (const char *)b.p : empty; /* NULL would bind SQL's null */

    if (text)
        sqlite3_bind_text64(statement, i, p, b.n, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_blob64(statement, i, p, b.n, SQLITE_STATIC);
}

/* For the next use; a step's result is judged before. */
static void done(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

static bool append(struct store *store, const struct record *r, bool *conflict, struct fault *fault)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *statement = s->prepared[SQL_APPEND];

    bind(statement, 1, r->provider, true);
    bind(statement, 2, r->kind, true);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)r->version);
    sqlite3_bind_int64(statement, 4, r->time);
    bind(statement, 5, r->body, false);
    bind(statement, 6, r->hash, false);
    bind(statement, 7, r->signer, false);
    bind(statement, 8, r->caller, false);
    int result = sqlite3_step(statement);
    bool ok = result == SQLITE_DONE || broken(s, "append a record", fault);
    *conflict = result == SQLITE_CONSTRAINT || (ok && sqlite3_changes(s->db) == 0);
    done(statement);
    if (ok && *conflict)
        return fault_set(fault, FAULT_USAGE, "another change of the same record came first; read it and try again");
    return ok;
}

static struct bytes column(sqlite3_stmt *statement, int i, struct arena *a)
{
    const void *p = sqlite3_column_blob(statement, i);

    return arena_copy(a, bytes_make(p, (size_t)sqlite3_column_bytes(statement, i)));
}

static bool visit_rows(struct sqlite_store *s, sqlite3_stmt *statement, struct arena *a, store_visit *each,
                       void *context, struct fault *fault)
{
    int result;

    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        struct record r = {
            .provider = column(statement, 0, a),
            .kind = column(statement, 1, a),
            .version = (uint64_t)sqlite3_column_int64(statement, 2),
            .time = sqlite3_column_int64(statement, 3),
            .body = column(statement, 4, a),
            .hash = column(statement, 5, a),
            .signer = column(statement, 6, a),
            .caller = column(statement, 7, a),
        };

        if (!each(context, &r))
            break;
    }
    bool ok = result == SQLITE_DONE || result == SQLITE_ROW || broken(s, "read records", fault);
    done(statement);
    return ok;
}

static bool current(struct store *store, struct arena *a, store_visit *each, void *context, struct fault *fault)
{
    struct sqlite_store *s = (struct sqlite_store *)store;

    return visit_rows(s, s->prepared[SQL_CURRENT], a, each, context, fault);
}

static bool history(struct store *store, struct arena *a, struct bytes provider, struct bytes kind,
                    const struct history_page *page, store_visit *each, void *context, struct fault *fault)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *statement = s->prepared[SQL_HISTORY];

    bind(statement, 1, provider, true);
    bind(statement, 2, kind, true);
    sqlite3_bind_int64(statement, 3,
                       page->before && page->before < INT64_MAX ? (sqlite3_int64)page->before : INT64_MAX);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)page->limit);
    sqlite3_bind_int(statement, 5, page->bodies);
    return visit_rows(s, statement, a, each, context, fault);
}

static bool generation(struct store *store, uint64_t *out, struct fault *fault)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *statement = s->prepared[SQL_GENERATION];
    bool ok = sqlite3_step(statement) == SQLITE_ROW || broken(s, "read the generation", fault);

    if (ok)
        *out = (uint64_t)sqlite3_column_int64(statement, 0);
    done(statement);
    return ok;
}

const struct store_driver store_sqlite = {"sqlite", open_sqlite, close_sqlite, append, current, history, generation};
