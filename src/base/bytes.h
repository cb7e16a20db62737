/* Views, readers and writers: the only ways this program touches bytes.
 *
 * A `struct bytes` is a view; it owns nothing. Untrusted input is read through `struct reader`, whose errors
 * are sticky: after one short read every later read gives zero, so a whole structure is read first and tested
 * once, with rd_ok() (nothing failed) or rd_end() (nothing failed and nothing is left). Output grows in a
 * `struct writer` over an arena. */
#ifndef ASSAY_BASE_BYTES_H
#define ASSAY_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

struct bytes {
    const uint8_t *p;
    size_t n;
};

#define BYTES_NONE     ((struct bytes){NULL, 0})
#define BYTES_OF(arr)  ((struct bytes){(arr), sizeof(arr)}) /* of an array, not of a pointer */
#define BYTES_LIT(lit) ((struct bytes){(const uint8_t *)(lit), sizeof(lit) - 1})

static inline struct bytes bytes_make(const void *p, size_t n)
{
    return (struct bytes){p, n};
}
static inline struct bytes bytes_text(const char *s) /* without its NUL */
{
    return (struct bytes){(const uint8_t *)s, strlen(s)};
}
/* The first n bytes, or all there are. */
static inline struct bytes bytes_first(struct bytes b, size_t n)
{
    return (struct bytes){b.p, b.n < n ? b.n : n};
}
/* What follows the first n bytes; empty when there are no more. */
static inline struct bytes bytes_after(struct bytes b, size_t n)
{
    return b.n > n ? (struct bytes){b.p + n, b.n - n} : BYTES_NONE;
}
/* Compare two views; not for secrets (use secret_equal of crypto/digest.h). */
bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_is(struct bytes a, const char *text);         /* same bytes as a C string */
bool bytes_is_nocase(struct bytes a, const char *text);  /* ASCII letter case ignored */
bool bytes_equal_nocase(struct bytes a, struct bytes b); /* the same for two views */
int bytes_compare(struct bytes a, struct bytes b);       /* by unsigned bytes, then length: the order of JSON members */
bool bytes_all_zero(struct bytes b);
bool bytes_begin(struct bytes b, const char *prefix);
struct bytes bytes_without_mark(struct bytes b); /* text without the byte-order mark of UTF-8 */
/* Drop trailing NUL bytes, and trailing ASCII white space and NUL bytes. */
struct bytes bytes_trim_nul(struct bytes b);
struct bytes bytes_trim_end(struct bytes b);

struct reader {
    const uint8_t *p;
    size_t n; /* bytes left */
    bool failed;
};

struct reader rd_open(struct bytes b);
static inline bool rd_ok(const struct reader *r)
{
    return !r->failed;
}
static inline bool rd_end(const struct reader *r)
{
    return !r->failed && r->n == 0;
}
static inline size_t rd_left(const struct reader *r)
{
    return r->failed ? 0 : r->n;
}
/* A view of the next n bytes; empty after a failure. */
static inline struct bytes rd_take(struct reader *r, size_t n)
{
    if (r->failed || n > r->n) {
        r->failed = true;
        return BYTES_NONE;
    }
    struct bytes b = {r->p, n};
    if (n)
        r->p += n;
    r->n -= n;
    return b;
}
static inline uint16_t rd_u16le(struct reader *r)
{
    struct bytes b = rd_take(r, 2);

    if (!b.n)
        return 0;
    return (uint16_t)(b.p[0] | b.p[1] << 8);
}
static inline uint32_t rd_u32le(struct reader *r)
{
    struct bytes b = rd_take(r, 4);

    if (!b.n)
        return 0;
    return b.p[0] | (uint32_t)b.p[1] << 8 | (uint32_t)b.p[2] << 16 | (uint32_t)b.p[3] << 24;
}
uint8_t rd_u8(struct reader *r);
uint64_t rd_u64le(struct reader *r);
uint16_t rd_u16be(struct reader *r);
uint32_t rd_u32be(struct reader *r);
struct bytes rd_rest(struct reader *r); /* all that is left */
void rd_skip(struct reader *r, size_t n);
/* Decimal digits of text, as many as follow: none, or more than `most`, is a failure. A zero before others is a digit. */
uint64_t rd_decimal(struct reader *r, uint64_t most);
/* Just so many, of a number that an int holds. */
int rd_digits(struct reader *r, size_t n);
/* The whole text, and nothing else: no sign, no space. */
bool decimal_parse(struct bytes text, uint64_t most, uint64_t *out);

struct writer {
    struct arena *arena;
    uint8_t *p;
    size_t n, cap;
};

struct writer wr_open(struct arena *a);
void wr_u8(struct writer *w, uint8_t v);
void wr_u16le(struct writer *w, uint16_t v);
void wr_u32le(struct writer *w, uint32_t v);
void wr_u64le(struct writer *w, uint64_t v);
void wr_put(struct writer *w, struct bytes b);
void wr_text(struct writer *w, const char *s);
void wr_hex(struct writer *w, struct bytes b); /* lower case */
void wr_decimal(struct writer *w, uint64_t v);
void wr_printf(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3), nonnull(2)));
/* Room for n bytes, to be written and then counted (w->n += what was written). */
uint8_t *wr_room(struct writer *w, size_t n);
struct bytes wr_done(const struct writer *w);

#endif
