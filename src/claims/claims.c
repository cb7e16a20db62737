#include "claims/claims.h"

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

/* Values of one type in order of issue, equal ones folded into the first. */
struct group {
    struct bytes type;
    const struct claim_value **values;
    size_t n, cap;
};

static void group_add(struct arena *a, struct group *g, const struct claim_value *v)
{
    for (size_t i = 0; i < g->n; i++)
        if (claim_value_equal(g->values[i], v))
            return;
    g->values = ARENA_ROOM(a, g->values, g->n, &g->cap);
    g->values[g->n++] = v;
}

struct json *claims_object(struct arena *a, const struct claims *c, unsigned flags)
{
    struct json *object = json_new(a, JSON_OBJECT);
    struct group *groups = NULL;
    size_t n = 0, cap = 0, g;

    for (size_t i = 0; i < c->n; i++) {
        if ((c->v[i].flags & flags) != flags)
            continue;
        for (g = 0; g < n && !bytes_equal(groups[g].type, c->v[i].type); g++)
            ;
        if (g == n) {
            groups = ARENA_ROOM(a, groups, n, &cap);
            groups[n++] = (struct group){.type = c->v[i].type};
        }
        group_add(a, &groups[g], &c->v[i].value);
    }
    for (g = 0; g < n; g++) {
        struct json *member = claim_value_json(a, groups[g].values[0]);

        if (groups[g].n > 1) {
            member = json_new(a, JSON_ARRAY);
            for (size_t i = 0; i < groups[g].n; i++)
                json_append(member, claim_value_json(a, groups[g].values[i]));
        }
        json_set(object, groups[g].type, member);
    }
    return object;
}
