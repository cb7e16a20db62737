#include "crypto/der_write.h"

static void wr_length(struct writer *w, size_t n)
{
    size_t bytes = 1;

    if (n < 0x80) {
        wr_u8(w, (uint8_t)n);
        return;
    }
    while (n >> 8 * bytes)
        bytes++;
    wr_u8(w, (uint8_t)(0x80 | bytes));
    while (bytes--)
        wr_u8(w, (uint8_t)(n >> 8 * bytes));
}

struct bytes der_element(struct arena *a, uint8_t tag, const struct bytes *parts, size_t count)
{
    struct writer w = wr_open(a);
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        n += parts[i].n;
    wr_u8(&w, tag);
    wr_length(&w, n);
    for (size_t i = 0; i < count; i++)
        wr_put(&w, parts[i]);
    return wr_done(&w);
}

struct bytes der_write_unsigned(struct arena *a, struct bytes magnitude)
{
    bool pad = magnitude.n == 0 || magnitude.p[0] & 0x80;

    return DER_ELEMENT(a, DER_INTEGER, pad ? BYTES_LIT("\0") : BYTES_NONE, magnitude);
}
