#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#if defined __x86_64__
#include <immintrin.h>
#endif

const struct json *json_member(const struct json *object, const char *name)
{
    if (object && object->kind == JSON_OBJECT)
        JSON_EACH (m, object)
            if (bytes_is(m->name, name))
                return m;
    return NULL;
}

const struct json *json_member_nocase(const struct json *object, const char *name)
{
    if (object && object->kind == JSON_OBJECT)
        JSON_EACH (m, object)
            if (bytes_is_nocase(m->name, name))
                return m;
    return NULL;
}

const struct json *json_element(const struct json *array, size_t index)
{
    if (array && array->kind == JSON_ARRAY)
        JSON_EACH (e, array)
            if (index-- == 0)
                return e;
    return NULL;
}

bool json_text(const struct json *v, struct bytes *out)
{
    if (!v || v->kind != JSON_STRING)
        return false;
    *out = v->text;
    return true;
}

bool json_integer(const struct json *v, int64_t *out)
{
    if (!v || v->kind != JSON_INTEGER)
        return false;
    *out = v->integer;
    return true;
}

bool json_unsigned(const struct json *v, uint64_t max, uint64_t *out)
{
    if (!v || v->kind != JSON_INTEGER || v->integer < 0 || (uint64_t)v->integer > max)
        return false;
    *out = (uint64_t)v->integer;
    return true;
}

bool json_boolean(const struct json *v, bool *out)
{
    if (!v || (v->kind != JSON_TRUE && v->kind != JSON_FALSE))
        return false;
    *out = v->kind == JSON_TRUE;
    return true;
}

struct json *json_new(struct arena *a, enum json_kind kind)
{
    struct json *v = ARENA_NEW(a, struct json);

    v->kind = kind;
    return v;
}

struct json *json_new_text(struct arena *a, struct bytes text)
{
    struct json *v = json_new(a, JSON_STRING);

    v->text = text;
    return v;
}

struct json *json_new_integer(struct arena *a, int64_t n)
{
    struct json *v = json_new(a, JSON_INTEGER);

    v->integer = n;
    v->text = bytes_text(arena_printf(a, "%" PRId64, n));
    return v;
}

struct json *json_new_boolean(struct arena *a, bool truth)
{
    return json_new(a, truth ? JSON_TRUE : JSON_FALSE);
}

void json_append(struct json *array, struct json *element)
{
    if (array->last)
        array->last->next = element;
    else
        array->first = element;
    array->last = element;
    array->count++;
}

void json_set(struct json *object, struct bytes name, struct json *member)
{
    member->name = name;
    json_append(object, member);
}

struct json *json_link(struct arena *a, const struct json *v)
{
    struct json *copy = ARENA_NEW(a, struct json);

    *copy = *v;
    copy->next = NULL;
    copy->name = BYTES_NONE;
    return copy;
}

/* Signed, what is no ASCII is less than a blank, as control characters are. */
#if defined __x86_64__
#define SPECIAL(v)                                                                 \
    _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(' '), (v)),                 \
                    _mm256_or_si256(_mm256_cmpeq_epi8((v), _mm256_set1_epi8('"')), \
                                    _mm256_cmpeq_epi8((v), _mm256_set1_epi8('\\'))))

/* Blocks of 64 without one that is special: strings may hold whole logs. */
__attribute__((target("avx2"))) static size_t plain_wide(struct bytes text)
{
    size_t n = 0;

    for (; text.n - n >= 64; n += 64) {
        __m256i one = _mm256_loadu_si256((const void *)(text.p + n));
        __m256i other = _mm256_loadu_si256((const void *)(text.p + n + 32));

        if (_mm256_movemask_epi8(_mm256_or_si256(SPECIAL(one), SPECIAL(other))))
            break;
    }
    return n;
}

static size_t plain_most(struct bytes text)
{
    return __builtin_cpu_supports("avx2") ? plain_wide(text) : 0;
}
#else
static size_t plain_most(struct bytes text)
{
    (void)text;
    return 0;
}
#endif

