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
    return *length <= LIMIT_FRAME && k >= FRAME_SNAPSHOT_BEGIN && k <= FRAME_NO_TOKEN;
}

static bool read_all(int fd, uint8_t *p, size_t n)
{
    while (n) {
        ssize_t got = read(fd, p, n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

bool frame_read(int fd, struct arena *a, enum frame_kind *kind, struct bytes *body)
{
    uint8_t header[FRAME_HEADER];
    uint32_t length;

    if (!read_all(fd, header, sizeof header) || !frame_header(header, &length, kind))
        return false;
    uint8_t *p = arena_alloc(a, length);
    *body = bytes_make(p, length);
    return read_all(fd, p, length);
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
