/* HTTPS on libevent: connections with their limits and deadlines; every reply with the headers of api.md 1.3. What a request
 * means is decided in routes.c. */
#ifndef ASSAY_SERVICE_HTTP_H
#define ASSAY_SERVICE_HTTP_H

#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>

#include "base/fault.h"
#include "identity/identity.h"
#include "service/client_certificate.h"
#include "service/config.h"
#include "service/quota.h"

struct http_server;
struct audit;

/* Where a request came in. */
enum listener { LISTENER_PUBLIC, LISTENER_ADMINISTRATION };

/* A request under way, until it is answered. */
struct exchange {
    struct http_server *server;
    enum listener by;
    struct evhttp_request *request;
    struct arena arena; /* its memory */
    const char *method;
    struct bytes path;      /* percent-decoded, without query: may hold anything */
    const char *sent_path;  /* as it was sent: visible ASCII */
    struct bytes authority; /* host[:port], lower case */
    struct bytes body;
    char id[64];                   /* x-ms-request-id */
    bool short_id;                 /* on success told as 16 characters, as for TPMs (api.md 1.3) */
    uint8_t address[ADDRESS_SIZE]; /* of the caller */
    int64_t began;                 /* microseconds, monotonic */
    const char *failed_check;      /* for the log */
    struct caller caller;          /* who signed in; without a subject: nobody */
};

/* Called for each request that arrived whole. It answers now or later, once, by http_reply or http_fail. */
typedef void http_handler(void *context, struct exchange *e);
/* Called for each answer, also to what never came to the handler. microseconds: since the request was there whole. */
typedef void http_answered(void *context, const struct exchange *e, int status, int64_t microseconds);

/* One listener: which, on which address and port, and who is called. */
struct http_place {
    enum listener by;
    const char *address;
    int port; /* 0: any that is free */
    http_handler *handler;
    http_answered *answered;
    void *context;
};
/* Takes the TLS context. Limits are those of the configuration, for each listener by itself. */
struct http_server *http_listen(struct event_base *base, const struct config *c, SSL_CTX *tls,
                                const struct http_place *place, struct fault *fault);
int http_port(const struct http_server *s);
/* The configuration changed: its limits hold from now on. */
void http_limits(struct http_server *s);
/* Takes the context; for connections from now on. */
void http_use_certificate(struct http_server *s, SSL_CTX *tls);
/* Record every exchange from now on. */
void http_use_audit(struct http_server *s, struct audit *a);
/* Take no new connection; those at hand end after their next reply. */
void http_stop(struct http_server *s);
/* Requests without an answer, and answers on their way. */
size_t http_busy(const struct http_server *s);
size_t http_connections(const struct http_server *s); /* that are open */
/* End every connection, answered or not: no handler is called any more. libevent ends the streams from its loop, so let that run
 * once before http_free. NULL is allowed, as in http_free. */
void http_cut(struct http_server *s);
void http_free(struct http_server *s);
/* Random bytes, no more than a token's entropy at once; false when the system gives none. */
bool http_random(struct http_server *s, uint8_t *out, size_t n);

/* Answer and end the exchange. */
void http_reply(struct exchange *e, int status, struct bytes body);
void http_fail(struct exchange *e, int status, const char *code, const char *message);
/* The same after so many milliseconds: who asks too often is not answered at once. */
void http_fail_late(struct exchange *e, int milliseconds, int status, const char *code, const char *message);
/* Before the reply. Content-Type is JSON where none is given. */
void http_header(struct exchange *e, const char *name, const char *value);
const char *http_request_header(const struct exchange *e, const char *name); /* NULL when absent */
/* The certificate that the client signed in with; false when there is none. */
bool http_client_certificate(struct exchange *e, struct client_certificate *out);
/* Value of a query parameter, letter case of its name ignored; NULL when absent. */
const char *http_query(struct exchange *e, const char *name);

/* TLS 1.2 or later, no tickets, no compression, the certificate chain and key of the configuration; clients are asked for
 * certificates where it names a CA for them. */
SSL_CTX *tls_server(const struct config *c, struct fault *fault);

#endif
