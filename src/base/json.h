/* JSON (RFC 8259), strict, over one tree that keeps what signatures and policies need: the exact source span of
 * every value, members in input order, 64-bit integers. Duplicate member names are refused; so are text after the value,
 * invalid UTF-8, lone surrogates, a byte-order mark, depth above LIMIT_JSON_DEPTH, more than LIMIT_JSON_NODES values.
 *
 * A tree lives in an arena and is immutable. Views in it point into the source text where they can, so the text must
 * live as long as the tree. */
#ifndef ASSAY_BASE_JSON_H
#define ASSAY_BASE_JSON_H

#include "base/arena.h"
#include "base/fault.h"

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_INTEGER, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    struct bytes span; /* the value's source text, exactly as it stood; empty for values that were built */
    struct bytes name; /* decoded member name, where this is a member of an object */
    struct bytes text; /* JSON_STRING: decoded UTF-8 (may hold NUL). JSON_NUMBER, JSON_INTEGER: its digits */
    int64_t integer; /* JSON_INTEGER: digits alone (no fraction, no exponent) that fit 64 bits; "-0" is a JSON_NUMBER */
    double number;   /* JSON_NUMBER; may be infinite when the text overflows */
    const struct json *first; /* JSON_ARRAY, JSON_OBJECT: elements or members in order, linked by next */
    const struct json *next;
    struct json *last; /* while building: the newest child */
    size_t count;      /* of elements or members */
};

struct json_rules {
    size_t depth;   /* 0: LIMIT_JSON_DEPTH */
    size_t *budget; /* values it may still make, counted down also where the text is refused. NULL: LIMIT_JSON_NODES */
    bool fold_case; /* names that differ only in ASCII letter case are duplicates too (requests; api.md 0, item 1) */
};

/* Parse one whole text. rules may be NULL. On failure: the fault tells byte offset and reason, *out is NULL.
 * FAULT_SYNTAX: this is no JSON that we take; FAULT_LIMIT: too deep, too long, too many values. */
bool json_parse(struct arena *a, struct bytes text, const struct json_rules *rules, const struct json **out,
                struct fault *fault);

/* Member by exact name, or ignoring ASCII letter case; NULL when object is NULL, no object, or has none. */
const struct json *json_member(const struct json *object, const char *name);
const struct json *json_member_nocase(const struct json *object, const char *name);
const struct json *json_element(const struct json *array, size_t index);
#define JSON_EACH(item, parent) \
    for (const struct json *item = (parent) ? (parent)->first : NULL; item; item = item->next)

/* Typed reads; false when v is NULL, of another kind, or out of range. */
bool json_text(const struct json *v, struct bytes *out);
bool json_integer(const struct json *v, int64_t *out);
bool json_unsigned(const struct json *v, uint64_t max, uint64_t *out);
bool json_boolean(const struct json *v, bool *out);

/* Building: values made in an arena. A name or text is not copied. Members keep the order in which they were added. */
struct json *json_new(struct arena *a, enum json_kind kind);
struct json *json_new_text(struct arena *a, struct bytes text);
struct json *json_new_integer(struct arena *a, int64_t v);
struct json *json_new_boolean(struct arena *a, bool v);
void json_append(struct json *array, struct json *element);
void json_set(struct json *object, struct bytes name, struct json *member); /* the name must be new */
#define JSON_SET(object, name, member) json_set((object), BYTES_LIT(name), (member))
/* A shallow copy that can be put into another parent. */
struct json *json_link(struct arena *a, const struct json *v);

/* Compact text. JSON_SORTED: members of every object ascending by the bytes of their names (claims.md 1.2);
 * JSON_IN_ORDER: as they stand. Strings are escaped only where RFC 8259 demands, in the short form where there is one,
 * else \u00xx in lower case. A parsed number keeps its digits. */
enum json_order { JSON_IN_ORDER, JSON_SORTED };
void wr_json(struct writer *w, const struct json *v, enum json_order order);
void wr_json_string(struct writer *w, struct bytes text);
size_t
json_plain(struct bytes text); /* how many characters at the beginning are ASCII that needs no escape in a string */
struct bytes json_print(struct arena *a, const struct json *v, enum json_order order);
/* Readable, two blanks of indentation, for people. */
void wr_json_pretty(struct writer *w, const struct json *v, enum json_order order);

#endif
