#include "crypto/cbor.h"

#include <cbor/callbacks.h>
#include <cbor/streaming.h>

#include "base/limits.h"
#include "base/text.h"

/* One head, as libcbor tells it. */
struct head {
    struct cbor *v;
    bool refused;
};

static void number_of(void *context, enum cbor_kind kind, uint64_t n)
{
    struct head *h = context;

    *h->v = (struct cbor){.kind = kind, .number = n};
}

#define NUMBERS(bits)                                            \
    static void unsigned_##bits(void *context, uint##bits##_t n) \
    {                                                            \
        number_of(context, CBOR_KIND_UNSIGNED, n);               \
    }                                                            \
    static void negative_##bits(void *context, uint##bits##_t n) \
    {                                                            \
        number_of(context, CBOR_KIND_NEGATIVE, n);               \
    }
NUMBERS(8)
NUMBERS(16)
NUMBERS(32)
NUMBERS(64)

static void tag(void *context, uint64_t n)
{
    number_of(context, CBOR_KIND_TAG, n);
}

static void byte_string(void *context, cbor_data p, size_t n)
{
    struct head *h = context;

    *h->v = (struct cbor){.kind = CBOR_KIND_BYTES, .text = bytes_make(p, n)};
}

static void text_string(void *context, cbor_data p, size_t n)
{
    struct head *h = context;

    *h->v = (struct cbor){.kind = CBOR_KIND_TEXT, .text = bytes_make(p, n)};
    h->refused = h->refused || !utf8_valid(h->v->text);
}

static void array_of(void *context, size_t n)
{
    struct head *h = context;

    *h->v = (struct cbor){.kind = CBOR_KIND_ARRAY, .count = n};
}

static void map_of(void *context, size_t n)
{
    struct head *h = context;

    *h->v = (struct cbor){.kind = CBOR_KIND_MAP, .count = n};
}

static void null(void *context)
{
    number_of(context, CBOR_KIND_NULL, 0);
}

static void undefined(void *context)
{
    number_of(context, CBOR_KIND_UNDEFINED, 0);
}

static void boolean(void *context, bool yes)
{
    number_of(context, yes ? CBOR_KIND_TRUE : CBOR_KIND_FALSE, 0);
}

/* What is not accepted. */
static void refused(void *context)
{
    ((struct head *)context)->refused = true;
}

static void refused_float(void *context, float f)
{
    (void)f;
    refused(context);
}

static void refused_double(void *context, double f)
{
    (void)f;
    refused(context);
}

static const struct cbor_callbacks callbacks = {
    .uint8 = unsigned_8,
    .uint16 = unsigned_16,
    .uint32 = unsigned_32,
    .uint64 = unsigned_64,
    .negint8 = negative_8,
    .negint16 = negative_16,
    .negint32 = negative_32,
    .negint64 = negative_64,
    .byte_string_start = refused,
    .byte_string = byte_string,
    .string = text_string,
    .string_start = refused,
    .indef_array_start = refused,
    .array_start = array_of,
    .indef_map_start = refused,
    .map_start = map_of,
    .tag = tag,
    .float2 = refused_float,
    .float4 = refused_float,
    .float8 = refused_double,
    .undefined = undefined,
    .null = null,
    .boolean = boolean,
    .indef_break = refused,
};

struct parse {
    struct arena *arena;
    struct reader in;
    size_t left; /* values that may still come */
};

static bool same_key(const struct cbor *a, const struct cbor *b)
{
    return a->kind == b->kind && a->number == b->number && bytes_equal(a->text, b->text);
}

/* Keys are of a kind that can be asked for, and differ. */
static bool keys_good(const struct cbor *map)
{
    for (const struct cbor *k = map->first; k; k = k->next->next) {
        if (k->kind != CBOR_KIND_UNSIGNED && k->kind != CBOR_KIND_NEGATIVE && k->kind != CBOR_KIND_TEXT)
            return false;
        for (const struct cbor *before = map->first; before != k; before = before->next->next)
            if (same_key(before, k))
                return false;
    }
    return true;
}

static struct cbor *parse_value(struct parse *p, unsigned depth);

