#include "service/http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "service/log.h"

enum { BACKLOG = 511, EXCHANGE_MEMORY = 32 * 1024 * 1024, BODY_FACTOR = 2 };

#define SERVER_NAME     "Assay"
#define SERVICE_VERSION ASSAY_VERSION ".0" /* four numbers (api.md 1.3) */

struct http_server {
    struct event_base *base;
    const struct config *config;
    struct evhttp *http;
    struct evconnlistener *listener;
    SSL_CTX *tls;
    http_handler *handler;
    void *context;
    size_t connections;
    bool paused, stopping;
    int port;
};

/* What we keep about a connection. It hangs on its TLS session and ends with it, whoever ends that. */
struct connection {
    struct http_server *server;
    struct bufferevent *stream;
    struct event *deadline;
    bool idle; /* no byte of the next request is here */
};

static int connection_index = -1; /* in SSL's application data */

static int64_t now_microseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void set_deadline(struct connection *c, int seconds)
{
    struct timeval tv = {seconds, 0};

    evtimer_add(c->deadline, &tv);
}

/* A client that was too slow, or idled too long, is cut off: libevent sees the end of the stream and frees all. */
static void cut_off(evutil_socket_t fd, short what, void *context)
{
    struct connection *c = context;

    (void)fd;
    (void)what;
    shutdown(bufferevent_getfd(c->stream), SHUT_RDWR);
}

static void connection_ended(void *ssl, void *data, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
    struct connection *c = data;

    (void)ssl, (void)ad, (void)index, (void)argl, (void)argp;
    if (!c)
        return;
    struct http_server *s = c->server;
    event_free(c->deadline);
    free(c);
    s->connections--;
    if (s->paused && !s->stopping) {
        s->paused = false;
        evconnlistener_enable(s->listener);
    }
}

/* The first byte of a request: header and body have their time from here on. */
static void bytes_came(struct evbuffer *in, const struct evbuffer_cb_info *info, void *context)
{
    struct connection *c = context;

    (void)in;
    if (!c->idle || info->n_added == 0)
        return;
    c->idle = false;
    set_deadline(c, c->server->config->header_seconds + c->server->config->body_seconds);
}

static void new_connection(struct http_server *s, SSL *ssl, struct bufferevent *stream)
{
    struct connection *c = calloc(1, sizeof *c);

    if (!c || SSL_set_ex_data(ssl, connection_index, c) != 1)
        abort(); /* only without memory */
    *c = (struct connection){.server = s, .stream = stream, .deadline = evtimer_new(s->base, cut_off, c), .idle = true};
    set_deadline(c, s->config->header_seconds); /* for the handshake, too */
    evbuffer_add_cb(bufferevent_get_input(stream), bytes_came, c);
    if (++s->connections >= (size_t)s->config->connections && !s->paused) {
        s->paused = true; /* further clients wait in the kernel's queue */
        evconnlistener_disable(s->listener);
    }
}

static struct bufferevent *new_stream(struct event_base *base, void *context)
{
    struct http_server *s = context;
    SSL *ssl = SSL_new(s->tls);
    struct bufferevent *stream =
        ssl ? bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE) : NULL;

    if (!stream)
        abort(); /* only without memory; a plain stream must never take its place */
    bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
    new_connection(s, ssl, stream);
    return stream;
}

static struct connection *connection_of(struct evhttp_request *request)
{
    struct evhttp_connection *http = evhttp_request_get_connection(request);
    SSL *ssl = http ? bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(http)) : NULL;

    return ssl ? SSL_get_ex_data(ssl, connection_index) : NULL;
}

static bool is_hex(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr("0123456789abcdef", s[i]) || !s[i])
            return false;
    return true;
}

/* A W3C traceparent of version 00 is echoed; without one we make ours (api.md 0, item 11). */
static void choose_id(struct exchange *e)
{
    const char *given = http_request_header(e, "traceparent");
    uint8_t random[24];

    if (given && strlen(given) == 55 && given[2] == '-' && given[35] == '-' && given[52] == '-' && is_hex(given, 2) &&
        is_hex(given + 3, 32) && is_hex(given + 36, 16) && is_hex(given + 53, 2)) {
        snprintf(e->id, sizeof e->id, "%s", given);
        return;
    }
    random_bytes(random, sizeof random);
    struct bytes hex = hex_encode(&e->arena, BYTES_OF(random));
    snprintf(e->id, sizeof e->id, "00-%.32s-%.16s-00", (const char *)hex.p, (const char *)hex.p + 32);
}

