#include "base/text.h"

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

enum alphabet { STANDARD = 1, URL_SAFE = 2 };

/* Value of each character plus one; 0 for characters of no alphabet. */
static uint8_t sextet(uint8_t c, unsigned alphabets)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A' + 1);
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(c - 'a' + 27);
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0' + 53);
    if ((c == '+' && alphabets & STANDARD) || (c == '-' && alphabets & URL_SAFE))
        return 63;
    if ((c == '/' && alphabets & STANDARD) || (c == '_' && alphabets & URL_SAFE))
        return 64;
    return 0;
}

static bool decode_sextets(struct arena *a, struct bytes text, unsigned alphabets, struct bytes *out, uint8_t *bad)
{
    uint8_t *p = arena_alloc(a, text.n / 4 * 3 + 3), *q = p;
    uint32_t bits = 0;
    uint8_t table[256];

    for (unsigned c = 0; c < sizeof table; c++)
        table[c] = sextet((uint8_t)c, alphabets);
    if (bad)
        *bad = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t v = table[text.p[i]];

        if (v == 0) {
            if (bad)
                *bad = text.p[i];
            return false;
        }
        bits = bits << 6 | (uint32_t)(v - 1);
        if (i % 4 == 3) {
            *q++ = (uint8_t)(bits >> 16);
            *q++ = (uint8_t)(bits >> 8);
            *q++ = (uint8_t)bits;
            bits = 0;
        }
    }
    if (text.n % 4 == 1)
        return false;
    if (text.n % 4 == 2) {
        *q++ = (uint8_t)(bits >> 4);
        bits &= 0xf;
    } else if (text.n % 4 == 3) {
        *q++ = (uint8_t)(bits >> 10);
        *q++ = (uint8_t)(bits >> 2);
        bits &= 0x3;
    }
    *out = (struct bytes){p, (size_t)(q - p)};
    return bits == 0; /* bits that no byte holds must be zero, or one value would have many texts */
}

/* Remove correct padding: one or two '=' that fill a group of four. */
static struct bytes unpadded(struct bytes text)
{
    if (text.n && text.n % 4 == 0)
        for (int i = 0; i < 2 && text.n && text.p[text.n - 1] == '='; i++)
            text.n--;
    return text;
}

bool base64_decode(struct arena *a, struct bytes text, struct bytes *out, uint8_t *bad)
{
    return decode_sextets(a, unpadded(text), STANDARD | URL_SAFE, out, bad);
}

bool base64url_decode_strict(struct arena *a, struct bytes text, struct bytes *out)
{
    return decode_sextets(a, text, URL_SAFE, out, NULL);
}

bool base64_decode_strict(struct arena *a, struct bytes text, struct bytes *out)
{
    return text.n % 4 == 0 && decode_sextets(a, unpadded(text), STANDARD, out, NULL);
}

static void encode(struct writer *w, struct bytes b, const char last[2], bool pad)
{
    static const char common[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char table[64], group[4];

    memcpy(table, common, 62);
    memcpy(table + 62, last, 2);
    for (size_t i = 0; i < b.n; i += 3) {
        size_t n = b.n - i < 3 ? b.n - i : 3;
        uint32_t bits = (uint32_t)b.p[i] << 16 | (n > 1 ? (uint32_t)b.p[i + 1] << 8 : 0) | (n > 2 ? b.p[i + 2] : 0);

        group[0] = table[bits >> 18];
        group[1] = table[bits >> 12 & 63];
        group[2] = n > 1 ? table[bits >> 6 & 63] : '=';
        group[3] = n > 2 ? table[bits & 63] : '=';
        wr_put(w, bytes_make(group, pad ? 4 : n + 1));
    }
}

void wr_base64url(struct writer *w, struct bytes b)
{
    encode(w, b, "-_", false);
}

struct bytes base64url_encode(struct arena *a, struct bytes b)
{
    struct writer w = wr_open(a);

    encode(&w, b, "-_", false);
    return wr_done(&w);
}

struct bytes base64_encode(struct arena *a, struct bytes b)
{
    struct writer w = wr_open(a);

    encode(&w, b, "+/", true);
    return wr_done(&w);
}

bool utf8_valid(struct bytes text)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000}; /* a longer form than needed is refused */
    size_t i = 0;

    while (i < text.n) {
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
