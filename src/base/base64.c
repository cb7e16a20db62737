#include "base/text.h"

#if defined __x86_64__
#include <immintrin.h>
#endif

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

/* Where the bytes of a block come from: decoded, the lower three of each four, turned round; to be encoded, each three as
 * two pairs, turned round too. */
#define SIXTEEN(of, step)                                                                                              \
    of(0), of(step), of(2 * step), of(3 * step), of(4 * step), of(5 * step), of(6 * step), of(7 * step), of(8 * step), \
        of(9 * step), of(10 * step), of(11 * step), of(12 * step), of(13 * step), of(14 * step), of(15 * step)
#define THREE(n) (n) + 2, (n) + 1, (n)
#define PAIRS(n) (n) + 1, (n), (n) + 2, (n) + 1
static const uint8_t turned_round[64] = {SIXTEEN(THREE, 4)}, spread_out[64] = {SIXTEEN(PAIRS, 3)};

#define ONE_OF_64(c) (UINT64_C(1) << ((c)&63))

/* The same in blocks of 64, where one instruction looks all of them up. */
__attribute__((target("avx512vbmi,avx512bw"))) static size_t decode_widest(const uint8_t *t, size_t n,
                                                                           unsigned alphabets, uint8_t *q)
{
    const uint64_t block = UINT64_MAX >> 16; /* 48 bytes */
    const uint64_t standard = alphabets & STANDARD ? 0 : ONE_OF_64('+') | ONE_OF_64('/');
    const uint64_t dash = alphabets & URL_SAFE ? 0 : ONE_OF_64('-'), line = alphabets & URL_SAFE ? 0 : ONE_OF_64('_');
    const __m512i one = _mm512_set1_epi8(1), none = _mm512_set1_epi8((char)NO_SEXTET);
    const __m512i low =
        _mm512_mask_mov_epi8(_mm512_sub_epi8(_mm512_loadu_si512(table_of_sextets), one), standard | dash, none);
    const __m512i high =
        _mm512_mask_mov_epi8(_mm512_sub_epi8(_mm512_loadu_si512(table_of_sextets + 64), one), line, none);
    const __m512i turned = _mm512_loadu_si512(turned_round);
    size_t i = 0;

    for (; n - i >= 64; i += 64, q += 48) {
        __m512i v = _mm512_loadu_si512(t + i), sextets = _mm512_permutex2var_epi8(low, v, high);

        if (_mm512_movepi8_mask(_mm512_or_si512(v, sextets))) /* no ASCII, or of no alphabet */
            break;
        __m512i pairs = _mm512_maddubs_epi16(sextets, _mm512_set1_epi32(0x01400140));
        __m512i fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x00011000));
        _mm512_mask_storeu_epi8(q, block, _mm512_permutexvar_epi8(turned, fours));
    }
    return i;
}

/* Texts within texts make logs long: a block at a time, where the processor can. */
static size_t decode_most(const uint8_t *t, size_t n, unsigned alphabets, uint8_t *q)
{
    size_t done = __builtin_cpu_supports("avx512vbmi") ? decode_widest(t, n, alphabets, q) : 0;

    return __builtin_cpu_supports("avx2") ? done + decode_wide(t + done, n - done, alphabets, q + done / 4 * 3) : 0;
}

/* How many of the n bytes were encoded, in blocks of 48. */
__attribute__((target("avx512vbmi,avx512bw"))) static size_t encode_widest(const uint8_t *p, size_t n,
                                                                           const char table[64], uint8_t *q)
{
    const uint64_t block = UINT64_MAX >> 16;
    /* Each three bytes as the four in whose eights of bits their sextets begin at these places. */
    const __m512i spread = _mm512_loadu_si512(spread_out), letters = _mm512_loadu_si512(table);
    const __m512i places = _mm512_set1_epi64(0x3036242a1016040a);
    size_t i = 0;

    for (; n - i >= 48; i += 48, q += 64) {
        __m512i v = _mm512_permutexvar_epi8(spread, _mm512_maskz_loadu_epi8(block, p + i));

        _mm512_storeu_si512(q, _mm512_permutexvar_epi8(_mm512_multishift_epi64_epi8(places, v), letters));
    }
    return i;
}

static size_t encode_most(const uint8_t *p, size_t n, const char table[64], uint8_t *q)
{
    return __builtin_cpu_supports("avx512vbmi") ? encode_widest(p, n, table, q) : 0;
}
#else
static size_t decode_most(const uint8_t *t, size_t n, unsigned alphabets, uint8_t *q)
{
    (void)t, (void)n, (void)alphabets, (void)q;
    return 0;
}

static size_t encode_most(const uint8_t *p, size_t n, const char table[64], uint8_t *q)
{
    (void)p, (void)n, (void)table, (void)q;
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
    size_t size = (b.n + 2) / 3 * 4, i;
    uint8_t *q = wr_room(w, size), *start = q;
    char table[64];

    memcpy(table, common, 62);
    memcpy(table + 62, last, 2);
    i = encode_most(b.p, b.n, table, q);
    q += i / 3 * 4;
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
