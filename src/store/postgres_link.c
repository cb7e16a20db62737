#include "store/postgres_link.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    ANSWER_MILLISECONDS = 15000, /* for one command: more than the server's own limit below */
    PAUSE_LEAST = 100,           /* milliseconds between attempts to connect, doubled each time */
    PAUSE_MOST = 2000,
    PASSWORD_MOST = 1024,
};

/* Defaults that the url may override. Without keepalives a peer that vanished would be noticed after two hours. */
static const char *const names[] = {"target_session_attrs",
                                    "connect_timeout",
                                    "keepalives_idle",
                                    "keepalives_interval",
                                    "keepalives_count",
                                    "tcp_user_timeout",
                                    "application_name",
                                    "dbname", /* the url */
                                    "password",
                                    "client_encoding",
                                    "gssencmode", /* would take the place of TLS unasked */
                                    NULL};

/* The server's limits, so that a session which was cut off holds no lock for long. A change is durable before it is answered,
 * whatever the server's default; a stricter one stays. */
#define SESSION                                                                                                \
    "SET search_path = assay; SET client_min_messages = warning; SET statement_timeout = 10000;"               \
    "SET idle_in_transaction_session_timeout = 30000; SET client_connection_check_interval = 5000;"            \
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') NOT IN " \
    "('on', 'remote_apply')"

int64_t link_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* libpq's texts have several lines. */
static void note(struct link *l, enum fault_code code, const char *text)
{
    l->why = (struct fault){0};
    fault_set(&l->why, code, "%s", text && *text ? text : "no reason given");
    size_t n = strlen(l->why.text);
    while (n && l->why.text[n - 1] == '\n')
        l->why.text[--n] = 0;
    for (char *c = l->why.text; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

void link_drop(struct link *l)
{
    PQfinish(l->conn);
    l->conn = NULL;
}

static void lost(struct link *l, const char *why)
{
    note(l, FAULT_SYSTEM, why);
    link_drop(l);
}

static void take_notice(void *context, const PGresult *notice)
{
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    struct link *l = context;

    if (severity && strcmp(severity, "WARNING") == 0)
        l->warned = true;
}

/* Wait until the socket is readable, or writable where something is left to send. */
static bool ready(struct link *l, bool write, int64_t deadline)
{
    struct pollfd p = {.fd = PQsocket(l->conn), .events = (short)(write ? POLLIN | POLLOUT : POLLIN)};
    int64_t left = deadline - link_now();

    if (left <= 0 || poll(&p, 1, (int)left) == 0) {
        lost(l, "no answer in time");
        return false;
    }
    if ((p.revents & (POLLIN | POLLERR | POLLHUP)) && !PQconsumeInput(l->conn)) {
        lost(l, PQerrorMessage(l->conn));
        return false;
    }
    return true;
}

static bool is_error(const PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);

    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
}

/* All results of what was sent: the first error, or the last. */
static PGresult *gather(struct link *l)
{
    int64_t deadline = link_now() + ANSWER_MILLISECONDS;
    PGresult *kept = NULL, *r;
    int left;

    while ((left = PQflush(l->conn)) == 1)
        if (!ready(l, true, deadline))
            return NULL;
    if (left != 0) {
        lost(l, PQerrorMessage(l->conn));
        return NULL;
    }
    for (;;) {
        while (PQisBusy(l->conn))
            if (!ready(l, false, deadline)) {
                PQclear(kept);
                return NULL;
            }
        r = PQgetResult(l->conn);
        if (!r)
            return kept;
        if (kept && is_error(kept)) {
            PQclear(r);
        } else {
            PQclear(kept);
            kept = r;
        }
    }
}

/* A server that became a standby stays connected, but takes no writes any more: another host may. */
static bool must_move(const PGresult *r)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);

    return state && strcmp(state, "25006") == 0;
}

static PGresult *judge(struct link *l, int sent)
{
    PGresult *r = sent ? gather(l) : NULL;

    if (!l->conn)
        return NULL;
    if (r && !is_error(r) && PQstatus(l->conn) == CONNECTION_OK)
        return r;
    note(l, FAULT_SYSTEM, r && is_error(r) ? PQresultErrorMessage(r) : PQerrorMessage(l->conn));
    if (PQstatus(l->conn) != CONNECTION_OK || !r || must_move(r))
        link_drop(l);
    PQclear(r);
    return NULL;
}

PGresult *link_text(struct link *l, const char *commands)
{
    l->warned = false;
    return judge(l, PQsendQuery(l->conn, commands));
}

