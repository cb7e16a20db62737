#include "service/connection.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/bufferevent_struct.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "service/quota.h"

enum {
    TLS_RECORD = 16 * 1024,
    /* What is read and dropped of a request that is refused, so that the client comes to read why: a socket closed over unread
     * bytes is reset, and the answer lost. */
    DROP_MOST = 8 * 1024 * 1024,
    DROP_SECONDS = 1, /* where nothing tells how much is still to come */
};

#define DROP_HEADER SIZE_MAX /* to its end, wherever that is */

/* A request in place of one that was refused at the gate: libevent must read something before it lets us answer. */
static const char stand_in[] = "GET / HTTP/1.1\r\nConnection: close\r\n\r\n";

enum phase {
    WAITING, /* no byte of the next request is here */
    HEADER,  /* its first bytes are */
    BODY,    /* its header is whole and passed; libevent sees nothing before the body is whole, too */
    CONTINUED, /* likewise, but the client waits for "100 Continue": libevent has the header, says that, and reads the body */
    DROPPING,  /* it is refused; what is still to come is dropped before we say so */
    ANSWERING, /* libevent has it whole, or the stand-in */
    REPLYING,  /* the answer is on its way */
};

struct connection {
    struct connections *all;
    struct connection *next, *before;
    uint8_t key[ADDRESS_SIZE]; /* address_key of the client's, where it is limited */
    bool arriving;             /* its address was not looked at yet */
    struct bufferevent *stream;
    SSL *ssl;
    struct event *deadline;
    enum phase phase;
    size_t seen;    /* bytes of the header that were searched for its end, or of the request that were judged */
    size_t whole;   /* length of the request; 0: chunked, not known */
    size_t dropped; /* bytes dropped, and how many are still to come */
    size_t to_drop;
    unsigned line_ends; /* in a row, in what is dropped of a header */
    struct gate_chunks chunks;
    struct gate_refusal refusal;
    bool changing; /* we change the input ourselves */
    bool spoiled;  /* the client sent the next request too early: the connection ends with the answer */
};

static int connection_index = -1; /* in SSL's application data */

static void set_deadline(struct connection *c, int seconds)
{
    struct timeval tv = {seconds, 0};

    evtimer_add(c->deadline, &tv);
}

/* libevent sees the end of the stream, and frees all. */
static void cut_off(struct connection *c)
{
    shutdown(bufferevent_getfd(c->stream), SHUT_RDWR);
}

/* libevent's reader is called when so many bytes are here. */
static void hold_until(struct connection *c, size_t bytes)
{
    bufferevent_setwatermark(c->stream, EV_READ, bytes, 0);
}

static void set_phase(struct connection *c, enum phase phase)
{
    c->all->replying -= c->phase == REPLYING;
    c->all->replying += phase == REPLYING;
    c->phase = phase;
}

static void pass_on(struct connection *c)
{
    set_phase(c, ANSWERING);
    hold_until(c, 0);
}

static void put_stand_in(struct connection *c, struct evbuffer *in)
{
    c->changing = true;
    evbuffer_drain(in, evbuffer_get_length(in));
    if (evbuffer_add(in, stand_in, sizeof stand_in - 1) != 0)
        cut_off(c);
    c->changing = false;
    pass_on(c);
}

/* Does a header that is dropped end here? */
static bool header_ends(struct connection *c, struct evbuffer *in, size_t n)
{
    const uint8_t *p = evbuffer_pullup(in, -1);

    for (size_t i = 0; i < n && c->line_ends < 2; i++)
        if (p[i] != '\r')
            c->line_ends = p[i] == '\n' ? c->line_ends + 1 : 0;
    return c->line_ends == 2;
}

static void drop(struct connection *c, struct evbuffer *in)
{
    size_t n = evbuffer_get_length(in);

    c->dropped += n;
    if (c->to_drop == DROP_HEADER)
        c->to_drop = header_ends(c, in, n) ? 0 : DROP_HEADER;
    else
        c->to_drop -= n < c->to_drop ? n : c->to_drop;
    if (c->to_drop == 0 || c->dropped > DROP_MOST) {
        put_stand_in(c, in);
        return;
    }
    c->changing = true;
    evbuffer_drain(in, n);
    c->changing = false;
}

static void refuse(struct connection *c, struct evbuffer *in, struct gate_refusal refusal, size_t to_drop, int seconds)
{
    c->refusal = refusal;
    c->to_drop = to_drop;
    set_phase(c, DROPPING);
    set_deadline(c, seconds);
    hold_until(c, 1); /* of the stand-in */
    drop(c, in);
}

