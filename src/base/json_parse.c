#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"

/* Objects up to this many members are searched for duplicates as they grow; larger ones are sorted once at their end. */
enum { FEW_MEMBERS = 16 };

struct parser {
    struct arena *arena;
    const uint8_t *start, *p, *end;
    size_t depth_limit, *budget;
    bool fold_case;
    struct fault *fault;
};

static bool fail(struct parser *s, const char *what)
{
    return fault_set(s->fault, FAULT_SYNTAX, "JSON, byte %zu: %s", (size_t)(s->p - s->start), what);
}

static bool too_much(struct parser *s, const char *what)
{
    return fault_set(s->fault, FAULT_LIMIT, "JSON, byte %zu: %s", (size_t)(s->p - s->start), what);
}

static void skip_space(struct parser *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

static bool at(const struct parser *s, char c)
{
    return s->p < s->end && *s->p == (uint8_t)c;
}

static bool take(struct parser *s, char c)
{
    if (!at(s, c))
        return false;
    s->p++;
    return true;
}

static bool hex4(struct parser *s, uint32_t *out)
{
    uint8_t b[2];

    if (s->end - s->p < 4 || !hex_decode_exact(bytes_make(s->p, 4), b, 2))
        return fail(s, "\\u needs four hexadecimal digits");
    s->p += 4;
    *out = (uint32_t)b[0] << 8 | b[1];
    return true;
}

static uint8_t *put_utf8(uint8_t *q, uint32_t c)
{
    if (c < 0x80) {
        *q++ = (uint8_t)c;
    } else if (c < 0x800) {
        *q++ = (uint8_t)(0xc0 | c >> 6);
        *q++ = (uint8_t)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *q++ = (uint8_t)(0xe0 | c >> 12);
        *q++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *q++ = (uint8_t)(0x80 | (c & 0x3f));
    } else {
        *q++ = (uint8_t)(0xf0 | c >> 18);
        *q++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        *q++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *q++ = (uint8_t)(0x80 | (c & 0x3f));
    }
    return q;
}

static bool escape(struct parser *s, uint8_t **q)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint32_t c = 0, low = 0;

    if (s->p == s->end)
        return fail(s, "the text ends inside a string");
    if (*s->p != 'u') {
        const char *hit = *s->p ? strchr(from, *s->p) : NULL;

        if (!hit)
            return fail(s, "unknown escape");
        s->p++;
        *(*q)++ = (uint8_t)to[hit - from];
        return true;
    }
    s->p++;
    if (!hex4(s, &c))
        return false;
    if (c >= 0xdc00 && c < 0xe000)
        return fail(s, "a low surrogate stands alone");
    if (c >= 0xd800 && c < 0xdc00) {
        if (!take(s, '\\') || !take(s, 'u'))
            return fail(s, "a high surrogate stands alone");
        if (!hex4(s, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return fail(s, "a high surrogate stands alone");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    *q = put_utf8(*q, c);
    return true;
}

/* A string; without escapes the result is a view of the source. */
static bool string(struct parser *s, struct bytes *out)
{
    if (!take(s, '"'))
        return fail(s, "a string was expected");
    const uint8_t *from = s->p;
    s->p += json_plain(bytes_make(from, (size_t)(s->end - from)));
    if (at(s, '"')) { /* mostly; it is ASCII */
        *out = bytes_make(from, (size_t)(s->p - from));
        s->p++;
        return true;
    }

    const uint8_t *close = s->p;
    bool escaped = false;
    while (close < s->end && *close != '"') {
        escaped |= *close == '\\';
        close += *close == '\\' && s->end - close > 1 ? 2 : 1;
    }
    struct bytes raw = bytes_make(from, (size_t)(close - from));
    if (!utf8_valid(raw))
        return fail(s, "not valid UTF-8");
    /* An escape takes at least as many bytes as what it stands for. */
    uint8_t *start = arena_alloc(s->arena, (size_t)(close - from)), *q = start;
    s->p = from;
    while (s->p < s->end && *s->p != '"') {
        if (*s->p < 0x20)
            return fail(s, "a control character inside a string must be escaped");
        if (*s->p != '\\') {
            *q++ = *s->p++;
            continue;
        }
        s->p++;
        if (!escape(s, &q))
            return false;
    }
    if (!take(s, '"'))
        return fail(s, "the text ends inside a string");
    *out = escaped ? bytes_make(start, (size_t)(q - start)) : raw;
    return true;
}

static size_t digits(struct parser *s)
{
    const uint8_t *from = s->p;

    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return (size_t)(s->p - from);
}

/* The text is a valid integer; false when 64 bits do not hold it. */
static bool integer_value(struct bytes text, int64_t *out)
{
    bool negative = text.p[0] == '-';
    int64_t v = 0; /* counts below zero, where there is one value more */

    *out = 0;
    for (size_t i = negative; i < text.n; i++) {
        int digit = text.p[i] - '0';

        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, digit, &v))
            return false;
    }
    if (!negative && v == INT64_MIN)
        return false;
    *out = negative ? v : -v;
    return true;
}

static double number_value(struct parser *s, struct bytes text)
{
    return strtod(arena_string(s->arena, text), NULL);
}

static bool number(struct parser *s, struct json *v)
{
    const uint8_t *from = s->p;
    bool whole = true;

    take(s, '-');
    if (at(s, '0'))
        s->p++;
    else if (digits(s) == 0)
        return fail(s, "a value was expected");
    if (take(s, '.')) {
        whole = false;
        if (digits(s) == 0)
            return fail(s, "a fraction needs digits");
    }
    if (take(s, 'e') || take(s, 'E')) {
        whole = false;
        if (!take(s, '-'))
            take(s, '+');
        if (digits(s) == 0)
            return fail(s, "an exponent needs digits");
    }
    v->text = bytes_make(from, (size_t)(s->p - from));
    v->kind = JSON_NUMBER;
    if (whole && !bytes_is(v->text, "-0") && integer_value(v->text, &v->integer))
        v->kind = JSON_INTEGER;
    else
        v->number = number_value(s, v->text);
    return true;
}

static int compare_names(struct bytes a, struct bytes b, bool fold)
{
    if (!fold)
        return bytes_compare(a, b);
    for (size_t i = 0; i < a.n && i < b.n; i++) {
        int x = a.p[i] >= 'A' && a.p[i] <= 'Z' ? a.p[i] + 32 : a.p[i];
        int y = b.p[i] >= 'A' && b.p[i] <= 'Z' ? b.p[i] + 32 : b.p[i];

        if (x != y)
            return x - y;
    }
    return (a.n > b.n) - (a.n < b.n);
}

static int by_name_exact(const void *a, const void *b)
{
    return compare_names(*(const struct bytes *)a, *(const struct bytes *)b, false);
}

static int by_name_folded(const void *a, const void *b)
{
    return compare_names(*(const struct bytes *)a, *(const struct bytes *)b, true);
}

/* Few members: compare the new one with each. */
static bool name_is_new(const struct parser *s, const struct json *object, struct bytes name)
{
    if (object->count >= FEW_MEMBERS)
        return true; /* names_are_unique looks at the end */
    JSON_EACH (m, object)
        if (compare_names(m->name, name, s->fold_case) == 0)
            return false;
    return true;
}

static bool names_are_unique(struct parser *s, const struct json *object)
{
    if (object->kind != JSON_OBJECT || object->count <= FEW_MEMBERS)
        return true;
    struct bytes *names = ARENA_ARRAY(s->arena, struct bytes, object->count);
    size_t n = 0;
    JSON_EACH (m, object)
        names[n++] = m->name;
    qsort(names, n, sizeof *names, s->fold_case ? by_name_folded : by_name_exact);
    for (size_t i = 1; i < n; i++)
        if (compare_names(names[i - 1], names[i], s->fold_case) == 0)
            return false;
    return true;
}

static bool value(struct parser *s, size_t depth, struct json **out);

/* Elements or members up to the closing bracket; the opening one is read. */
static bool children(struct parser *s, struct json *parent, size_t depth)
{
    bool object = parent->kind == JSON_OBJECT;
    const char close = object ? '}' : ']';
    const struct json **link = &parent->first;

    skip_space(s);
    if (take(s, close))
        return true;
    for (;;) {
        struct bytes name = BYTES_NONE;
        struct json *child;

        skip_space(s);
        if (object) {
            if (!string(s, &name))
                return false;
            if (!name_is_new(s, parent, name))
                return fail(s, "a member name stands twice in one object");
            skip_space(s);
            if (!take(s, ':'))
                return fail(s, "':' was expected");
        }
        if (!value(s, depth, &child))
            return false;
        child->name = name;
        *link = child;
        link = &child->next;
        parent->count++;
        skip_space(s);
        if (take(s, close))
            return names_are_unique(s, parent) || fail(s, "a member name stands twice in one object");
        if (!take(s, ','))
            return fail(s, object ? "',' or '}' was expected" : "',' or ']' was expected");
    }
}

static bool word(struct parser *s, const char *text, struct json *v, enum json_kind kind)
{
    size_t n = strlen(text);

    if ((size_t)(s->end - s->p) < n || memcmp(s->p, text, n) != 0)
        return fail(s, "a value was expected");
    s->p += n;
    v->kind = kind;
    return true;
}

static bool value_of_kind(struct parser *s, size_t depth, struct json *v)
{
    if (s->p == s->end)
        return fail(s, "the text ends where a value was expected");
    switch (*s->p) {
    case '{':
    case '[':
        v->kind = *s->p == '{' ? JSON_OBJECT : JSON_ARRAY;
        if (depth == s->depth_limit)
            return too_much(s, "nested too deep");
        s->p++;
        return children(s, v, depth + 1);
    case '"': v->kind = JSON_STRING; return string(s, &v->text);
    case 't': return word(s, "true", v, JSON_TRUE);
    case 'f': return word(s, "false", v, JSON_FALSE);
    case 'n': return word(s, "null", v, JSON_NULL);
    default: return number(s, v);
    }
}

static bool value(struct parser *s, size_t depth, struct json **out)
{
    skip_space(s);
    if (*s->budget == 0)
        return too_much(s, "too many values");
    --*s->budget;
    const uint8_t *from = s->p;
    struct json *v = ARENA_NEW(s->arena, struct json);
    if (!value_of_kind(s, depth, v))
        return false;
    v->span = bytes_make(from, (size_t)(s->p - from));
    *out = v;
    return true;
}

bool json_parse(struct arena *a, struct bytes text, const struct json_rules *rules, const struct json **out,
                struct fault *fault)
{
    struct parser s = {
        .arena = a, .start = text.p, .p = text.p, .end = text.n ? text.p + text.n : text.p, .fault = fault};
    size_t budget = LIMIT_JSON_NODES;
    struct json *v;

    *out = NULL;
    s.budget = rules && rules->budget ? rules->budget : &budget;
    s.depth_limit = rules && rules->depth ? rules->depth : LIMIT_JSON_DEPTH;
    s.fold_case = rules && rules->fold_case;
    if (text.n > LIMIT_JSON_TEXT)
        return fault_set(fault, FAULT_LIMIT, "JSON: longer than %d bytes", LIMIT_JSON_TEXT);
    if (!value(&s, 0, &v))
        return false;
    skip_space(&s);
    if (s.p != s.end)
        return fail(&s, "something follows the value");
    *out = v;
    return true;
}
