/* Values into and out of statements of SQLite; for src/store alone. */
#ifndef ASSAY_STORE_SQLITE_VALUE_H
#define ASSAY_STORE_SQLITE_VALUE_H

#include <sqlite3.h>

#include "base/arena.h"

/* The view must live until the statement was reset. */
static inline void sqlite_bind(sqlite3_stmt *statement, int i, struct bytes b, bool text)
{
    static const char empty[] = "";
    const char *p = b.n ? (const char *)b.p : empty; /* NULL would bind SQL's null */

    if (text)
        sqlite3_bind_text64(statement, i, p, b.n, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_blob64(statement, i, p, b.n, SQLITE_STATIC);
}

/* For the next use; a step's result is judged before. */
static inline void sqlite_done(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

static inline struct bytes sqlite_column(sqlite3_stmt *statement, int i, struct arena *a)
{
    const void *p = sqlite3_column_blob(statement, i);

    return arena_copy(a, bytes_make(p, (size_t)sqlite3_column_bytes(statement, i)));
}

/* Numbers beyond SQLite's are beyond every number there is. */
static inline sqlite3_int64 sqlite_bounded(uint64_t n)
{
    return n < INT64_MAX ? (sqlite3_int64)n : INT64_MAX;
}

#endif
