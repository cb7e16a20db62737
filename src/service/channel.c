#include "service/channel.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct channel {
    int fd;
    struct event *readable, *writable;
    struct evbuffer *waiting; /* for room in the socket */
    channel_frame *frame;
    channel_closed *closed;
    void *context;
    uint8_t *in;
    size_t held, cap; /* of in */
    bool working;     /* in a callback: freed when it returns */
    bool freed;
};

static void destroy(struct channel *c)
{
    if (c->readable)
        event_free(c->readable);
    if (c->writable)
        event_free(c->writable);
    if (c->waiting)
        evbuffer_free(c->waiting);
    close(c->fd);
    free(c->in);
    free(c);
}

void channel_free(struct channel *c)
{
    if (!c)
        return;
    c->freed = true;
    if (!c->working)
        destroy(c);
}

static void end(struct channel *c)
{
    event_del(c->readable);
    event_del(c->writable);
    c->closed(c->context);
}

/* Room for what is held and for `more` behind it. */
static bool reserve(struct channel *c, size_t more)
{
    if (c->cap - c->held >= more)
        return true;
    size_t cap = c->held + more;
    uint8_t *in = realloc(c->in, cap);
    if (!in)
        return false;
    c->in = in;
    c->cap = cap;
    return true;
}

/* Give on every whole frame. False when what came is no frame; *missing is what the next one lacks. */
static bool deliver(struct channel *c, size_t *missing)
{
    size_t at = 0;
    bool ok = true;

    *missing = FRAME_BUFFER;
    while (c->held - at >= FRAME_HEADER && !c->freed) {
        enum frame_kind kind;
        uint32_t length;

        ok = frame_header(c->in + at, &length, &kind);
        if (!ok)
            break;
        if (c->held - at - FRAME_HEADER < length) {
            *missing = length - (c->held - at - FRAME_HEADER);
            break;
        }
        c->frame(c->context, kind, bytes_make(c->in + at + FRAME_HEADER, length));
        at += FRAME_HEADER + length;
    }
    memmove(c->in, c->in + at, c->held - at);
    c->held -= at;
    return ok;
}

static void read_more(evutil_socket_t fd, short what, void *context)
{
    struct channel *c = context;
    size_t missing;

    (void)what;
    ssize_t n = read(fd, c->in + c->held, c->cap - c->held);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    c->working = true;
    if (n > 0)
        c->held += (size_t)n;
    if (n <= 0 || !deliver(c, &missing) || (!c->freed && !reserve(c, missing)))
        end(c);
    c->working = false;
    if (c->freed)
        destroy(c);
}

static void write_more(evutil_socket_t fd, short what, void *context)
{
    struct channel *c = context;

    (void)what;
    /* A broken socket shows when it is read: one place to end. */
    if (evbuffer_write(c->waiting, fd) < 0 && errno != EAGAIN && errno != EINTR)
        evbuffer_drain(c->waiting, evbuffer_get_length(c->waiting));
    if (evbuffer_get_length(c->waiting) == 0)
        event_del(c->writable);
}

struct channel *channel_open(struct event_base *base, int fd, channel_frame *frame, channel_closed *closed,
                             void *context)
{
    struct channel *c = calloc(1, sizeof *c);

    if (!c || evutil_make_socket_nonblocking(fd) != 0) {
        free(c);
        close(fd);
        return NULL;
    }
    *c = (struct channel){.fd = fd, .frame = frame, .closed = closed, .context = context};
    c->readable = event_new(base, fd, EV_READ | EV_PERSIST, read_more, c);
    c->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, write_more, c);
    c->waiting = evbuffer_new();
    if (!c->readable || !c->writable || !c->waiting || !reserve(c, FRAME_BUFFER) || event_add(c->readable, NULL) != 0) {
        destroy(c);
        return NULL;
    }
    return c;
}

void channel_send(struct channel *c, enum frame_kind kind, struct bytes body)
{
    uint8_t header[FRAME_HEADER];
    struct iovec part[2] = {{header, sizeof header}, {(void *)(uintptr_t)body.p, body.n}};
    size_t sent = 0;

    if (body.n > LIMIT_FRAME) {
        shutdown(c->fd, SHUT_RDWR);
        return;
    }
    frame_put_header(header, (uint32_t)body.n, kind);
    if (evbuffer_get_length(c->waiting) == 0) {
        ssize_t n = writev(c->fd, part, 2);

        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return; /* seen when it is read */
        sent = n > 0 ? (size_t)n : 0;
    }
    if (sent == sizeof header + body.n)
        return;
    struct bytes head = bytes_after(BYTES_OF(header), sent);
    body = bytes_after(body, sent > sizeof header ? sent - sizeof header : 0);
    if ((head.n && evbuffer_add(c->waiting, head.p, head.n) != 0) ||
        (body.n && evbuffer_add(c->waiting, body.p, body.n) != 0) || event_add(c->writable, NULL) != 0)
        shutdown(c->fd, SHUT_RDWR); /* half a frame is worse than none */
}