bool link_do(struct link *l, const char *commands)
{
    PGresult *r = link_text(l, commands);

    PQclear(r);
    return r != NULL;
}

static const char *statement_name(int statement, char out[16])
{
    snprintf(out, 16, "s%d", statement);
    return out;
}

PGresult *link_call(struct link *l, int statement, const struct link_values *v)
{
    static const int binary[LINK_PARAMETERS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    char name[16];

    l->warned = false;
    return judge(
        l, PQsendQueryPrepared(l->conn, statement_name(statement, name), v->count, v->values, v->lengths, binary, 1));
}

void link_rollback(struct link *l)
{
    struct fault why = l->why;

    if (l->conn && PQtransactionStatus(l->conn) != PQTRANS_IDLE && !link_do(l, "ROLLBACK") && l->conn)
        link_drop(l);
    l->why = why; /* what led here counts */
}

static bool prepare(struct link *l)
{
    for (int i = 0; i < l->statement_count; i++) {
        char name[16];
        PGresult *r = judge(l, PQsendPrepare(l->conn, statement_name(i, name), l->statements[i], 0, NULL));

        if (!r)
            return false;
        PQclear(r);
    }
    return true;
}

static bool set_up(struct link *l)
{
    const char *encoding;

    if (PQstatus(l->conn) != CONNECTION_OK) {
        note(l, FAULT_SYSTEM, PQerrorMessage(l->conn));
        return false;
    }
    PQsetNoticeReceiver(l->conn, take_notice, l);
    if (PQsetnonblocking(l->conn, 1) != 0) {
        note(l, FAULT_SYSTEM, PQerrorMessage(l->conn));
        return false;
    }
    encoding = PQparameterStatus(l->conn, "server_encoding");
    if (!encoding || strcmp(encoding, "UTF8") != 0) {
        note(l, FAULT_USAGE, "the database must be made with ENCODING 'UTF8'");
        return false;
    }
    return link_do(l, SESSION) && l->greet(l) && prepare(l);
}

/* "" without a file. False: it cannot be read. */
static bool read_password(struct link *l, char *out, int size)
{
    FILE *f = l->password_file ? fopen(l->password_file, "re") : NULL;

    *out = 0;
    if (!l->password_file)
        return true;
    bool ok = f && fgets(out, size, f);
    if (f)
        fclose(f);
    if (!ok)
        note(l, FAULT_SYSTEM, "the password cannot be read from its file");
    out[strcspn(out, "\r\n")] = 0;
    return ok;
}

static void give_up(struct link *l)
{
    link_drop(l);
    l->next_attempt = link_now() + l->pause;
    l->pause = l->pause < PAUSE_MOST / 2 ? (l->pause < PAUSE_LEAST ? PAUSE_LEAST : l->pause * 2) : PAUSE_MOST;
}

bool link_up(struct link *l)
{
    char password[PASSWORD_MOST];
    const char *values[] = {"read-write", "5",    "10",     "5",    "3",       "15000",
                            "assayd",     l->url, password, "UTF8", "disable", NULL};

    if (l->conn)
        return true;
    if (link_now() < l->next_attempt)
        return false; /* why it failed last still holds */
    l->why = (struct fault){0};
    if (read_password(l, password, sizeof password))
        l->conn = PQconnectdbParams(names, values, 1);
    explicit_bzero(password, sizeof password);
    if (l->conn && set_up(l)) {
        l->pause = PAUSE_LEAST;
        return true;
    }
    if (!l->why.code)
        note(l, FAULT_SYSTEM, "no memory");
    give_up(l);
    return false;
}

void link_number(struct link_values *v, int64_t n)
{
    uint8_t *to = v->numbers[v->count];

    for (int i = 0; i < 8; i++)
        to[i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
    link_bytes(v, bytes_make(to, 8));
}

void link_bytes(struct link_values *v, struct bytes b)
{
    v->values[v->count] = b.n ? (const char *)b.p : ""; /* NULL would be SQL's null */
    v->lengths[v->count] = (int)b.n;
    v->count++;
}

int64_t link_get_number(const PGresult *r, int row, int column)
{
    struct reader in = rd_open(link_get_bytes(r, row, column));
    uint64_t high = rd_u32be(&in);

    return (int64_t)(high << 32 | rd_u32be(&in));
}

struct bytes link_get_bytes(const PGresult *r, int row, int column)
{
    return bytes_make(PQgetvalue(r, row, column), (size_t)PQgetlength(r, row, column));
}
