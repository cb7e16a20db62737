#include "core/frame.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

void frame_put_header(uint8_t header[FRAME_HEADER], uint32_t length, enum frame_kind kind)
{
    for (unsigned i = 0; i < 4; i++) {
        header[i] = (uint8_t)(length >> 8 * i);
        header[4 + i] = (uint8_t)((uint32_t)kind >> 8 * i);
    }
}

bool frame_header(const uint8_t header[FRAME_HEADER], uint32_t *length, enum frame_kind *kind)
{
    struct reader r = rd_open(bytes_make(header, FRAME_HEADER));
    uint32_t k;

    *length = rd_u32le(&r);
    k = rd_u32le(&r);
    *kind = (enum frame_kind)k;
    return *length <= LIMIT_FRAME && k >= FRAME_SNAPSHOT_BEGIN && k <= FRAME_NOT_SIGNED;
}

static size_t read_some(int fd, uint8_t *p, size_t n)
{
    ssize_t got;

    do
        got = read(fd, p, n);
    while (got < 0 && errno == EINTR);
    return got > 0 ? (size_t)got : 0;
}

/* The next n bytes: first what is in the buffer; a long rest goes straight to its place. */
static bool take(struct frame_reader *r, uint8_t *p, size_t n)
{
    while (n) {
        size_t have = r->end - r->start, part = have < n ? have : n;

        if (have == 0 && n >= sizeof r->buffer) {
            part = read_some(r->fd, p, n);
            if (part == 0)
                return false;
        } else if (have == 0) {
            r->start = 0;
            r->end = read_some(r->fd, r->buffer, sizeof r->buffer);
            if (r->end == 0)
                return false;
            continue;
        } else {
            memcpy(p, r->buffer + r->start, part);
            r->start += part;
        }
        p += part;
        n -= part;
    }
    return true;
}

bool frame_read(struct frame_reader *r, struct arena *a, enum frame_kind *kind, struct bytes *body)
{
    uint8_t header[FRAME_HEADER];
    uint32_t length;

    if (!take(r, header, sizeof header) || !frame_header(header, &length, kind))
        return false;
    uint8_t *p = arena_raw(a, length);
    *body = bytes_make(p, length);
    return take(r, p, length);
}

bool frame_write(int fd, enum frame_kind kind, struct bytes body)
{
    uint8_t header[FRAME_HEADER];
    struct iovec part[2] = {{header, sizeof header}, {(void *)(uintptr_t)body.p, body.n}};
    size_t left = sizeof header + body.n;

    if (body.n > LIMIT_FRAME)
        return false;
    frame_put_header(header, (uint32_t)body.n, kind);
    while (left) {
        ssize_t put = writev(fd, part, 2);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        left -= (size_t)put;
        for (size_t i = 0, done = (size_t)put; i < 2; i++) {
            size_t n = done < part[i].iov_len ? done : part[i].iov_len;

            part[i].iov_base = (uint8_t *)part[i].iov_base + n;
            part[i].iov_len -= n;
            done -= n;
        }
    }
    return true;
}

void wr_field(struct writer *w, struct bytes b)
{
    wr_u32le(w, (uint32_t)b.n);
    wr_put(w, b);
}

struct bytes rd_field(struct reader *r)
{
    return rd_take(r, rd_u32le(r));
}
