#include "store/kept.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/sqlite_value.h"

enum {
    SCHEMA = 2,
    BUSY_MILLISECONDS = 1000,
    SHARE = 4, /* so many times what is free a provider may hold */
};

enum statement { SQL_ADD, SQL_FIND, SQL_SWEEP, SQL_FORGET, SQL_HELD, SQL_SIZE, SQL_COUNT };

/* At most KEPT_SWEEP_ROWS, and how large each was. */
#define SOME(which) \
    "DELETE FROM kept WHERE number IN (SELECT number FROM kept WHERE " which " LIMIT ?3) RETURNING length(body)"

static const char *const texts[SQL_COUNT] = {
    [SQL_ADD] = "INSERT OR REPLACE INTO kept (number, provider, begin, expires, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    [SQL_FIND] = "SELECT body FROM kept WHERE number = ?1 AND provider = ?2 AND begin = ?3 AND expires > ?4",
    [SQL_SWEEP] = SOME("expires <= ?1"),
    [SQL_FORGET] = SOME("provider = ?1 AND begin < ?2"),
    [SQL_HELD] = "SELECT coalesce((SELECT bytes FROM held WHERE provider = ?1), 0)",
    [SQL_SIZE] = "SELECT coalesce(sum(bytes), 0) FROM held",
};

/* What is deleted is overwritten with zeros in the file itself. It stood in the journal meanwhile, whose blocks a commit gives back to
 * the file system as they are: those hold what was encrypted until something else is written there, and no program can reach them. */
#define PRAGMAS                                                                             \
    "PRAGMA secure_delete = ON; PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL;" \
    "PRAGMA trusted_schema = OFF; PRAGMA recursive_triggers = ON" /* which a row that is replaced sets off, too */
#define KEPT                                                                                                          \
    "CREATE TABLE kept (number INTEGER PRIMARY KEY, provider TEXT NOT NULL, begin INTEGER NOT NULL, expires "         \
    "INTEGER NOT NULL, body BLOB NOT NULL); CREATE INDEX kept_expires ON kept (expires); CREATE INDEX kept_provider " \
    "ON kept (provider, begin);"
#define HELD                                                                                                      \
    "CREATE TABLE held (provider TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;"                        \
    "INSERT INTO held SELECT provider, sum(length(body)) FROM kept GROUP BY provider;"                            \
    "CREATE TRIGGER kept_in AFTER INSERT ON kept BEGIN INSERT INTO held VALUES (new.provider, length(new.body)) " \
    "ON CONFLICT (provider) DO UPDATE SET bytes = bytes + excluded.bytes; END;"                                   \
    "CREATE TRIGGER kept_out AFTER DELETE ON kept BEGIN UPDATE held SET bytes = bytes - length(old.body) WHERE "  \
    "provider = old.provider; DELETE FROM held WHERE provider = old.provider AND bytes = 0; END;"
#define MADE(tables) "BEGIN IMMEDIATE;" tables "PRAGMA user_version = 2; COMMIT"

static const char *const made_from[SCHEMA] = {MADE(KEPT HELD), MADE(HELD)};

struct kept_store {
    sqlite3 *db;
    sqlite3_stmt *prepared[SQL_COUNT];
    uint64_t size, most;
};

static bool broken(const struct kept_store *s, const char *doing, struct fault *fault)
{
    return fault_set(fault, FAULT_SYSTEM, "sqlite: %s: %s", doing, s->db ? sqlite3_errmsg(s->db) : "no memory");
}

static bool run(struct kept_store *s, const char *sql, struct fault *fault)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK || broken(s, "kept inputs", fault);
}

static bool number(struct kept_store *s, sqlite3_stmt *statement, uint64_t *out, struct fault *fault)
{
    bool ok = statement && sqlite3_step(statement) == SQLITE_ROW;

    if (ok)
        *out = (uint64_t)sqlite3_column_int64(statement, 0);
    else
        broken(s, "read a number", fault);
    return ok;
}

static bool make_tables(struct kept_store *s, struct fault *fault)
{
    sqlite3_stmt *statement = NULL;
    uint64_t found = 0;

    sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &statement, NULL);
    bool ok = number(s, statement, &found, fault);
    sqlite3_finalize(statement);
    if (ok && found > SCHEMA)
        return fault_set(fault, FAULT_SYNTAX, "it was made by a newer release");
    return ok && (found == SCHEMA || run(s, made_from[found], fault));
}

static bool measure(struct kept_store *s, struct fault *fault)
{
    bool ok = number(s, s->prepared[SQL_SIZE], &s->size, fault);

    sqlite_done(s->prepared[SQL_SIZE]);
    return ok;
}

static bool prepare(struct kept_store *s, struct fault *fault)
{
    for (int i = 0; i < SQL_COUNT; i++)
        if (sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->prepared[i], NULL) != SQLITE_OK)
            return broken(s, "prepare a statement", fault);
    return true;
}