/* The body, or what is here of it. */
static void look_at_body(struct connection *c, struct evbuffer *in)
{
    size_t n = evbuffer_get_length(in);
    struct gate_limits limits = {.body = (size_t)c->all->config->body_bytes};
    bool whole = n >= c->whole;

    if (!c->whole) {
        struct evbuffer_ptr at;
        struct evbuffer_iovec piece;

        whole = false;
        while (c->seen < n && !whole) {
            evbuffer_ptr_set(in, &at, c->seen, EVBUFFER_PTR_SET);
            if (evbuffer_peek(in, -1, &at, &piece, 1) < 1)
                break;
            c->refusal = gate_chunks(&c->chunks, bytes_make(piece.iov_base, piece.iov_len), &limits, &whole);
            if (c->refusal.status) {
                refuse(c, in, c->refusal, c->refusal.status == 413 ? DROP_MOST : 0, DROP_SECONDS);
                return;
            }
            c->seen += piece.iov_len;
        }
    }
    if (whole)
        pass_on(c);
    else
        hold_until(c, n + 1);
}

static void header_passed(struct connection *c, struct evbuffer *in, size_t length, const struct gate_body *body)
{
    set_phase(c, BODY);
    c->seen = length;
    c->whole = body->chunked ? 0 : length + body->length;
    c->chunks = (struct gate_chunks){0};
    set_deadline(c, c->all->config->body_seconds);
    if (body->expects_continue && evbuffer_get_length(in) == length) {
        set_phase(c, CONTINUED);
        /* libevent waits without bound for the end of a chunk's first line. */
        bufferevent_setwatermark(c->stream, EV_READ, 0, length + 2 * (size_t)c->all->config->body_bytes);
    } else {
        look_at_body(c, in);
    }
}

static void look_at_header(struct connection *c, struct evbuffer *in)
{
    struct gate_limits limits = {(size_t)c->all->config->header_bytes, (size_t)c->all->config->body_bytes};
    size_t n = evbuffer_get_length(in), most = n < limits.header ? n : limits.header;
    struct bytes here = bytes_make(evbuffer_pullup(in, (ev_ssize_t)most), most);
    size_t length = gate_header_length(here, c->seen);
    struct gate_body body;

    c->seen = most;
    if (length == 0 && n > limits.header) {
        refuse(c, in, gate_header_too_long(), DROP_HEADER, c->all->config->header_seconds);
        return;
    }
    if (length == 0) {
        hold_until(c, n + 1);
        return;
    }
    struct gate_refusal refusal = gate_check(bytes_first(here, length), &limits, &body);
    if (refusal.status == 413 && !body.expects_continue)
        refuse(c, in, refusal, length + body.length, c->all->config->body_seconds);
    else if (refusal.status)
        refuse(c, in, refusal, 0, DROP_SECONDS);
    else
        header_passed(c, in, length, &body);
}

static void input_grew(struct connection *c, struct evbuffer *in)
{
    switch (c->phase) {
    case WAITING:
        set_phase(c, HEADER);
        c->seen = 0;
        set_deadline(c, c->all->config->header_seconds);
        look_at_header(c, in);
        break;
    case HEADER: look_at_header(c, in); break;
    case BODY: look_at_body(c, in); break;
    case DROPPING: drop(c, in); break;
    case CONTINUED: break;
    case ANSWERING:
    case REPLYING:
        c->spoiled = true;
        bufferevent_disable(c->stream, EV_READ);
        c->changing = true;
        evbuffer_drain(in, evbuffer_get_length(in));
        c->changing = false;
        break;
    }
}

/* TLS reads ahead: what it holds already, no socket will announce. */
static void read_pending(struct connection *c)
{
    if (SSL_has_pending(c->ssl))
        event_active(&c->stream->ev_read, EV_READ, 0);
}

static void input_changed(struct evbuffer *in, const struct evbuffer_cb_info *info, void *context)
{
    struct connection *c = context;

    if (info->n_added && !c->changing)
        input_grew(c, in);
    if (c->phase != ANSWERING && c->phase != REPLYING)
        read_pending(c);
}

/* Header and body of a reply lie in two pieces, each of which would become a record of its own. */
static void output_changed(struct evbuffer *out, const struct evbuffer_cb_info *info, void *context)
{
    struct connection *c = context;

    if (info->n_added && evbuffer_get_length(out) <= TLS_RECORD)
        evbuffer_pullup(out, -1);
    if (c->phase != REPLYING || evbuffer_get_length(out) > 0)
        return;
    if (c->spoiled) {
        cut_off(c);
        return;
    }
    set_phase(c, WAITING);
    read_pending(c);
}

/* From the first byte after the handshake, one call of the system reads all records that are there. */
static void handshake_changed(const SSL *ssl, int where, int value)
{
    (void)value;
    if (where & SSL_CB_HANDSHAKE_DONE)
        SSL_set_read_ahead((SSL *)(uintptr_t)ssl, 1);
}

