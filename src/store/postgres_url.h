/* The url of a PostgreSQL store: what it may say, before anything is connected. libpq reads it; what would show a secret or weaken
 * TLS is refused here. */
#ifndef ASSAY_STORE_POSTGRES_URL_H
#define ASSAY_STORE_POSTGRES_URL_H

#include "base/fault.h"

struct postgres_url {
    char *text;            /* for libpq, without our own parameters; free() it */
    char *password_file;   /* the first line is the password; NULL: none; free() it */
    int poll_milliseconds; /* how often the database is asked when it does not tell of changes */
};

/* "postgresql://[USER@]HOST[:PORT][,HOST[:PORT]…]/DATABASE[?PARAMETER=VALUE&…]". Parameters are libpq's, and
 *   assay_tls=unverified   allow another sslmode than verify-full though a host is not this machine
 *   assay_password=FILE    its first line is the password; the group may read it, as systemd lets its credentials be
 *   assay_poll=N           milliseconds, POSTGRES_POLL_LEAST to POSTGRES_POLL_MOST
 * Refused: a password in the url, the environment or a service; services; a passfile that is missing or that others may read; a
 * connect_timeout that is none. */
bool postgres_url_read(const char *url, struct postgres_url *out, struct fault *fault);

#endif
