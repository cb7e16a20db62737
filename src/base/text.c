#include "base/text.h"

#include <stdio.h>
#if defined __x86_64__
#include <immintrin.h>
#endif

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

enum alphabet { STANDARD = 1, URL_SAFE = 2 };

enum { NO_SEXTET = 0x80 };

/* Value of each character plus one; 0 for the characters of no alphabet. The last two letters of both alphabets are here;
 * which of them a text may use is looked at separately. */
static const uint8_t table_of_sextets[256] = {
    ['A'] = 1, 2,  3,  4,  5,  6,  7,          8,          9,          10,         11,         12, 13,         14,
    15,        16, 17, 18, 19, 20, 21,         22,         23,         24,         25,         26, ['a'] = 27, 28,
    29,        30, 31, 32, 33, 34, 35,         36,         37,         38,         39,         40, 41,         42,
    43,        44, 45, 46, 47, 48, 49,         50,         51,         52,         ['0'] = 53, 54, 55,         56,
    57,        58, 59, 60, 61, 62, ['+'] = 63, ['-'] = 63, ['/'] = 64, ['_'] = 64,
};

/* Has the bit NO_SEXTET for the characters of no alphabet. */
static inline uint8_t sextet(uint8_t c)
{
    return (uint8_t)(table_of_sextets[c] - 1);
}

static bool allowed(uint8_t c, unsigned alphabets)
{
    if (!table_of_sextets[c])
        return false;
    if (c == '+' || c == '/')
        return alphabets & STANDARD;
    return (c != '-' && c != '_') || alphabets & URL_SAFE;
}

/* The first character that the alphabets do not have, or 0. */
static uint8_t first_bad(struct bytes text, unsigned alphabets)
{
    for (size_t i = 0; i < text.n; i++)
        if (!allowed(text.p[i], alphabets))
            return text.p[i];
    return 0;
}

#if defined __x86_64__
typedef uint8_t characters __attribute__((vector_size(32)));

#define BETWEEN(v, first, last) ((characters)((v) - (uint8_t)(first) <= (uint8_t)((last) - (first))))
#define EITHER(v, one, other)   ((characters)((v) == (one)) | (characters)((v) == (other)))

/* How many of the n characters were decoded: blocks of 32, up to one that holds a character of no alphabet. */
__attribute__((target("avx2"))) static size_t decode_wide(const uint8_t *t, size_t n, unsigned alphabets, uint8_t *q)
{
    const uint8_t next[] = {alphabets & STANDARD ? '+' : '-', alphabets & URL_SAFE ? '-' : '+'};
    const uint8_t last[] = {alphabets & STANDARD ? '/' : '_', alphabets & URL_SAFE ? '_' : '/'};
    const __m256i turned = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, 2, 1, 0, 6, 5, 4,
                                            10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    size_t i = 0;

    for (; n - i >= sizeof(characters); i += 32, q += 24) {
        characters v;

        memcpy(&v, t + i, sizeof v);
        characters upper = BETWEEN(v, 'A', 'Z'), lower = BETWEEN(v, 'a', 'z'), digit = BETWEEN(v, '0', '9');
        characters is_62 = EITHER(v, next[0], next[1]), is_63 = EITHER(v, last[0], last[1]);
        if (_mm256_movemask_epi8((__m256i)(upper | lower | digit | is_62 | is_63)) != -1)
            break;
        v += (upper & (uint8_t)(0 - 'A')) + (lower & (uint8_t)(26 - 'a')) + (digit & (uint8_t)(52 - '0'));
        v = (v & (upper | lower | digit)) | (is_62 & 62) | (is_63 & 63);
        /* Pairs of sextets, then pairs of these: 24 bits in each 32, whose bytes are turned round and moved together. */
        __m256i pairs = _mm256_maddubs_epi16((__m256i)v, _mm256_set1_epi32(0x01400140));
        __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
        __m256i bytes =
            _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(fours, turned), _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7));
        _mm_storeu_si128((__m128i *)q, _mm256_castsi256_si128(bytes));
        _mm_storel_epi64((__m128i *)(q + 16), _mm256_extracti128_si256(bytes, 1));
    }
    return i;
}

