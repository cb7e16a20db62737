/* PostgreSQL: for several nodes and regions. Each append holds the one row of `generation`, so that sequences have no gaps and
 * nobody sees a later one before an earlier one; a change is told with NOTIFY, and found by asking where that gets lost. What
 * must be durable on how many servers is the database's own setting, never weaker than a commit on its disk. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "store/driver.h"
#include "store/postgres_link.h"
#include "store/postgres_url.h"

enum {
    PAGE = 256, /* records in one answer of the database, which libpq holds in memory as a whole */
    MARK_SIZE = 16,
    SETTLE_MILLISECONDS = 20000, /* to find out whether a commit took effect; a database restarts in less */
    SETTLE_PAUSE = 250,
};

/* Steps from one schema to the next. A record's mark is the transaction's that wrote it: by it a commit of which the answer was
 * lost is known again. */
static const char *const steps[] = {
    "CREATE TABLE record (sequence bigint PRIMARY KEY, provider text COLLATE \"C\" NOT NULL, kind text COLLATE \"C\" "
    "NOT "
    "NULL, version bigint NOT NULL, time bigint NOT NULL, body bytea NOT NULL, hash bytea NOT NULL, signer bytea NOT "
    "NULL, caller bytea NOT NULL, mark bytea NOT NULL, UNIQUE (provider, kind, version));"
    "CREATE TABLE generation (one boolean PRIMARY KEY DEFAULT true CHECK (one), value bigint NOT NULL);"
    "INSERT INTO generation (value) VALUES (0);"
    "CREATE TABLE schema (one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL);"
    "INSERT INTO schema (version) VALUES (1)",
    "ALTER TABLE record ADD COLUMN seal bytea NOT NULL DEFAULT ''",
};
enum { SCHEMA = sizeof steps / sizeof *steps };

/* Any number that is ours alone: "assay" in ASCII. */
#define LOCK_SCHEMA "SELECT pg_advisory_xact_lock(418313134457)"
#define FIND_SCHEMA "SELECT count(*) FROM pg_namespace WHERE nspname = 'assay'"
#define FIND_TABLES "SELECT count(*) FROM pg_tables WHERE schemaname = 'assay' AND tablename = 'schema'"
#define BEGIN_WRITE "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT value FROM generation FOR UPDATE"
#define BEGIN_READ  "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

enum statement { SQL_APPEND, SQL_CHANGES, SQL_RECORDS, SQL_HISTORY, SQL_GENERATION, SQL_MARKED, SQL_RESEAL, SQL_COUNT };

#define COLUMNS "provider, kind, version, time, body, hash, signer, caller, seal, sequence"

static const link_statement statements[SQL_COUNT] = {
    /* Nothing is inserted unless the version is the next one. */
    [SQL_APPEND] =
        "INSERT INTO record (" COLUMNS ", mark) SELECT $1::text, $2::text, $3::bigint, $4::bigint, "
        "$5::bytea, $6::bytea, $7::bytea, $8::bytea, $9::bytea, $10::bigint, $11::bytea WHERE $3::bigint = 1 + (SELECT "
        "coalesce(max(version), 0) FROM record WHERE provider = $1::text AND kind = $2::text)",
    [SQL_CHANGES] = "SELECT " COLUMNS " FROM record AS r WHERE sequence > $1::bigint AND version = (SELECT "
                    "max(version) FROM record WHERE provider = r.provider AND kind = r.kind) ORDER BY sequence LIMIT "
                    "$2::bigint",
    [SQL_RECORDS] = "SELECT " COLUMNS " FROM record WHERE sequence > $1::bigint ORDER BY sequence LIMIT $2::bigint",
    [SQL_HISTORY] =
        ("SELECT provider, kind, version, time, CASE WHEN $5::bigint <> 0 THEN body ELSE ''::bytea END, hash, signer, "
         "caller, seal, sequence FROM record WHERE provider = $1::text AND kind = $2::text AND version < $3::bigint "
         "ORDER BY "
         "version DESC LIMIT $4::bigint"),
    [SQL_GENERATION] = "SELECT value FROM generation",
    [SQL_MARKED] = "SELECT count(*) FROM record WHERE sequence > $1::bigint AND mark = $2::bytea",
    [SQL_RESEAL] = "UPDATE record SET hash = $2::bytea, seal = $3::bytea WHERE sequence = $1::bigint",
};

