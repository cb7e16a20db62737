#include "service/http.h"

#include <event2/buffer.h>
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
#include "service/audit.h"
#include "service/connection.h"
#include "service/log.h"

enum { HTTPS_PORT = 443, BACKLOG = 511, EXCHANGE_MEMORY = 32 * 1024 * 1024, ROOM = 2, RANDOM_AHEAD = 1024 };

#define SERVER_NAME     "Assay"
#define SERVICE_VERSION ASSAY_VERSION ".0" /* four numbers (api.md 1.3) */

struct http_server {
    struct event_base *base;
    const struct config *config;
    struct evhttp *http;
    struct evhttp_bound_socket *listener;
    struct connections connections;
    struct http_place place;
    struct audit *audit;
    size_t exchanges; /* that have no answer yet */
    bool paused, stopping;
    bool ended; /* its connections are gone, and their requests */
    int port;
    int64_t date_of; /* the second that `date` tells */
    char date[64];
    uint8_t random[RANDOM_AHEAD]; /* random bytes, taken from its end */
    size_t random_left;
    struct arena spare; /* of the exchange that ended last: the next one need not ask for memory */
};

static int64_t now_microseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void connection_is_gone(void *context)
{
    struct http_server *s = context;

    if (s->paused && !s->stopping) {
        s->paused = false;
        evconnlistener_enable(evhttp_bound_socket_get_listener(s->listener));
    }
}

static struct bufferevent *accepted(struct event_base *base, void *context)
{
    struct http_server *s = context;
    struct bufferevent *stream = connection_accept(base, &s->connections);

    if (s->connections.count >= (size_t)s->config->connections && !s->paused) {
        s->paused = true; /* further clients wait in the kernel's queue */
        evconnlistener_disable(evhttp_bound_socket_get_listener(s->listener));
    }
    return stream;
}

/* Asking the generator costs calls of the system, so it is asked for many requests at once. */
bool http_random(struct http_server *s, uint8_t *out, size_t n)
{
    if (s->random_left < n) {
        s->random_left = 0;
        if (n > sizeof s->random || !random_bytes(s->random, sizeof s->random))
            return false;
        s->random_left = sizeof s->random;
    }
    s->random_left -= n;
    memcpy(out, s->random + s->random_left, n);
    secret_wipe(s->random + s->random_left, n);
    return true;
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
    if (!http_random(e->server, random, sizeof random))
        memset(random, 0, sizeof random); /* it names a log line, no more */
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

/* The port that an absolute target names. */
static bool same_port(const struct evhttp_uri *target, const char *colon)
{
    int port = evhttp_uri_get_port(target);
    char text[16];

    snprintf(text, sizeof text, ":%d", port < 0 ? HTTPS_PORT : port);
    return colon ? strcmp(colon, text) == 0 : port < 0 || port == HTTPS_PORT;
}

/* Host, an absolute target and the TLS server name must tell one and the same authority (DESIGN 5). */
static const char *authority_fault(struct exchange *e, const struct connection *c)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(e->request);
    const char *host = http_request_header(e, "Host"), *target = evhttp_uri_get_host(uri);
    const char *name = c ? connection_tls_name(c) : NULL;

    e->authority = lower_case(&e->arena, host ? host : "");
    const char *lowered = (const char *)e->authority.p, *colon = strrchr(lowered, ':');
    if (colon && strchr(colon, ']'))
        colon = NULL; /* of an IPv6 address */
    size_t n = colon ? (size_t)(colon - lowered) : strlen(lowered);
    if (n == 0)
        return "Host is empty.";
    if (colon && strcmp(colon, ":443") == 0)
        e->authority.n = n; /* https's own port may be told or not */
    if (name && (strlen(name) != n || strncasecmp(name, lowered, n) != 0))
        return "The TLS server name is another than Host.";
    if (target && (strlen(target) != n || strncasecmp(target, lowered, n) != 0 || !same_port(uri, colon)))
        return "The request's target is another than Host.";
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
    *e = (struct exchange){.server = s, .by = s->place.by, .request = request, .began = now_microseconds()};
    arena_init(&e->arena, EXCHANGE_MEMORY);
    if (s->spare.chunk)
        e->arena = s->spare;
    s->spare.chunk = NULL;
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    address_take(connection ? evhttp_connection_get_addr(connection) : NULL, e->address);
    e->method = method_name(evhttp_request_get_command(request));
    e->sent_path = path && *path ? path : "/";
    char *decoded = evhttp_uridecode(e->sent_path, 0, &decoded_size);
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
    struct gate_refusal refusal = c ? connection_begin(c) : (struct gate_refusal){0};

    s->exchanges++;
    if (refusal.status) {
        e->method = e->sent_path = "-"; /* of the stand-in */
        http_fail(e, refusal.status, refusal.code, refusal.message);
        return;
    }
    const char *fault = authority_fault(e, c);
    if (fault)
        http_fail(e, 421, "MisdirectedRequest", fault);
    else if (e->body.n > (size_t)s->config->body_bytes) /* chunked, behind "100 Continue" */
        http_fail(e, 413, "RequestEntityTooLarge", "The body is longer than is allowed.");
    else
        s->place.handler(s->place.context, e);
}