static const char *method_name(enum evhttp_cmd_type type)
{
    switch (type) {
    case EVHTTP_REQ_GET: return "GET";
    case EVHTTP_REQ_POST: return "POST";
    case EVHTTP_REQ_HEAD: return "HEAD";
    case EVHTTP_REQ_PUT: return "PUT";
    case EVHTTP_REQ_DELETE: return "DELETE";
    case EVHTTP_REQ_OPTIONS: return "OPTIONS";
    case EVHTTP_REQ_TRACE: return "TRACE";
    case EVHTTP_REQ_CONNECT: return "CONNECT";
    case EVHTTP_REQ_PATCH: return "PATCH";
    }
    return "?";
}

static struct bytes lower_case(struct arena *a, const char *s)
{
    char *copy = arena_string(a, bytes_text(s));

    for (char *p = copy; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 32);
    return bytes_text(copy);
}

static size_t count_headers(const struct exchange *e, const char *name)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(e->request);
    const struct evkeyval *h;
    size_t n = 0;

    for (h = headers->tqh_first; h; h = h->next.tqe_next)
        n += strcasecmp(h->key, name) == 0;
    return n;
}

/* Host, an absolute target and the TLS server name must tell one and the same authority (DESIGN 5). */
static const char *authority_fault(struct exchange *e)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(e->request);
    const char *host = http_request_header(e, "Host"), *target = evhttp_uri_get_host(uri);
    struct evhttp_connection *connection = evhttp_request_get_connection(e->request);
    SSL *ssl = connection ? bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(connection)) : NULL;
    const char *name = ssl ? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) : NULL;

    if (!host || !*host || count_headers(e, "Host") != 1)
        return "exactly one Host header is needed";
    e->authority = lower_case(&e->arena, host);
    const char *lowered = (const char *)e->authority.p, *colon = strrchr(lowered, ':');
    size_t n = colon && !strchr(colon, ']') ? (size_t)(colon - lowered) : strlen(lowered);
    if (name && (strlen(name) != n || strncasecmp(name, lowered, n) != 0))
        return "the TLS server name is another than Host";
    if (target && (strlen(target) != n || strncasecmp(target, lowered, n) != 0))
        return "the request's target is another than Host";
    return NULL;
}

static struct exchange *new_exchange(struct http_server *s, struct evhttp_request *request)
{
    struct exchange *e = calloc(1, sizeof *e);
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t n = evbuffer_get_length(body), decoded_size = 0;

    if (!e)
        abort();
    *e = (struct exchange){.server = s, .request = request, .began = now_microseconds()};
    arena_init(&e->arena, EXCHANGE_MEMORY);
    e->method = method_name(evhttp_request_get_command(request));
    char *decoded = evhttp_uridecode(path && *path ? path : "/", 0, &decoded_size);
    e->path = decoded ? arena_copy(&e->arena, bytes_make(decoded, decoded_size)) : BYTES_LIT("/");
    free(decoded);
    e->body = n ? bytes_make(evbuffer_pullup(body, -1), n) : BYTES_NONE;
    choose_id(e);
    return e;
}

static void arrived(struct evhttp_request *request, void *context)
{
    struct http_server *s = context;
    struct connection *c = connection_of(request);
    struct exchange *e = new_exchange(s, request);

    if (c)
        evtimer_del(c->deadline); /* from here on the time is ours */
    const char *fault = authority_fault(e);
    if (fault)
        http_fail(e, 421, "MisdirectedRequest", fault);
    else if (e->body.n > (size_t)s->config->body_bytes)
        http_fail(
            e, 413, "RequestEntityTooLarge",
            arena_printf(&e->arena, "The body is longer than the %d bytes that are allowed.", s->config->body_bytes));
    else
        s->handler(s->context, e);
}

const char *http_request_header(const struct exchange *e, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(e->request), name);
}

void http_header(struct exchange *e, const char *name, const char *value)
{
    evhttp_add_header(evhttp_request_get_output_headers(e->request), name, value);
}

const char *http_query(struct exchange *e, const char *name)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(e->request);
    const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
    struct evkeyvalq parameters;
    const char *found = NULL;

    if (!query || evhttp_parse_query_str(query, &parameters) != 0)
        return NULL;
    const char *value = evhttp_find_header(&parameters, name); /* ignores letter case */
    if (value)
        found = arena_string(&e->arena, bytes_text(value));
    evhttp_clear_headers(&parameters);
    return found;
}