struct kept_store *kept_store_open(const char *path, uint64_t most, struct fault *fault)
{
    struct kept_store *s = calloc(1, sizeof *s);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600); /* SQLite's journal takes the mode over */

    if (!s)
        abort();
    s->most = most;
    if (fd < 0)
        fault_set(fault, FAULT_SYSTEM, "%s cannot be opened", path);
    else
        close(fd);
    if (fd >= 0 && sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        broken(s, path, fault);
    } else if (fd >= 0) {
        sqlite3_busy_timeout(s->db, BUSY_MILLISECONDS);
        if (run(s, PRAGMAS, fault) && make_tables(s, fault) && prepare(s, fault) && measure(s, fault))
            return s;
    }
    kept_store_close(s);
    return NULL;
}

void kept_store_close(struct kept_store *s)
{
    if (!s)
        return;
    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(s->prepared[i]);
    sqlite3_close(s->db);
    free(s);
}

uint64_t kept_store_size(const struct kept_store *s)
{
    return s->size;
}

/* A provider that asks often leaves a fifth to the others, two such a ninth: who comes later finds room, if less. */
static bool find_room(struct kept_store *s, const struct kept_row *row, enum kept_room *room, struct fault *fault)
{
    uint64_t held;

    *room = KEPT_FULL;
    if (row->body.n > s->most || s->size > s->most - row->body.n)
        return true;
    sqlite_bind(s->prepared[SQL_HELD], 1, row->provider, true);
    bool ok = number(s, s->prepared[SQL_HELD], &held, fault);
    sqlite_done(s->prepared[SQL_HELD]);
    if (ok)
        *room = (held + row->body.n) / SHARE <= s->most - s->size - row->body.n ? KEPT_ROOM : KEPT_SHARE;
    return ok;
}

static bool add_one(struct kept_store *s, const struct kept_row *row, struct fault *fault)
{
    sqlite3_stmt *statement = s->prepared[SQL_ADD];

    sqlite3_bind_int64(statement, 1, sqlite_bounded(row->index));
    sqlite_bind(statement, 2, row->provider, true);
    sqlite3_bind_int64(statement, 3, sqlite_bounded(row->begin));
    sqlite3_bind_int64(statement, 4, row->expires);
    sqlite_bind(statement, 5, row->body, false);
    bool ok = sqlite3_step(statement) == SQLITE_DONE || broken(s, "keep inputs", fault);
    if (ok)
        s->size += row->body.n;
    sqlite_done(statement);
    return ok;
}

bool kept_store_add(struct kept_store *s, struct kept_row *rows, size_t count, struct fault *fault)
{
    uint64_t before = s->size;
    bool ok = run(s, "BEGIN IMMEDIATE", fault);

    for (size_t i = 0; ok && i < count; i++)
        ok = find_room(s, &rows[i], &rows[i].room, fault) && (rows[i].room != KEPT_ROOM || add_one(s, &rows[i], fault));
    ok = ok && run(s, "COMMIT", fault);
    if (ok)
        return true;
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    s->size = before;
    return false;
}

bool kept_store_find(struct kept_store *s, uint64_t index, struct bytes provider, uint64_t begin, int64_t now,
                     struct arena *a, struct bytes *body, struct fault *fault)
{
    sqlite3_stmt *statement = s->prepared[SQL_FIND];

    *body = BYTES_NONE;
    sqlite3_bind_int64(statement, 1, sqlite_bounded(index));
    sqlite_bind(statement, 2, provider, true);
    sqlite3_bind_int64(statement, 3, sqlite_bounded(begin));
    sqlite3_bind_int64(statement, 4, now);
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *body = sqlite_column(statement, 0, a);
    bool ok = result == SQLITE_ROW || result == SQLITE_DONE || broken(s, "read kept inputs", fault);
    sqlite_done(statement);
    return ok;
}

static bool delete_some(struct kept_store *s, sqlite3_stmt *statement, uint64_t *gone, struct fault *fault)
{
    uint64_t rows = 0, bytes = 0;
    int result;

    sqlite3_bind_int64(statement, 3, KEPT_SWEEP_ROWS);
    for (; (result = sqlite3_step(statement)) == SQLITE_ROW; rows++)
        bytes += (uint64_t)sqlite3_column_int64(statement, 0);
    bool ok = result == SQLITE_DONE || broken(s, "delete kept inputs", fault);
    *gone = ok ? rows : 0;
    if (ok)
        s->size -= bytes < s->size ? bytes : s->size;
    sqlite_done(statement);
    return ok;
}

bool kept_store_sweep(struct kept_store *s, int64_t now, uint64_t *gone, struct fault *fault)
{
    sqlite3_bind_int64(s->prepared[SQL_SWEEP], 1, now);
    return delete_some(s, s->prepared[SQL_SWEEP], gone, fault);
}

bool kept_store_forget(struct kept_store *s, struct bytes provider, uint64_t deleted, struct fault *fault)
{
    uint64_t gone = KEPT_SWEEP_ROWS;
    bool ok = true;

    while (ok && gone == KEPT_SWEEP_ROWS) {
        sqlite_bind(s->prepared[SQL_FORGET], 1, provider, true);
        sqlite3_bind_int64(s->prepared[SQL_FORGET], 2, sqlite_bounded(deleted));
        ok = delete_some(s, s->prepared[SQL_FORGET], &gone, fault);
    }
    return ok;
}