const char *http_request_header(const struct exchange *e, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(e->request), name);
}

void http_header(struct exchange *e, const char *name, const char *value)
{
    evhttp_add_header(evhttp_request_get_output_headers(e->request), name, value);
}

bool http_client_certificate(struct exchange *e, struct client_certificate *out)
{
    struct connection *c = connection_of(e->request);

    return c && client_certificate_read(connection_tls(c), &e->arena, out);
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

/* What libevent has no words for. */
static const char *reason_of(int status)
{
    switch (status) {
    case 421: return "Misdirected Request";
    case 431: return "Request Header Fields Too Large";
    default: return NULL;
    }
}

static const char *date_now(struct http_server *s)
{
    time_t now = time(NULL);

    if (now != s->date_of)
        evutil_date_rfc1123(s->date, sizeof s->date, NULL);
    s->date_of = now;
    return s->date;
}

/* The first 12 bytes of the trace's id: whoever has one form finds the other. */
static const char *told_id(struct exchange *e, int status)
{
    struct bytes id;

    if (!e->short_id || status != 200 || !hex_decode(&e->arena, bytes_make(e->id + 3, 24), &id))
        return e->id;
    return arena_string(&e->arena, base64_encode(&e->arena, id));
}

static void standard_headers(struct exchange *e, int status, const struct connection *c)
{
    if (status != 204 && !evhttp_find_header(evhttp_request_get_output_headers(e->request), "Content-Type"))
        http_header(e, "Content-Type", "application/json; charset=utf-8");
    http_header(e, "Date", date_now(e->server));
    http_header(e, "Server", SERVER_NAME);
    http_header(e, "x-ms-request-id", told_id(e, status));
    http_header(e, "x-ms-maa-service-version", SERVICE_VERSION);
    http_header(e, "X-Content-Type-Options", "nosniff");
    if (e->server->stopping || !c || connection_ends_with_reply(c))
        http_header(e, "Connection", "close");
}

static void log_exchange(const struct exchange *e, int status, int64_t microseconds, size_t out)
{
    log_info("%s %s %.128s %d %s %lld us %zu in %zu out", e->id, e->method, e->sent_path, status,
             e->failed_check ? e->failed_check : "-", (long long)microseconds, e->body.n, out);
}

static void end_exchange(struct exchange *e)
{
    struct http_server *s = e->server;

    s->exchanges--;
    arena_reset(&e->arena);
    if (s->spare.chunk)
        arena_free(&e->arena);
    else
        s->spare = e->arena;
    free(e);
}

/* The answer to what was done but is not on record. */
static struct bytes unrecorded(struct exchange *e)
{
    static const char code[] = "ServiceUnavailable";

    http_header(e, "x-ms-error-code", code);
    http_header(e, "Retry-After", "5");
    return error_body(&e->arena, code,
                      BYTES_LIT("The audit record of this operation could not be written. It may have taken effect."));
}

void http_reply(struct exchange *e, int status, struct bytes body)
{
    struct connection *c = connection_of(e->request);
    struct evbuffer *out = evbuffer_new();
    bool head = strcmp(e->method, "HEAD") == 0;

    if (!audit_exchange(e->server->audit, e, status, body)) {
        status = 503;
        body = unrecorded(e);
    }
    standard_headers(e, status, c);
    if (status != 204) /* libevent gives none to HTTP/1.0 and HEAD */
        http_header(e, "Content-Length", arena_printf(&e->arena, "%zu", body.n));
    if (body.n && !head)
        evbuffer_add(out, body.p, body.n);
    int64_t microseconds = now_microseconds() - e->began;
    log_exchange(e, status, microseconds, body.n);
    e->server->place.answered(e->server->place.context, e, status, microseconds);
    evhttp_send_reply(e->request, status, reason_of(status), out);
    if (c)
        connection_replied(c);
    evbuffer_free(out);
    end_exchange(e);
}

void http_fail(struct exchange *e, int status, const char *code, const char *message)
{
    http_header(e, "x-ms-error-code", code);
    http_reply(e, status, error_body(&e->arena, code, bytes_text(message)));
}

/* An answer that waits. */
struct late {
    struct exchange *exchange;
    int status;
    const char *code, *message;
};

static void be_late(evutil_socket_t fd, short what, void *context)
{
    const struct late *l = context;

    (void)fd, (void)what;
    if (l->exchange->server->ended) {
        end_exchange(l->exchange);
        return;
    }
    http_fail(l->exchange, l->status, l->code, l->message);
}

void http_fail_late(struct exchange *e, int milliseconds, int status, const char *code, const char *message)
{
    const struct timeval tv = {milliseconds / 1000, milliseconds % 1000 * 1000};
    struct late *l = ARENA_NEW(&e->arena, struct late);

    *l = (struct late){e, status, code, message};
    if (e->server->stopping || event_base_once(e->server->base, -1, EV_TIMEOUT, be_late, l, &tv) != 0)
        be_late(-1, 0, l);
}

static evutil_socket_t bind_socket(const struct http_place *place, struct fault *fault)
{
    char port[16];
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = EVUTIL_AI_PASSIVE},
                           *found = NULL;
    int on = 1, off = 0, error;

    snprintf(port, sizeof port, "%d", place->port);
    if ((error = evutil_getaddrinfo(place->address, port, &hints, &found)) != 0) {
        fault_set(fault, FAULT_SYSTEM, "[%s] listen = %s: %s",
                  place->by == LISTENER_PUBLIC ? "server" : "administration", place->address,
                  evutil_gai_strerror(error));
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
    fault_set(fault, FAULT_SYSTEM, "cannot listen on %s port %d: %s", place->address, place->port,
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

struct http_server *http_listen(struct event_base *base, const struct config *c, SSL_CTX *tls,
                                const struct http_place *place, struct fault *fault)
{
    evutil_socket_t fd = bind_socket(place, fault);
    struct http_server *s = fd >= 0 ? calloc(1, sizeof *s) : NULL;

    if (!s)
        return NULL;
    *s = (struct http_server){.base = base, .config = c, .place = *place, .port = port_of(fd), .date_of = -1};
    s->connections =
        (struct connections){.base = base, .tls = tls, .config = c, .ended = connection_is_gone, .context = s};
    s->http = evhttp_new(base);
    evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
                                            EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    evhttp_set_gencb(s->http, arrived, s);
    evhttp_set_bevcb(s->http, accepted, s);
    evhttp_set_default_content_type(s->http, NULL);
    http_limits(s);
    struct evconnlistener *listener =
        evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    s->listener = listener ? evhttp_bind_listener(s->http, listener) : NULL;
    if (!s->listener) {
        fault_set(fault, FAULT_SYSTEM, "cannot watch the listening socket");
        http_free(s);
        return NULL;
    }
    return s;
}

/* libevent's own limits lie above those of the gate, which answers first. */
void http_limits(struct http_server *s)
{
    const struct config *c = s->config;

    evhttp_set_max_headers_size(s->http, ROOM * c->header_bytes);
    evhttp_set_max_body_size(s->http, ROOM * (ev_ssize_t)c->body_bytes);
    evhttp_set_timeout(s->http, ROOM * (c->header_seconds + c->body_seconds + c->idle_seconds));
}

void http_use_audit(struct http_server *s, struct audit *a)
{
    s->audit = a;
}

void http_use_certificate(struct http_server *s, SSL_CTX *tls)
{
    SSL_CTX_free(s->connections.tls); /* connections at hand keep it */
    s->connections.tls = tls;
}

int http_port(const struct http_server *s)
{
    return s->port;
}

void http_stop(struct http_server *s)
{
    s->stopping = true;
    evhttp_del_accept_socket(s->http, s->listener);
}

size_t http_busy(const struct http_server *s)
{
    return s->exchanges + s->connections.replying;
}

size_t http_connections(const struct http_server *s)
{
    return s->connections.count;
}

void http_cut(struct http_server *s)
{
    if (!s || s->ended)
        return;
    s->stopping = true;
    evhttp_free(s->http);
    s->ended = true;
}

void http_free(struct http_server *s)
{
    if (!s)
        return;
    http_cut(s);
    SSL_CTX_free(s->connections.tls);
    secret_wipe(s->random, sizeof s->random);
    arena_free(&s->spare);
    free(s);
}