static void standard_headers(struct exchange *e, int status)
{
    if (status != 204)
        http_header(e, "Content-Type", "application/json; charset=utf-8");
    http_header(e, "Server", SERVER_NAME);
    http_header(e, "x-ms-request-id", e->id);
    http_header(e, "x-ms-maa-service-version", SERVICE_VERSION);
    http_header(e, "X-Content-Type-Options", "nosniff");
    if (e->server->stopping)
        http_header(e, "Connection", "close");
}

void http_reply(struct exchange *e, int status, struct bytes body)
{
    struct evbuffer *out = evbuffer_new();
    bool head = strcmp(e->method, "HEAD") == 0;

    standard_headers(e, status);
    if (head)
        http_header(e, "Content-Length", arena_printf(&e->arena, "%zu", body.n));
    else if (body.n)
        evbuffer_add(out, body.p, body.n);
    log_info("%s %s %.*s %d %s %lld us %zu in %zu out", e->id, e->method, (int)(e->path.n < 128 ? e->path.n : 128),
             (const char *)e->path.p, status, e->failed_check ? e->failed_check : "-",
             (long long)(now_microseconds() - e->began), e->body.n, body.n);
    struct connection *c = connection_of(e->request);
    if (c) {
        c->idle = true;
        set_deadline(c, e->server->config->idle_seconds);
    }
    evhttp_send_reply(e->request, status, NULL, out);
    evbuffer_free(out);
    arena_free(&e->arena);
    free(e);
}

void http_fail(struct exchange *e, int status, const char *code, const char *message)
{
    http_header(e, "x-ms-error-code", code);
    http_reply(e, status, error_body(&e->arena, code, bytes_text(message)));
}

static evutil_socket_t bind_socket(const struct config *c, struct fault *fault)
{
    char port[16];
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = EVUTIL_AI_PASSIVE},
                           *found = NULL;
    int on = 1, off = 0, error;

    snprintf(port, sizeof port, "%d", c->port);
    if ((error = evutil_getaddrinfo(c->listen, port, &hints, &found)) != 0) {
        fault_set(fault, FAULT_SYSTEM, "[server] listen = %s: %s", c->listen, evutil_gai_strerror(error));
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
              (found->ai_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) &&
              /* Accepted sockets inherit it; without it every small answer waits for an acknowledgement. */
              setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
              bind(fd, found->ai_addr, (socklen_t)found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    evutil_freeaddrinfo(found);
    if (ok)
        return fd;
    fault_set(fault, FAULT_SYSTEM, "cannot listen on %s port %d: %s", c->listen, c->port,
              evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    if (fd >= 0)
        evutil_closesocket(fd);
    return -1;
}

static int port_of(evutil_socket_t fd)
{
    struct sockaddr_storage address;
    socklen_t n = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &n) != 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

struct http_server *http_listen(struct event_base *base, const struct config *c, SSL_CTX *tls, http_handler *handler,
                                void *context, struct fault *fault)
{
    evutil_socket_t fd = bind_socket(c, fault);
    struct http_server *s = fd >= 0 ? calloc(1, sizeof *s) : NULL;

    if (!s)
        return NULL;
    if (connection_index < 0)
        connection_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, connection_ended);
    *s = (struct http_server){
        .base = base, .config = c, .tls = tls, .handler = handler, .context = context, .port = port_of(fd)};
    s->http = evhttp_new(base);
    evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
                                            EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
                                            EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
    evhttp_set_max_headers_size(s->http, c->header_bytes);
    /* A body up to twice the limit is read to be refused in our own form; a longer one libevent refuses itself. */
    evhttp_set_max_body_size(s->http, BODY_FACTOR * (ev_ssize_t)c->body_bytes);
    evhttp_set_timeout(s->http, c->idle_seconds + c->body_seconds);
    evhttp_set_default_content_type(s->http, NULL);
    evhttp_set_bevcb(s->http, new_stream, s);
    evhttp_set_gencb(s->http, arrived, s);
    s->listener = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (!s->listener || !evhttp_bind_listener(s->http, s->listener)) {
        fault_set(fault, FAULT_SYSTEM, "cannot watch the listening socket");
        http_free(s);
        return NULL;
    }
    return s;
}

int http_port(const struct http_server *s)
{
    return s->port;
}

size_t http_connections(const struct http_server *s)
{
    return s->connections;
}

void http_stop(struct http_server *s)
{
    s->stopping = true;
    evconnlistener_disable(s->listener);
}

void http_free(struct http_server *s)
{
    if (!s)
        return;
    s->stopping = true;
    evhttp_free(s->http);
    free(s);
}
