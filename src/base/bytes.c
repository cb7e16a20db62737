#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Most names differ at once from what they are compared with, in a table or as members of an object. */
bool bytes_is(struct bytes a, const char *text)
{
    if (a.n && a.p[0] != (uint8_t)text[0])
        return false;
    return bytes_equal(a, bytes_text(text));
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool bytes_is_nocase(struct bytes a, const char *text)
{
    return bytes_equal_nocase(a, bytes_text(text));
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int d = n ? memcmp(a.p, b.p, n) : 0;

    return d ? d : (a.n > b.n) - (a.n < b.n);
}

bool bytes_all_zero(struct bytes b)
{
    for (size_t i = 0; i < b.n; i++)
        if (b.p[i])
            return false;
    return true;
}

bool bytes_begin(struct bytes b, const char *prefix)
{
    size_t n = strlen(prefix);

    return b.n >= n && memcmp(b.p, prefix, n) == 0;
}

struct bytes bytes_without_mark(struct bytes b)
{
    return bytes_begin(b, "\xef\xbb\xbf") ? bytes_after(b, 3) : b;
}

struct bytes bytes_trim_nul(struct bytes b)
{
    while (b.n && b.p[b.n - 1] == 0)
        b.n--;
    return b;
}

struct bytes bytes_trim_end(struct bytes b)
{
    while (b.n && (b.p[b.n - 1] == 0 || strchr(" \t\r\n", b.p[b.n - 1])))
        b.n--;
    return b;
}

struct reader rd_open(struct bytes b)
{
    return (struct reader){b.p, b.n, false};
}

struct bytes rd_rest(struct reader *r)
{
    return rd_take(r, r->failed ? 0 : r->n);
}

void rd_skip(struct reader *r, size_t n)
{
    rd_take(r, n);
}

uint64_t rd_decimal(struct reader *r, uint64_t most)
{
    const uint8_t *begin = r->p;
    uint64_t v = 0;

    while (rd_left(r) && *r->p >= '0' && *r->p <= '9') {
        unsigned digit = rd_u8(r) - '0';

        if (v > most / 10 || digit > most - v * 10) {
            r->failed = true; /* and nothing is left of it */
            return 0;
        }
        v = v * 10 + digit;
    }
    r->failed = r->failed || r->p == begin;
    return v;
}

int rd_digits(struct reader *r, size_t n)
{
    struct reader text = rd_open(rd_take(r, n));
    int v = (int)rd_decimal(&text, INT32_MAX);

    r->failed = r->failed || !rd_end(&text);
    return v;
}

bool decimal_parse(struct bytes text, uint64_t most, uint64_t *out)
{
    struct reader r = rd_open(text);

    *out = rd_decimal(&r, most);
    return rd_end(&r);
}

static uint64_t little_endian(struct reader *r, size_t n)
{
    struct bytes b = rd_take(r, n);
    uint64_t v = 0;

    for (size_t i = b.n; i > 0; i--)
        v = v << 8 | b.p[i - 1];
    return v;
}

static uint32_t big_endian(struct reader *r, size_t n)
{
    struct bytes b = rd_take(r, n);
    uint32_t v = 0;

    for (size_t i = 0; i < b.n; i++)
        v = v << 8 | b.p[i];
    return v;
}

uint8_t rd_u8(struct reader *r)
{
    return (uint8_t)little_endian(r, 1);
}

uint64_t rd_u64le(struct reader *r)
{
    return little_endian(r, 8);
}

uint16_t rd_u16be(struct reader *r)
{
    return (uint16_t)big_endian(r, 2);
}

uint32_t rd_u32be(struct reader *r)
{
    return big_endian(r, 4);
}

enum { WRITER_FIRST = 256 };

uint8_t *wr_room(struct writer *w, size_t n)
{
    if (w->cap - w->n < n) {
        size_t cap = w->cap ? w->cap : WRITER_FIRST;

        while (cap - w->n < n)
            cap *= 2;
        w->p = arena_grow(w->arena, w->p, w->cap, cap);
        w->cap = cap;
    }
    return w->p + w->n;
}

struct writer wr_open(struct arena *a)
{
    return (struct writer){a, NULL, 0, 0};
}

void wr_put(struct writer *w, struct bytes b)
{
    if (b.n == 0)
        return;
    memcpy(wr_room(w, b.n), b.p, b.n);
    w->n += b.n;
}

void wr_u8(struct writer *w, uint8_t v)
{
    *wr_room(w, 1) = v;
    w->n++;
}

static void put_little_endian(struct writer *w, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++, v >>= 8)
        wr_u8(w, (uint8_t)v);
}

void wr_u16le(struct writer *w, uint16_t v)
{
    put_little_endian(w, v, 2);
}

void wr_u32le(struct writer *w, uint32_t v)
{
    put_little_endian(w, v, 4);
}

void wr_u64le(struct writer *w, uint64_t v)
{
    put_little_endian(w, v, 8);
}

void wr_text(struct writer *w, const char *s)
{
    wr_put(w, bytes_text(s));
}

void wr_hex(struct writer *w, struct bytes b)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t *p = b.n ? wr_room(w, b.n * 2) : NULL; /* there may be no room yet to point at */

    for (size_t i = 0; i < b.n; i++) {
        *p++ = (uint8_t)digits[b.p[i] >> 4];
        *p++ = (uint8_t)digits[b.p[i] & 15];
    }
    w->n += b.n * 2;
}

void wr_decimal(struct writer *w, uint64_t v)
{
    enum { DIGITS = 20 };
    uint8_t text[DIGITS];
    size_t n = DIGITS;

    do
        text[--n] = (uint8_t)('0' + v % 10);
    while (v /= 10);
    wr_put(w, bytes_make(text + n, DIGITS - n));
}

void wr_printf(struct writer *w, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n > 0) {
        char *p = (char *)wr_room(w, (size_t)n + 1);

        vsnprintf(p, (size_t)n + 1, format, again);
        w->n += (size_t)n;
    }
    va_end(again);
}

struct bytes wr_done(const struct writer *w)
{
    return (struct bytes){w->p, w->n};
}
