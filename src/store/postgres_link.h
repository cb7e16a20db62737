/* One connection to PostgreSQL that comes back by itself: nothing waits for ever, and after a loss it is made anew, with growing
 * pauses between attempts that fail. For the driver alone. */
#ifndef ASSAY_STORE_POSTGRES_LINK_H
#define ASSAY_STORE_POSTGRES_LINK_H

#include <libpq-fe.h>

#include "base/bytes.h"
#include "base/fault.h"

enum { LINK_PARAMETERS = 11 };

/* A statement that is prepared on every new connection; its name is its number. */
typedef const char *link_statement;

struct link {
    PGconn *conn; /* NULL: none */
    char *url;
    char *password_file; /* or NULL; read for each connection, for passwords change */
    const link_statement *statements;
    int statement_count;
    bool (*greet)(struct link *l); /* on a new connection, before anything is prepared: is it fit? */
    int64_t next_attempt;          /* milliseconds of the monotonic clock */
    int pause;                     /* after the next attempt that fails */
    bool warned;                   /* the server warned during the last command */
    struct fault why;              /* the last failure */
};

/* Values of one call, sent as they are: numbers as big-endian bytes, texts and blobs with their length. */
struct link_values {
    int count;
    const char *values[LINK_PARAMETERS];
    int lengths[LINK_PARAMETERS];
    uint8_t numbers[LINK_PARAMETERS][8];
};
void link_number(struct link_values *v, int64_t n);
void link_bytes(struct link_values *v, struct bytes b); /* must live until the call */

int64_t link_now(void); /* milliseconds of the monotonic clock */
/* There is a connection, or one could be made. False: why tells the reason; a pause may be running. */
bool link_up(struct link *l);
void link_drop(struct link *l); /* the next link_up makes a new one */
/* The result, to be PQclear'ed; NULL: the server refused it, or the connection was lost and dropped (conn is then NULL), as why
 * tells. link_text takes several commands with semicolons between, and gives the last one's result in text form; link_call's is
 * binary. */
PGresult *link_text(struct link *l, const char *commands);
PGresult *link_call(struct link *l, int statement, const struct link_values *v);
bool link_do(struct link *l, const char *commands); /* no result wanted */
void link_rollback(struct link *l);                 /* of what is open, if anything */

/* Of binary results. */
int64_t link_get_number(const PGresult *r, int row, int column);
struct bytes link_get_bytes(const PGresult *r, int row, int column);

#endif