struct postgres_store {
    struct store store; /* first */
    struct link link;
    int poll_milliseconds;
};

static struct link *link_of(struct store *store)
{
    return &((struct postgres_store *)store)->link;
}

static bool no_answer(const struct link *l, const char *then, struct fault *fault)
{
    if (l->why.code == FAULT_USAGE)
        return fault_set(fault, FAULT_USAGE, "%s", l->why.text);
    return fault_set(fault, FAULT_SYSTEM, "the database does not answer as it should (%.400s)%s", l->why.text, then);
}

static bool ask_number(struct link *l, const char *command, int *out)
{
    PGresult *r = link_text(l, command);
    uint64_t n = 0;
    bool ok = r && ((PQntuples(r) == 1 && decimal_parse(bytes_text(PQgetvalue(r, 0, 0)), INT32_MAX, &n)) ||
                    fault_set(&l->why, FAULT_SYSTEM, "\"%s\" is answered by no number", command));

    *out = (int)n;
    PQclear(r);
    return ok;
}

static bool schema_version(struct link *l, int *out)
{
    int there = 0;

    *out = 0;
    return ask_number(l, FIND_TABLES, &there) && (!there || ask_number(l, "SELECT version FROM schema", out));
}

/* Under a lock, so that of two nodes that start at once one finds the work done. */
static bool migrate(struct link *l)
{
    char done[64];
    int found, there = 0;
    bool ok = link_do(l, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE") && link_do(l, LOCK_SCHEMA) &&
              ask_number(l, FIND_SCHEMA, &there) && (there || link_do(l, "CREATE SCHEMA assay")) &&
              schema_version(l, &found);

    for (; ok && found < SCHEMA; found++) {
        snprintf(done, sizeof done, "UPDATE schema SET version = %d", found + 1);
        ok = link_do(l, steps[found]) && link_do(l, done);
    }
    ok = ok && link_do(l, "COMMIT");
    link_rollback(l);
    return ok;
}

static bool greet(struct link *l)
{
    int found;

    if (!schema_version(l, &found))
        return false;
    if (found > SCHEMA) {
        l->why = (struct fault){0};
        return store_too_new(found, SCHEMA, &l->why);
    }
    /* A standby does not LISTEN: there, asking must do. */
    return (found == SCHEMA || migrate(l)) && (link_do(l, "LISTEN assay") || l->conn);
}

static void close_postgres(struct store *store)
{
    struct postgres_store *s = (struct postgres_store *)store;

    link_drop(&s->link);
    free(s->link.url);
    free(s->link.password_file);
    free(s);
}

static struct store *open_postgres(const char *url, const char *rest, struct fault *fault)
{
    struct postgres_store *s = calloc(1, sizeof *s);
    struct postgres_url read;

    if (!s) {
        fault_set(fault, FAULT_SYSTEM, "no memory");
        return NULL;
    }
    s->store.driver = &store_postgres;
    s->link = (struct link){.statements = statements, .statement_count = SQL_COUNT, .greet = greet};
    if (strncmp(rest, "//", 2) != 0) {
        fault_set(fault, FAULT_USAGE, "store: the url is not of the form postgresql://HOST/DATABASE");
    } else if (postgres_url_read(url, &read, fault)) {
        s->link.url = read.text;
        s->link.password_file = read.password_file;
        s->poll_milliseconds = read.poll_milliseconds;
        if (link_up(&s->link))
            return &s->store;
        no_answer(&s->link, "", fault);
    }
    close_postgres(&s->store);
    return NULL;
}

/* One append, tried on one connection. */
struct attempt {
    struct link *link;
    struct source *from;
    uint64_t before, count; /* the generation it found; records appended so far */
    uint8_t mark[MARK_SIZE];
    bool conflict, asked_to_commit;
};

static bool append_one(struct attempt *a, const struct record *r, struct fault *fault)
{
    struct link_values v = {0};

    link_bytes(&v, r->provider);
    link_bytes(&v, r->kind);
    link_number(&v, (int64_t)r->version);
    link_number(&v, r->time);
    link_bytes(&v, r->body);
    link_bytes(&v, r->hash);
    link_bytes(&v, r->signer);
    link_bytes(&v, r->caller);
    link_bytes(&v, r->seal);
    link_number(&v, (int64_t)(a->before + ++a->count));
    link_bytes(&v, BYTES_OF(a->mark));
    PGresult *result = link_call(a->link, SQL_APPEND, &v);
    bool ok = result || no_answer(a->link, ": nothing changed", fault);
    if (ok && strcmp(PQcmdTuples(result), "1") != 0)
        ok = store_conflict(&a->conflict, fault);
    PQclear(result);
    return ok;
}

static bool append_all(struct attempt *a, struct fault *fault)
{
    const struct record *r;

    for (;;) {
        if (!source_next(a->from, a->count, &r, fault))
            return false;
        if (!r)
            return true;
        if (!append_one(a, r, fault))
            return false;
    }
}

static bool begin(struct attempt *a, struct fault *fault)
{
    PGresult *r = link_text(a->link, BEGIN_WRITE);

    bool ok = r && PQntuples(r) == 1 && decimal_parse(bytes_text(PQgetvalue(r, 0, 0)), INT64_MAX, &a->before);

    PQclear(r);
    if (!ok)
        return no_answer(a->link, ": nothing changed", fault);
    return !a->from->into_empty || a->before == 0 || store_not_empty(a->before, fault);
}

/* Commits what was asked before. The wait for standbys must not be cut short by the statement's limit, for the commit would be
 * answered as if they had it; a warning says that somebody else cut it short. */
static bool commit_confirmed(struct link *l)
{
    PGresult *r = link_do(l, "SET LOCAL statement_timeout = 0") ? link_text(l, "COMMIT") : NULL;
    bool ok = r && strcmp(PQcmdStatus(r), "COMMIT") == 0;

    PQclear(r);
    return ok;
}

static bool commit(struct attempt *a, struct fault *fault)
{
    unsigned long long last = a->before + a->count;
    char end[128];

    snprintf(end, sizeof end, "UPDATE generation SET value = %llu; NOTIFY assay, '%llu'", last, last);
    if (!link_do(a->link, end))
        return no_answer(a->link, ": nothing changed", fault);
    a->asked_to_commit = true;
    if (!commit_confirmed(a->link)) {
        a->asked_to_commit = !a->link->conn; /* it was asked, and said no */
        return no_answer(a->link, ": nothing changed", fault);
    }
    return !a->link->warned ||
           fault_set(fault, FAULT_UNCERTAIN,
                     "the change was stored, but the database's standby did not confirm it: it may yet be lost");
}

/* Whether a commit took effect of which the answer did not come. While its session lives it holds the row of `generation`; once
 * that can be locked, what there is stays. A commit of our own behind it is confirmed by standbys only after they have the one
 * before. False: that cannot be told now. */
static bool look(const struct attempt *a, bool *there)
{
    struct link_values v = {0};
    PGresult *r = NULL;

    link_number(&v, (int64_t)a->before);
    link_bytes(&v, BYTES_OF(a->mark));
    if (link_up(a->link) && link_do(a->link, BEGIN_WRITE))
        r = link_call(a->link, SQL_MARKED, &v);
    if (r)
        *there = link_get_number(r, 0, 0) != 0;
    bool ok = r && (!*there || (link_do(a->link, "UPDATE generation SET value = value") && commit_confirmed(a->link) &&
                                !a->link->warned));
    PQclear(r);
    link_rollback(a->link);
    return ok;
}

static bool settle(const struct attempt *a, struct fault *fault)
{
    int64_t end = link_now() + SETTLE_MILLISECONDS;
    bool there;

    for (;;) {
        if (look(a, &there))
            return there ||
                   fault_set(fault, FAULT_SYSTEM,
                             "the connection to the database broke before the change was made: nothing changed");
        if (link_now() >= end)
            return fault_set(
                fault, FAULT_UNCERTAIN,
                "the connection to the database broke while it made the change, and it cannot be asked (%.300s): it "
                "is not known whether the change was made",
                a->link->why.text);
        poll(NULL, 0, SETTLE_PAUSE);
    }
}

static bool try_append(struct attempt *a, struct fault *fault)
{
    if (getrandom(a->mark, sizeof a->mark, 0) != sizeof a->mark)
        return fault_set(fault, FAULT_SYSTEM, "no random numbers");
    if (!link_up(a->link))
        return no_answer(a->link, ": nothing changed", fault);
    bool ok = begin(a, fault) && append_all(a, fault) && commit(a, fault);
    link_rollback(a->link);
    return ok;
}

static bool append(struct store *store, struct source *from, bool *conflict, struct fault *fault)
{
    for (int round = 0;; round++) {
        struct attempt a = {.link = link_of(store), .from = from};
        bool was_up = a.link->conn != NULL;
        struct fault why = {0};
        bool ok = try_append(&a, &why);

        *conflict = a.conflict;
        if (!ok && a.asked_to_commit && why.code != FAULT_UNCERTAIN) {
            why = (struct fault){0};
            ok = settle(&a, &why);
        } else if (!ok && was_up && !a.link->conn && round == 0 && from->records) {
            continue; /* the connection was from before a restart; nothing was committed on it */
        }
        return ok || fault_set(fault, why.code, "%s", why.text);
    }
}

static bool reseal_one(struct link *l, const struct record *r)
{
    struct link_values v = {0};

    link_number(&v, (int64_t)r->sequence);
    link_bytes(&v, r->hash);
    link_bytes(&v, r->seal);
    PGresult *result = link_call(l, SQL_RESEAL, &v);
    bool ok = result && strcmp(PQcmdTuples(result), "1") == 0;
    PQclear(result);
    return ok;
}

static bool reseal(struct store *store, const struct record *records, size_t count, struct fault *fault)
{
    struct link *l = link_of(store);
    bool ok = link_up(l) && link_do(l, BEGIN_WRITE);

    for (size_t i = 0; ok && i < count; i++)
        ok = reseal_one(l, &records[i]);
    ok = ok && commit_confirmed(l);
    link_rollback(l);
    return ok || no_answer(l, "", fault);
}

static void visit_row(struct arena *a, const PGresult *r, int row, struct record *out)
{
    *out = (struct record){
        .provider = arena_copy(a, link_get_bytes(r, row, 0)),
        .kind = arena_copy(a, link_get_bytes(r, row, 1)),
        .version = (uint64_t)link_get_number(r, row, 2),
        .time = link_get_number(r, row, 3),
        .body = arena_copy(a, link_get_bytes(r, row, 4)),
        .hash = arena_copy(a, link_get_bytes(r, row, 5)),
        .signer = arena_copy(a, link_get_bytes(r, row, 6)),
        .caller = arena_copy(a, link_get_bytes(r, row, 7)),
        .seal = arena_copy(a, link_get_bytes(r, row, 8)),
        .sequence = (uint64_t)link_get_number(r, row, 9),
    };
}

/* Who visits, and how far it came. */
struct visit {
    struct link *link;
    struct arena *arena;
    store_visit *each;
    void *context;
    uint64_t last;
    bool begun, stopped;
};

/* The rows of one answer; false when there is none. */
static bool visit_rows(struct visit *v, PGresult *r, int *rows)
{
    *rows = r ? PQntuples(r) : 0;
    for (int i = 0; i < *rows && !v->stopped; i++) {
        struct record record;

        visit_row(v->arena, r, i, &record);
        v->begun = true;
        v->last = record.sequence;
        v->stopped = !v->each(v->context, &record);
    }
    PQclear(r);
    return r != NULL;
}

/* Numbers beyond the database's are beyond every number there is. */
static int64_t bounded(uint64_t n)
{
    return n < INT64_MAX ? (int64_t)n : INT64_MAX;
}

/* Page by page, of one state of the database. */
static bool visit_pages(struct visit *v, enum statement statement)
{
    int rows = PAGE;
    bool ok = link_up(v->link) && link_do(v->link, BEGIN_READ);

    while (ok && rows == PAGE && !v->stopped) {
        struct link_values values = {0};

        link_number(&values, bounded(v->last));
        link_number(&values, PAGE);
        ok = visit_rows(v, link_call(v->link, (int)statement, &values), &rows);
    }
    link_rollback(v->link);
    return ok;
}

static bool visit_since(struct store *store, struct arena *a, enum statement statement, uint64_t since,
                        store_visit *each, void *context, struct fault *fault)
{
    struct visit v = {.link = link_of(store), .arena = a, .each = each, .context = context, .last = since};
    bool was_up = v.link->conn != NULL;

    if (visit_pages(&v, statement) || (was_up && !v.link->conn && !v.begun && visit_pages(&v, statement)))
        return true;
    return no_answer(v.link, "", fault);
}

static bool changes(struct store *store, struct arena *a, uint64_t since, store_visit *each, void *context,
                    struct fault *fault)
{
    return visit_since(store, a, SQL_CHANGES, since, each, context, fault);
}

static bool records(struct store *store, struct arena *a, uint64_t since, store_visit *each, void *context,
                    struct fault *fault)
{
    return visit_since(store, a, SQL_RECORDS, since, each, context, fault);
}

/* A question in one command, asked once more where the connection turns out to be an old one. */
static PGresult *ask(struct link *l, enum statement statement, const struct link_values *v)
{
    bool was_up = l->conn != NULL;
    PGresult *r = link_up(l) ? link_call(l, (int)statement, v) : NULL;

    if (!r && was_up && !l->conn && link_up(l))
        r = link_call(l, (int)statement, v);
    return r;
}

static bool history(struct store *store, struct arena *a, struct bytes provider, struct bytes kind,
                    const struct history_page *page, store_visit *each, void *context, struct fault *fault)
{
    struct visit v = {.link = link_of(store), .arena = a, .each = each, .context = context};
    struct link_values values = {0};
    int rows;

    link_bytes(&values, provider);
    link_bytes(&values, kind);
    link_number(&values, page->before ? bounded(page->before) : INT64_MAX);
    link_number(&values, bounded(page->limit));
    link_number(&values, page->bodies);
    return visit_rows(&v, ask(v.link, SQL_HISTORY, &values), &rows) || no_answer(v.link, "", fault);
}

static bool generation(struct store *store, uint64_t *out, struct fault *fault)
{
    struct link *l = link_of(store);
    PGresult *r = ask(l, SQL_GENERATION, &(struct link_values){0});

    if (r && PQntuples(r) == 1)
        *out = (uint64_t)link_get_number(r, 0, 0);
    PQclear(r);
    return r || no_answer(l, "", fault);
}

static bool told(struct link *l)
{
    bool any = false;

    for (PGnotify *n; l->conn && (n = PQnotifies(l->conn)); any = true)
        PQfreemem(n);
    return any;
}

static bool sleep_postgres(struct store *store, int wake_fd, int milliseconds, bool *woken, struct fault *fault)
{
    struct postgres_store *s = (struct postgres_store *)store;
    struct link *l = &s->link;
    struct pollfd p[] = {{.fd = wake_fd, .events = POLLIN}, {.fd = PQsocket(l->conn), .events = POLLIN}}; /* -1: none */

    (void)fault;
    if (told(l)) /* while something else was asked */
        return true;
    if (poll(p, 2, milliseconds < s->poll_milliseconds ? milliseconds : s->poll_milliseconds) > 0) {
        *woken = p[0].revents != 0;
        if (p[1].revents && !PQconsumeInput(l->conn))
            link_drop(l); /* whoever asks next makes a new one */
        told(l);
    }
    return true;
}

const struct store_driver store_postgres = {"postgresql", open_postgres, close_postgres, append, changes,
                                            records,      history,       generation,     reseal, sleep_postgres};
