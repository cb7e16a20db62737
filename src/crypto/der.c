#include "crypto/der.h"

#include "base/clock.h"

static size_t length(struct reader *r)
{
    uint8_t first = rd_u8(r);
    size_t n = 0;

    if (first < 0x80)
        return first;
    unsigned count = first & 0x7f;
    if (count == 0 || count > 4) { /* indefinite, or larger than anything here */
        r->failed = true;
        return 0;
    }
    for (unsigned i = 0; i < count; i++)
        n = n << 8 | rd_u8(r);
    if (n < 0x80 || n >> (8 * (count - 1)) == 0) /* a shorter form exists */
        r->failed = true;
    return n;
}

struct bytes der_any(struct reader *r, uint8_t *tag, struct bytes *whole)
{
    const uint8_t *from = r->p;

    *tag = rd_u8(r);
    if ((*tag & 0x1f) == 0x1f) /* tags of several bytes occur nowhere here */
        r->failed = true;
    struct bytes content = rd_take(r, length(r));
    if (r->failed) {
        *tag = 0;
        content = BYTES_NONE;
    }
    if (whole)
        *whole = r->failed ? BYTES_NONE : bytes_make(from, (size_t)(r->p - from));
    return content;
}

struct bytes der_take(struct reader *r, uint8_t tag)
{
    uint8_t found;
    struct bytes content = der_any(r, &found, NULL);

    if (found == tag)
        return content;
    r->failed = true;
    return BYTES_NONE;
}

struct bytes der_take_whole(struct reader *r, uint8_t tag)
{
    struct bytes whole;
    uint8_t found;

    der_any(r, &found, &whole);
    if (found == tag)
        return whole;
    r->failed = true;
    return BYTES_NONE;
}

struct reader der_enter(struct reader *r, uint8_t tag)
{
    struct reader inner = rd_open(der_take(r, tag));

    inner.failed = r->failed;
    return inner;
}

bool der_next_is(const struct reader *r, uint8_t tag)
{
    return rd_left(r) > 0 && r->p[0] == tag;
}

/* Content of an INTEGER or ENUMERATED: not empty, not negative, minimal; leading zero dropped. */
static struct bytes magnitude(struct reader *r, uint8_t tag)
{
    struct bytes b = der_take(r, tag);

    if (b.n == 0 || b.p[0] & 0x80 || (b.n > 1 && b.p[0] == 0 && !(b.p[1] & 0x80))) {
        r->failed = true;
        return BYTES_NONE;
    }
    return b.n > 1 && b.p[0] == 0 ? bytes_after(b, 1) : b;
}

struct bytes der_unsigned(struct reader *r)
{
    return magnitude(r, DER_INTEGER);
}

static uint64_t small(struct reader *r, uint8_t tag)
{
    struct bytes b = magnitude(r, tag);
    uint64_t v = 0;

    if (b.n > sizeof v)
        r->failed = true;
    for (size_t i = 0; i < b.n && !r->failed; i++)
        v = v << 8 | b.p[i];
    return v;
}

uint64_t der_u64(struct reader *r)
{
    return small(r, DER_INTEGER);
}

uint64_t der_enumerated(struct reader *r)
{
    return small(r, DER_ENUMERATED);
}

bool der_boolean(struct reader *r)
{
    struct bytes b = der_take(r, DER_BOOLEAN);

    if (b.n != 1 || (b.p[0] != 0 && b.p[0] != 0xff)) {
        r->failed = true;
        return false;
    }
    return b.p[0] != 0;
}

struct bytes der_bits(struct reader *r)
{
    struct bytes b = der_take(r, DER_BIT_STRING);

    if (b.n == 0 || b.p[0] != 0) {
        r->failed = true;
        return BYTES_NONE;
    }
    return bytes_after(b, 1);
}

int64_t der_time(struct reader *r)
{
    uint8_t tag;
    struct reader t = rd_open(der_any(r, &tag, NULL));
    int year = rd_digits(&t, tag == DER_GENERALIZED_TIME ? 4 : 2);
    int64_t out = 0;

    if (tag == DER_UTC_TIME)
        year += year < 50 ? 2000 : 1900;
    else if (tag != DER_GENERALIZED_TIME)
        t.failed = true;
    int month = rd_digits(&t, 2), day = rd_digits(&t, 2), hour = rd_digits(&t, 2), minute = rd_digits(&t, 2),
        second = rd_digits(&t, 2);
    if (rd_u8(&t) != 'Z' || !rd_end(&t) || !time_make(year, month, day, hour, minute, second, &out))
        r->failed = true;
    return out;
}