static bool parse_items(struct parse *p, struct cbor *v, size_t count, unsigned depth)
{
    const struct cbor **link = &v->first;

    for (size_t i = 0; i < count; i++) {
        struct cbor *item = parse_value(p, depth + 1);

        if (!item)
            return false;
        *link = item;
        link = &item->next;
    }
    return true;
}

static bool parse_contents(struct parse *p, struct cbor *v, unsigned depth)
{
    switch (v->kind) {
    case CBOR_KIND_TAG: return parse_items(p, v, 1, depth);
    case CBOR_KIND_ARRAY: return v->count <= p->left && parse_items(p, v, v->count, depth);
    case CBOR_KIND_MAP: return v->count <= LIMIT_CBOR_PAIRS && parse_items(p, v, 2 * v->count, depth) && keys_good(v);
    default: return true;
    }
}

/* Tags up to 23 are in the first byte. libcbor 0.8 knows some of them alone, and COSE's 18 is not among those. */
static bool short_tag(struct parse *p, struct head *head)
{
    enum { TAG_FIRST = 0xc0, TAG_LAST = 0xd7 };

    if (p->in.p[0] < TAG_FIRST || p->in.p[0] > TAG_LAST)
        return false;
    tag(head, (uint64_t)(rd_u8(&p->in) - TAG_FIRST));
    return true;
}

static bool parse_head(struct parse *p, struct head *head)
{
    if (short_tag(p, head))
        return true;
    struct cbor_decoder_result r = cbor_stream_decode(p->in.p, p->in.n, &callbacks, head);
    rd_skip(&p->in, r.read);
    return r.status == CBOR_DECODER_FINISHED && !head->refused && rd_ok(&p->in);
}

static struct cbor *parse_value(struct parse *p, unsigned depth)
{
    struct head head = {.v = ARENA_NEW(p->arena, struct cbor)};

    if (depth > LIMIT_CBOR_DEPTH || p->left == 0 || !rd_left(&p->in))
        return NULL;
    p->left--;
    return parse_head(p, &head) && parse_contents(p, head.v, depth) ? head.v : NULL;
}

bool cbor_parse(struct arena *a, struct bytes b, const struct cbor **out)
{
    struct parse p = {.arena = a, .in = rd_open(b), .left = LIMIT_CBOR_VALUES};

    *out = parse_value(&p, 0);
    return *out && rd_end(&p.in);
}

const struct cbor *cbor_at_key(const struct cbor *map, const struct cbor *key)
{
    if (!map || map->kind != CBOR_KIND_MAP)
        return NULL;
    for (const struct cbor *k = map->first; k; k = k->next->next)
        if (same_key(k, key))
            return k->next;
    return NULL;
}

const struct cbor *cbor_at(const struct cbor *map, int64_t key)
{
    struct cbor k = {.kind = key < 0 ? CBOR_KIND_NEGATIVE : CBOR_KIND_UNSIGNED,
                     .number = (uint64_t)(key < 0 ? -1 - key : key)};

    return cbor_at_key(map, &k);
}

const struct cbor *cbor_at_text(const struct cbor *map, const char *key)
{
    struct cbor k = {.kind = CBOR_KIND_TEXT, .text = bytes_text(key)};

    return cbor_at_key(map, &k);
}

static bool string_of(const struct cbor *v, enum cbor_kind kind, struct bytes *out)
{
    bool good = v && v->kind == kind;

    *out = good ? v->text : BYTES_NONE;
    return good;
}

bool cbor_text(const struct cbor *v, struct bytes *out)
{
    return string_of(v, CBOR_KIND_TEXT, out);
}

bool cbor_bytes(const struct cbor *v, struct bytes *out)
{
    return string_of(v, CBOR_KIND_BYTES, out);
}

bool cbor_integer(const struct cbor *v, int64_t *out)
{
    *out = 0;
    if (!v || v->number > INT64_MAX || (v->kind != CBOR_KIND_UNSIGNED && v->kind != CBOR_KIND_NEGATIVE))
        return false;
    *out = v->kind == CBOR_KIND_UNSIGNED ? (int64_t)v->number : -1 - (int64_t)v->number;
    return true;
}