/* Texts within texts make logs long: a block at a time, where the processor can. */
static size_t decode_most(const uint8_t *t, size_t n, unsigned alphabets, uint8_t *q)
{
    return __builtin_cpu_supports("avx2") ? decode_wide(t, n, alphabets, q) : 0;
}
#else
static size_t decode_most(const uint8_t *t, size_t n, unsigned alphabets, uint8_t *q)
{
    (void)t, (void)n, (void)alphabets, (void)q;
    return 0;
}
#endif

static bool decode_sextets(struct arena *a, struct bytes text, unsigned alphabets, struct bytes *out, uint8_t *bad)
{
    uint8_t *p = arena_raw(a, text.n / 4 * 3 + 3), *q = p, seen = 0;
    const uint8_t *t = text.p;
    size_t whole = text.n & ~(size_t)3, rest = text.n & 3;
    uint32_t last = 0;

    if (bad)
        *bad = 0;
    size_t most = decode_most(t, whole, alphabets, q);
    q += most / 4 * 3;
    for (size_t i = most; i < whole; i += 4, q += 3) {
        uint8_t v0 = sextet(t[i]), v1 = sextet(t[i + 1]), v2 = sextet(t[i + 2]), v3 = sextet(t[i + 3]);

        seen |= v0 | v1 | v2 | v3;
        q[0] = (uint8_t)(v0 << 2 | v1 >> 4);
        q[1] = (uint8_t)(v1 << 4 | v2 >> 2);
        q[2] = (uint8_t)(v2 << 6 | v3);
    }
    for (size_t i = 0; i < rest; i++) {
        seen |= sextet(t[whole + i]);
        last = last << 6 | (sextet(t[whole + i]) & 63u);
    }
    /* Both alphabets together: the table alone decides. */
    struct bytes looked_at = bytes_after(text, most);
    if (seen & NO_SEXTET || (alphabets != (STANDARD | URL_SAFE) && first_bad(looked_at, alphabets))) {
        if (bad)
            *bad = first_bad(looked_at, alphabets);
        return false;
    }
    if (rest == 2) {
        *q++ = (uint8_t)(last >> 4);
        last &= 0xf;
    } else if (rest == 3) {
        *q++ = (uint8_t)(last >> 10);
        *q++ = (uint8_t)(last >> 2);
        last &= 0x3;
    }
    *out = (struct bytes){p, (size_t)(q - p)};
    return rest != 1 && last == 0; /* bits that no byte holds must be zero, or one value would have many texts */
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
    size_t size = (b.n + 2) / 3 * 4, i = 0;
    uint8_t *q = wr_room(w, size), *start = q;
    char table[64];

    memcpy(table, common, 62);
    memcpy(table + 62, last, 2);
    for (; i + 3 <= b.n; i += 3, q += 4) {
        uint32_t bits = (uint32_t)b.p[i] << 16 | (uint32_t)b.p[i + 1] << 8 | b.p[i + 2];

        q[0] = (uint8_t)table[bits >> 18];
        q[1] = (uint8_t)table[bits >> 12 & 63];
        q[2] = (uint8_t)table[bits >> 6 & 63];
        q[3] = (uint8_t)table[bits & 63];
    }
    if (i < b.n) {
        bool two = b.n - i == 2;
        uint32_t bits = (uint32_t)b.p[i] << 16 | (two ? (uint32_t)b.p[i + 1] << 8 : 0);

        *q++ = (uint8_t)table[bits >> 18];
        *q++ = (uint8_t)table[bits >> 12 & 63];
        if (two)
            *q++ = (uint8_t)table[bits >> 6 & 63];
        while (pad && (q - start) % 4)
            *q++ = '=';
    }
    w->n += (size_t)(q - start);
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
