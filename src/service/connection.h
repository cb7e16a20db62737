/* One TLS connection under libevent's HTTP: its deadlines, its place among so many, and the gate that every request passes
 * whole (gate.h) before libevent reads it. */
#ifndef ASSAY_SERVICE_CONNECTION_H
#define ASSAY_SERVICE_CONNECTION_H

#include <event2/bufferevent.h>
#include <event2/http.h>
#include <openssl/ssl.h>

#include "service/config.h"
#include "service/gate.h"

struct connection;

/* What all connections of a server share. */
struct connections {
    struct event_base *base;
    SSL_CTX *tls;
    const struct config *config; /* its limits, as they are at the moment */
    struct connection *first;
    size_t count, replying;       /* all, and those whose answer is on its way */
    void (*ended)(void *context); /* one is gone */
    void *context;
};

/* For evhttp_set_bevcb: the stream of a connection that was accepted. */
struct bufferevent *connection_accept(struct event_base *base, void *connections);
/* NULL once the client is gone. */
struct connection *connection_of(struct evhttp_request *request);
/* The name that the client asked for in the TLS handshake, or NULL. */
const char *connection_tls_name(const struct connection *c);
SSL *connection_tls(const struct connection *c);
/* A request came whole. Status not 0: it was refused at the gate, and a stand-in took its place; answer with the refusal. */
struct gate_refusal connection_begin(struct connection *c);
/* Before its reply is given to libevent: must the connection end with it? */
bool connection_ends_with_reply(const struct connection *c);
/* The reply was given to libevent: write it now, and wait for what the client sends next. */
void connection_replied(struct connection *c);

#endif
