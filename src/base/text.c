#include "base/text.h"

#include <stdio.h>

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode_exact(struct bytes text, uint8_t *out, size_t n)
{
    if (text.n != n * 2)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(text.p[2 * i]), low = hex_digit(text.p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool hex_decode(struct arena *a, struct bytes text, struct bytes *out)
{
    uint8_t *p = arena_alloc(a, text.n / 2);

    *out = (struct bytes){p, text.n / 2};
    return text.n % 2 == 0 && hex_decode_exact(text, p, text.n / 2);
}

struct bytes hex_encode(struct arena *a, struct bytes b)
{
    struct writer w = wr_open(a);

    wr_hex(&w, b);
    return wr_done(&w);
}

struct bytes hex_encode_upper(struct arena *a, struct bytes b)
{
    struct writer w = wr_open(a);

    for (size_t i = 0; i < b.n; i++)
        wr_printf(&w, "%02X", b.p[i]);
    return wr_done(&w);
}

static void put_utf8(struct writer *w, uint32_t c)
{
    if (c < 0x80) {
        wr_u8(w, (uint8_t)c);
        return;
    }
    unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    wr_u8(w, (uint8_t)(lead[more] | c >> 6 * more));
    while (more-- > 0)
        wr_u8(w, (uint8_t)(0x80 | (c >> 6 * more & 0x3f)));
}

/* The ASCII at the beginning, which most is; *utf16 moves on. */
static void put_ascii(struct writer *w, struct bytes *utf16)
{
    uint8_t *to = wr_room(w, utf16->n / 2 + 1);
    const uint8_t *from = utf16->p;
    size_t n = 0, most = utf16->n / 2;

    while (n < most && from[2 * n] < 0x80 && from[2 * n + 1] == 0) {
        to[n] = from[2 * n];
        n++;
    }
    w->n += n;
    *utf16 = bytes_after(*utf16, 2 * n);
}

struct bytes utf16_decode(struct arena *a, struct bytes utf16)
{
    enum { REPLACEMENT = 0xfffd };
    struct writer w = wr_open(a);

    put_ascii(&w, &utf16);
    struct reader r = rd_open(utf16);
    while (rd_left(&r) >= 2) {
        uint32_t c = rd_u16le(&r), low;
        struct reader ahead = r;

        if (c >= 0xd800 && c < 0xdc00 && (low = rd_u16le(&ahead), low >= 0xdc00 && low < 0xe000)) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            r = ahead;
        } else if (c >= 0xd800 && c < 0xe000) {
            c = REPLACEMENT;
        }
        put_utf8(&w, c);
    }
    if (rd_left(&r))
        put_utf8(&w, REPLACEMENT);
    return bytes_trim_nul(wr_done(&w));
}

bool utf8_valid(struct bytes text)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000}; /* a longer form than needed is refused */
    size_t i = 0;

    while (i < text.n) {
        uint64_t eights[4];

        if (text.n - i >= sizeof eights) { /* most text is ASCII */
            memcpy(eights, text.p + i, sizeof eights);
            if (!((eights[0] | eights[1] | eights[2] | eights[3]) & 0x8080808080808080u)) {
                i += sizeof eights;
                continue;
            }
        }
        uint8_t c = text.p[i++];
        unsigned more = c < 0x80                ? 0
                        : c >= 0xc2 && c < 0xe0 ? 1
                        : c >= 0xe0 && c < 0xf0 ? 2
                        : c >= 0xf0 && c < 0xf5 ? 3
                                                : 4;
        uint32_t v = c & (0x7f >> more);

        if (more == 4 || text.n - i < more)
            return false;
        for (unsigned k = 0; k < more; k++, i++) {
            if ((text.p[i] & 0xc0) != 0x80)
                return false;
            v = v << 6 | (text.p[i] & 0x3f);
        }
        if (more && (v < least[more] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000)))
            return false;
    }
    return true;
}

size_t text_distance(struct bytes a, struct bytes b)
{
    enum { LONGEST = 64 };
    size_t row[LONGEST + 1];

    if (a.n > LONGEST || b.n > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 0; i < a.n; i++) {
        size_t corner = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < b.n; j++) {
            size_t best = corner + (a.p[i] != b.p[j]);

            corner = row[j + 1];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j + 1] + 1 < best)
                best = row[j + 1] + 1;
            row[j + 1] = best;
        }
    }
    return row[b.n];
}

struct bytes text_clean(struct arena *a, struct bytes text)
{
    struct writer w = wr_open(a);

    if (utf8_valid(text))
        return text;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < 0x80)
            wr_u8(&w, text.p[i]);
        else
            wr_printf(&w, "\\x%02x", text.p[i]);
    }
    return wr_done(&w);
}

void text_format(char *out, size_t size, const char *format, va_list args)
{
    int whole = vsnprintf(out, size, format, args);
    size_t n = strlen(out), tail = 0;

    if (whole < 0 || (size_t)whole == n)
        return;
    while (tail < 3 && tail < n && ((uint8_t)out[n - 1 - tail] & 0xc0) == 0x80)
        tail++; /* continuation bytes at the end */
    if (tail < n && (uint8_t)out[n - 1 - tail] >= 0xc0 && !utf8_valid(bytes_text(out + n - 1 - tail)))
        out[n - 1 - tail] = 0;
}