size_t json_plain(struct bytes text)
{
    size_t n = plain_most(text);

    while (n < text.n && (int8_t)text.p[n] >= ' ' && text.p[n] != '"' && text.p[n] != '\\')
        n++;
    return n;
}

void wr_json_string(struct writer *w, struct bytes text)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";

    wr_u8(w, '"');
    while (text.n) {
        size_t plain = json_plain(text);

        wr_put(w, bytes_first(text, plain));
        text = bytes_after(text, plain);
        if (!text.n)
            break;
        uint8_t c = text.p[0];
        const char *hit = c ? strchr(from, c) : NULL;
        if (hit) {
            wr_u8(w, '\\');
            wr_u8(w, (uint8_t)to[hit - from]);
        } else if (c < ' ') {
            wr_printf(w, "\\u%04x", c);
        } else {
            wr_u8(w, c);
        }
        text = bytes_after(text, 1);
    }
    wr_u8(w, '"');
}

struct style {
    enum json_order order;
    bool pretty;
};

static int by_name(const void *a, const void *b)
{
    return bytes_compare((*(const struct json *const *)a)->name, (*(const struct json *const *)b)->name);
}

/* The children as an array: sorted members, or as they stand. */
static const struct json **children_in_order(struct arena *a, const struct json *v, enum json_order order)
{
    const struct json **list = ARENA_ARRAY(a, const struct json *, v->count);
    size_t n = 0;
    bool sorted = true;

    JSON_EACH (child, v) {
        if (n && v->kind == JSON_OBJECT && bytes_compare(list[n - 1]->name, child->name) > 0)
            sorted = false;
        list[n++] = child;
    }
    if (v->kind == JSON_OBJECT && order == JSON_SORTED && !sorted)
        qsort(list, n, sizeof *list, by_name);
    return list;
}

static void new_line(struct writer *w, const struct style *style, size_t depth)
{
    if (!style->pretty)
        return;
    wr_u8(w, '\n');
    for (size_t i = 0; i < depth; i++)
        wr_text(w, "  ");
}

static void write_value(struct writer *w, const struct json *v, const struct style *style, size_t depth);

static void write_children(struct writer *w, const struct json *v, const struct style *style, size_t depth)
{
    const struct json **list = children_in_order(w->arena, v, style->order);

    for (size_t i = 0; i < v->count; i++) {
        if (i)
            wr_u8(w, ',');
        new_line(w, style, depth + 1);
        if (v->kind == JSON_OBJECT) {
            wr_json_string(w, list[i]->name);
            wr_text(w, style->pretty ? ": " : ":");
        }
        write_value(w, list[i], style, depth + 1);
    }
    if (v->count)
        new_line(w, style, depth);
}

static void write_value(struct writer *w, const struct json *v, const struct style *style, size_t depth)
{
    switch (v->kind) {
    case JSON_NULL: wr_text(w, "null"); break;
    case JSON_FALSE: wr_text(w, "false"); break;
    case JSON_TRUE: wr_text(w, "true"); break;
    case JSON_INTEGER:
    case JSON_NUMBER: wr_put(w, v->text); break;
    case JSON_STRING: wr_json_string(w, v->text); break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        wr_u8(w, v->kind == JSON_OBJECT ? '{' : '[');
        write_children(w, v, style, depth);
        wr_u8(w, v->kind == JSON_OBJECT ? '}' : ']');
        break;
    }
}

void wr_json(struct writer *w, const struct json *v, enum json_order order)
{
    write_value(w, v, &(struct style){.order = order}, 0);
}

void wr_json_pretty(struct writer *w, const struct json *v, enum json_order order)
{
    write_value(w, v, &(struct style){.order = order, .pretty = true}, 0);
    wr_u8(w, '\n');
}

struct bytes json_print(struct arena *a, const struct json *v, enum json_order order)
{
    struct writer w = wr_open(a);

    wr_json(&w, v, order);
    return wr_done(&w);
}
