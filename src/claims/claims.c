#include "claims/claims.h"

#include <stdlib.h>

#include "base/text.h"

void claims_init(struct claims *c, struct arena *a)
{
    *c = (struct claims){.arena = a};
}

void claims_add(struct claims *c, struct claim claim)
{
    c->v = ARENA_ROOM(c->arena, c->v, c->n, &c->cap);
    c->v[c->n++] = claim;
}

static void add_service(struct claims *c, const char *type, struct claim_value value, unsigned flags)
{
    claims_add(c, (struct claim){bytes_text(type), value, ISSUER_SERVICE, flags});
}

void claims_text(struct claims *c, const char *type, struct bytes text, unsigned flags)
{
    add_service(c, type, (struct claim_value){.kind = CLAIM_STRING, .text = text}, flags);
}

void claims_hex(struct claims *c, const char *type, struct bytes b, unsigned flags)
{
    claims_text(c, type, hex_encode(c->arena, b), flags);
}

void claims_integer(struct claims *c, const char *type, int64_t v, unsigned flags)
{
    add_service(c, type, (struct claim_value){.kind = CLAIM_INTEGER, .integer = v}, flags);
}

void claims_boolean(struct claims *c, const char *type, bool v, unsigned flags)
{
    add_service(c, type, (struct claim_value){.kind = CLAIM_BOOLEAN, .integer = v}, flags);
}

void claims_json(struct claims *c, const char *type, const struct json *v, unsigned flags)
{
    add_service(c, type, (struct claim_value){.kind = CLAIM_JSON, .json = v}, flags);
}

const struct claim *claims_find(const struct claims *c, struct bytes type)
{
    for (size_t i = 0; i < c->n; i++)
        if (bytes_equal(c->v[i].type, type))
            return &c->v[i];
    return NULL;
}

bool claim_value_equal(const struct claim_value *a, const struct claim_value *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case CLAIM_STRING: return bytes_equal(a->text, b->text);
    case CLAIM_JSON: return a->json == b->json;
    default: return a->integer == b->integer;
    }
}

struct json *claim_value_json(struct arena *a, const struct claim_value *v)
{
    switch (v->kind) {
    case CLAIM_STRING: return json_new_text(a, v->text);
    case CLAIM_INTEGER: return json_new_integer(a, v->integer);
    case CLAIM_BOOLEAN: return json_new_boolean(a, v->integer != 0);
    case CLAIM_JSON: return json_link(a, v->json);
    }
    return json_new(a, JSON_NULL);
}

/* Claims are grouped by sorting, not by search: a draft policy can issue LIMIT_CLAIMS of them, and anybody can send
 * one. */

static int compare_addresses(const void *a, const void *b)
{
    return ((uintptr_t)a > (uintptr_t)b) - ((uintptr_t)a < (uintptr_t)b);
}

static int compare_values(const struct claim_value *a, const struct claim_value *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    switch (a->kind) {
    case CLAIM_STRING: return bytes_compare(a->text, b->text);
    case CLAIM_JSON: return compare_addresses(a->json, b->json);
    default: return (a->integer > b->integer) - (a->integer < b->integer);
    }
}

/* Both lists hold pointers into one array: their addresses are the order of issue. */
static int by_type_and_value(const void *a, const void *b)
{
    const struct claim *x = *(const struct claim *const *)a, *y = *(const struct claim *const *)b;
    int order = bytes_compare(x->type, y->type);

    order = order ? order : compare_values(&x->value, &y->value);
    return order ? order : compare_addresses(x, y);
}

static int by_type_and_issue(const void *a, const void *b)
{
    const struct claim *x = *(const struct claim *const *)a, *y = *(const struct claim *const *)b;
    int order = bytes_compare(x->type, y->type);

    return order ? order : compare_addresses(x, y);
}

/* Claims with these flags, the first of each type and value, ascending by type and in order of issue. */
static const struct claim **distinct(struct arena *a, const struct claims *c, unsigned flags, size_t *count)
{
    const struct claim **list = ARENA_ARRAY(a, const struct claim *, c->n);
    size_t n = 0, kept = 0;

    for (size_t i = 0; i < c->n; i++)
        if ((c->v[i].flags & flags) == flags)
            list[n++] = &c->v[i];
    qsort(list, n, sizeof *list, by_type_and_value);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !bytes_equal(list[kept - 1]->type, list[i]->type) ||
            !claim_value_equal(&list[kept - 1]->value, &list[i]->value))
            list[kept++] = list[i];
    qsort(list, kept, sizeof *list, by_type_and_issue);
    *count = kept;
    return list;
}

struct json *claims_object(struct arena *a, const struct claims *c, unsigned flags)
{
    struct json *object = json_new(a, JSON_OBJECT);
    size_t n, end;
    const struct claim **list = distinct(a, c, flags, &n);

    for (size_t i = 0; i < n; i = end) {
        struct json *member = claim_value_json(a, &list[i]->value);

        for (end = i + 1; end < n && bytes_equal(list[end]->type, list[i]->type); end++)
            ;
        if (end - i > 1) {
            member = json_new(a, JSON_ARRAY);
            for (size_t k = i; k < end; k++)
                json_append(member, claim_value_json(a, &list[k]->value));
        }
        json_set(object, list[i]->type, member);
    }
    return object;
}

struct json *claims_object_last(struct arena *a, const struct claims *c)
{
    const struct claim **list = ARENA_ARRAY(a, const struct claim *, c->n);
    struct json *o = json_new(a, JSON_OBJECT);

    for (size_t i = 0; i < c->n; i++)
        list[i] = &c->v[i];
    qsort(list, c->n, sizeof *list, by_type_and_issue);
    for (size_t i = 0; i < c->n; i++)
        if (i + 1 == c->n || !bytes_equal(list[i]->type, list[i + 1]->type))
            json_set(o, list[i]->type, claim_value_json(a, &list[i]->value));
    return o;
}