/* One client must not hold the places of all; its address is known only once libevent has given the stream its socket. */
static void arrive(struct connection *c)
{
    struct sockaddr_storage address;
    socklen_t n = sizeof address;
    uint8_t whole[ADDRESS_SIZE];
    int count = 0;

    c->arriving = false;
    bool known = getpeername(bufferevent_getfd(c->stream), (struct sockaddr *)&address, &n) == 0;
    address_take(known ? (struct sockaddr *)&address : NULL, whole);
    address_key(whole, c->key);
    for (const struct connection *other = c->all->first; other; other = other->next)
        count += !other->arriving && memcmp(other->key, c->key, sizeof c->key) == 0;
    if (count > c->all->config->address_connections)
        cut_off(c);
    set_deadline(c, c->all->config->header_seconds);
}

static void deadline_passed(evutil_socket_t fd, short what, void *context)
{
    struct connection *c = context;

    (void)fd, (void)what;
    if (c->arriving) {
        arrive(c);
        return;
    }
    if (c->phase != DROPPING) {
        cut_off(c);
        return;
    }
    put_stand_in(c, bufferevent_get_input(c->stream));
    bufferevent_trigger(c->stream, EV_READ, 0);
}

/* It hangs on its TLS session and ends with it, whoever ends that. */
static void connection_ended(void *ssl, void *data, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
    struct connection *c = data;

    (void)ssl, (void)ad, (void)index, (void)argl, (void)argp;
    if (!c)
        return;
    struct connections *all = c->all;
    set_phase(c, WAITING);
    event_free(c->deadline);
    *(c->before ? &c->before->next : &all->first) = c->next;
    if (c->next)
        c->next->before = c->before;
    free(c);
    all->count--;
    all->ended(all->context);
}

struct bufferevent *connection_accept(struct event_base *base, void *connections)
{
    struct connections *all = connections;
    struct connection *c = calloc(1, sizeof *c);
    SSL *ssl = SSL_new(all->tls);
    struct bufferevent *stream =
        ssl ? bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE) : NULL;

    if (connection_index < 0)
        connection_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, connection_ended);
    if (!c || !stream || SSL_set_ex_data(ssl, connection_index, c) != 1)
        abort(); /* only without memory; a plain stream must never take its place */
    SSL_set_info_callback(ssl, handshake_changed);
    bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
    *c = (struct connection){.all = all,
                             .stream = stream,
                             .ssl = ssl,
                             .deadline = evtimer_new(base, deadline_passed, c),
                             .next = all->first,
                             .arriving = all->config->address_connections > 0};
    if (!c->deadline || !evbuffer_add_cb(bufferevent_get_input(stream), input_changed, c) ||
        !evbuffer_add_cb(bufferevent_get_output(stream), output_changed, c))
        abort();
    if (all->first)
        all->first->before = c;
    all->first = c;
    if (c->arriving)
        event_active(c->deadline, EV_TIMEOUT, 0);
    else
        set_deadline(c, all->config->header_seconds); /* for the handshake, too */
    all->count++;
    return stream;
}

struct connection *connection_of(struct evhttp_request *request)
{
    struct evhttp_connection *http = evhttp_request_get_connection(request);
    SSL *ssl = http ? bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(http)) : NULL;

    return ssl ? SSL_get_ex_data(ssl, connection_index) : NULL;
}

const char *connection_tls_name(const struct connection *c)
{
    return SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
}

SSL *connection_tls(const struct connection *c)
{
    return c->ssl;
}

struct gate_refusal connection_begin(struct connection *c)
{
    bufferevent_data_cb read, write;
    bufferevent_event_cb event;
    void *context;

    evtimer_del(c->deadline); /* from here on the time is ours */
    set_phase(c, ANSWERING);
    /* libevent has stopped reading, and starts again after the reply: four calls of the system. Instead nobody is told of what
     * is read in between, which is nothing at all, or the end of the stream (a client may close its half and wait). */
    bufferevent_getcb(c->stream, &read, &write, &event, &context);
    bufferevent_setcb(c->stream, NULL, write, NULL, context);
    bufferevent_enable(c->stream, EV_READ);
    return c->refusal;
}

bool connection_ends_with_reply(const struct connection *c)
{
    return c->refusal.status || c->spoiled || evbuffer_get_length(bufferevent_get_input(c->stream)) > 0;
}

void connection_replied(struct connection *c)
{
    set_phase(c, REPLYING);
    set_deadline(c, c->all->config->idle_seconds);
    /* Now, and not when the socket is found to have room, as it nearly always has. */
    event_active(&c->stream->ev_write, EV_WRITE, 0);
}
