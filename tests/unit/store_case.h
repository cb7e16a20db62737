/* What the tests of stores share: a folder, stores by name in SQLite and PostgreSQL, and a PostgreSQL server that is started with the
 * test, does what it is told, and ends with it (tests/postgres.py). */
#ifndef ASSAY_TESTS_STORE_CASE_H
#define ASSAY_TESTS_STORE_CASE_H

#include "test.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"

static struct arena arena;
static char folder[] = "/tmp/assay-store-XXXXXX";

/* Pipes to tests/postgres.py. */
static struct {
    FILE *to, *from;
    pid_t pid;
    char folder[64];
    int port, dead_port;
} server;

static inline int server_start(void)
{
    char line[160];
    int in[2], out[2];

    if (pipe(in) != 0 || pipe(out) != 0)
        return -1;
    server.pid = fork();
    if (server.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execlp("python3", "python3", POSTGRES, NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server.to = fdopen(in[1], "w");
    server.from = fdopen(out[0], "r");
    return fgets(line, sizeof line, server.from) &&
                   sscanf(line, "folder=%63s port=%d dead_port=%d", server.folder, &server.port, &server.dead_port) == 3
               ? 0
               : -1;
}

static inline void server_do(const char *what)
{
    char answer[16];

    fprintf(server.to, "%s\n", what);
    fflush(server.to);
    if (!fgets(answer, sizeof answer, server.from) || strcmp(answer, "done\n") != 0)
        fail_msg("PostgreSQL: %s: no answer", what);
}

static inline void server_end(void)
{
    fclose(server.to); /* it ends with its input */
    fclose(server.from);
    waitpid(server.pid, NULL, 0);
}

/* As the superuser; what the last command gave as text, "" for nothing. */
static inline char *sql(const char *database, const char *text)
{
    PGconn *c = PQconnectdb(
        arena_printf(&arena, "host=%s port=%d user=postgres dbname=%s", server.folder, server.port, database));
    PGresult *r = PQexec(c, text);
    ExecStatusType status = PQresultStatus(r);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text, PQerrorMessage(c));
    char *out = arena_string(&arena, bytes_text(PQntuples(r) ? PQgetvalue(r, 0, 0) : ""));
    PQclear(r);
    PQfinish(c);
    return out;
}

/* The url of a store of this name, of one kind and the other. A database is made when it is named for the first time. */
typedef const char *url_of(const char *name);
static inline const char *sqlite_url(const char *name)
{
    return arena_printf(&arena, "sqlite:%s/%s.db", folder, name);
}

static inline const char *postgres_url(const char *name)
{
    if (strcmp(sql("postgres", arena_printf(&arena, "SELECT count(*) FROM pg_database WHERE datname = '%s'", name)),
               "0") == 0)
        sql("postgres", arena_printf(&arena, "CREATE DATABASE %s OWNER assay", name));
    return arena_printf(&arena, "postgresql://assay@/%s?host=%s&port=%d", name, server.folder, server.port);
}

static inline struct store *open_url(const char *url)
{
    struct fault fault = {0};
    struct store *s = store_open(url, &fault);

    if (!s)
        fail_msg("%s", fault.text);
    return s;
}

static inline void assert_not_opened(const char *url, enum fault_code code, const char *why)
{
    struct fault fault = {0};
    struct store *s = store_open(url, &fault);

    store_close(s);
    if (s || fault.code != code || !strstr(fault.text, why))
        fail_msg("%s: '%s', code %d; wanted '%s', code %d", url, fault.text, fault.code, why, code);
}

static inline struct record record_of(const char *kind, uint64_t version, struct bytes body)
{
    return (struct record){.provider = BYTES_LIT("https://a"),
                           .kind = bytes_text(kind),
                           .version = version,
                           .time = 1000 + (int64_t)version,
                           .body = body,
                           .hash = BYTES_LIT("h\0h"),
                           .caller = BYTES_LIT("tester"),
                           .seal = BYTES_LIT("sealed\0")};
}

/* False: another writer was first. */
static inline bool put_all(struct store *s, const struct record *records, size_t count)
{
    struct fault fault = {0};
    bool conflict;
    bool ok = store_append(s, records, count, &conflict, &fault);

    if (!ok && !conflict)
        fail_msg("%s", fault.text);
    return ok;
}

static inline bool put(struct store *s, const char *kind, uint64_t version, const char *body)
{
    struct record r = record_of(kind, version, bytes_text(body));

    return put_all(s, &r, 1);
}

struct seen {
    unsigned count;
    struct record last, first;
};

static inline bool note(void *context, const struct record *r)
{
    struct seen *seen = context;

    if (seen->count++ == 0)
        seen->first = *r;
    seen->last = *r;
    return true;
}

static inline unsigned changes_since(struct store *s, uint64_t since, struct seen *seen)
{
    struct fault fault = {0};

    *seen = (struct seen){0};
    if (!store_changes(s, &arena, since, note, seen, &fault))
        fail_msg("%s", fault.text);
    return seen->count;
}

static inline uint64_t generation_of(struct store *s)
{
    struct fault fault = {0};
    uint64_t generation = 0;

    if (!store_generation(s, &generation, &fault))
        fail_msg("%s", fault.text);
    return generation;
}

static inline bool changed_within(struct store *s, int fd, int milliseconds)
{
    struct fault fault = {0};
    bool changed;

    if (!store_wait(s, fd, milliseconds, &changed, &fault))
        fail_msg("%s", fault.text);
    return changed;
}

static inline int store_set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    return mkdtemp(folder) && server_start() == 0 ? 0 : -1;
}

static inline int store_tear_down(void **state)
{
    (void)state;
    server_end();
    char *command = arena_printf(&arena, "rm -rf '%s'", folder);
    int r = system(command);
    arena_free(&arena);
    return r;
}

#endif
