#include "policy/functions.h"

#include "base/json.h"
#include "policy/jmespath.h"

static const char *kind_name(enum claim_kind kind)
{
    static const char *const names[] = {[CLAIM_STRING] = "a String",
                                        [CLAIM_INTEGER] = "an Integer",
                                        [CLAIM_BOOLEAN] = "a Boolean",
                                        [CLAIM_JSON] = "JSON"};

    return names[kind];
}

/* The one value of an argument that must be single. */
static bool single(struct evaluation *e, const char *function, const struct value_set *argument, struct value *out)
{
    if (argument->count != 1)
        return evaluation_fail(e, "%s takes one value here and was given %zu", function, argument->count);
    *out = value_at(e, argument, 0);
    return true;
}

static bool single_of(struct evaluation *e, const char *function, enum claim_kind kind,
                      const struct value_set *argument, struct value *out)
{
    if (!single(e, function, argument, out))
        return false;
    if (out->v.kind != kind)
        return evaluation_fail(e, "%s takes %s here and was given %s", function, kind_name(kind),
                               kind_name(out->v.kind));
    return true;
}

static bool give(struct evaluation *e, struct value_set *out, struct claim_value v, unsigned flags)
{
    struct value *made = ARENA_NEW(e->run->arena, struct value);

    *made = (struct value){v, flags};
    *out = (struct value_set){.values = made, .count = 1};
    return true;
}

static bool give_boolean(struct evaluation *e, struct value_set *out, bool v, unsigned flags)
{
    return give(e, out, (struct claim_value){.kind = CLAIM_BOOLEAN, .integer = v}, flags);
}

static bool contains(struct evaluation *e, const struct value_set *set, const struct claim_value *v, bool *found)
{
    *found = false;
    for (size_t i = 0; i < set->count && !*found; i++) {
        struct value element = value_at(e, set, i);

        if (!values_equal(e, &element.v, v, found))
            return false;
    }
    return true;
}

static bool is_subset_of(struct evaluation *e, const struct value_set *arguments, struct value_set *out)
{
    bool found = true;

    for (size_t i = 0; i < arguments[0].count && found; i++) {
        struct value element = value_at(e, &arguments[0], i);

        if (!contains(e, &arguments[1], &element.v, &found))
            return false;
    }
    return give_boolean(e, out, found, 0);
}

static bool contains_only_value(struct evaluation *e, const struct value_set *arguments, struct value_set *out)
{
    bool equal = arguments[0].count > 0;
    struct value wanted;

    if (!single(e, "ContainsOnlyValue", &arguments[1], &wanted))
        return false;
    for (size_t i = 0; i < arguments[0].count && equal; i++) {
        struct value element = value_at(e, &arguments[0], i);

        if (!values_equal(e, &element.v, &wanted.v, &equal))
            return false;
    }
    return give_boolean(e, out, equal, 0);
}

static bool append_string(struct evaluation *e, const struct value_set *arguments, struct value_set *out)
{
    struct value s, t;

    if (!single_of(e, "AppendString", CLAIM_STRING, &arguments[0], &s) ||
        !single_of(e, "AppendString", CLAIM_STRING, &arguments[1], &t) ||
        !evaluation_spend(e, steps_for(s.v.text.n) + steps_for(t.v.text.n)))
        return false;
    struct writer w = wr_open(e->run->arena);
    wr_put(&w, s.v.text);
    wr_put(&w, t.v.text);
    return give(e, out, (struct claim_value){.kind = CLAIM_STRING, .text = wr_done(&w)},
                (s.flags | t.flags) & CLAIM_READ_ONLY);
}

static bool negate_bool(struct evaluation *e, const struct value_set *arguments, struct value_set *out)
{
    struct value b;

    return single_of(e, "NegateBool", CLAIM_BOOLEAN, &arguments[0], &b) && give_boolean(e, out, !b.v.integer, b.flags);
}

/* *out is NULL when the text is no JSON; false when it is more JSON than one evaluation may read. Policies put many
 * queries to one event log: what was read last is kept. */
static bool read_json(struct evaluation *e, const char *function, struct bytes text, const struct json **out)
{
    struct json_rules rules = {.budget = &e->run->json_budget};
    struct fault fault = {0};

    if (e->read.text.p == text.p && e->read.text.n == text.n && e->read.json) {
        *out = e->read.json;
        return true;
    }
    if (!evaluation_spend(e, steps_for(text.n)) ||
        !(json_parse(e->run->arena, text, &rules, out, &fault) || fault.code == FAULT_SYNTAX ||
          evaluation_fail(e, "%s: %s", function, fault.text)))
        return false;
    e->read.text = text;
    e->read.json = *out;
    return true;
}

/* One JSON value that is no array. *n stays when it is null. */
static bool claim_of(struct evaluation *e, const struct json *v, unsigned flags, struct value *values, size_t *n)
{
    struct claim_value made = {0};

    switch (v->kind) {
    case JSON_NULL: return true;
    case JSON_STRING: made = (struct claim_value){.kind = CLAIM_STRING, .text = v->text}; break;
    case JSON_INTEGER: made = (struct claim_value){.kind = CLAIM_INTEGER, .integer = v->integer}; break;
    case JSON_TRUE:
    case JSON_FALSE: made = (struct claim_value){.kind = CLAIM_BOOLEAN, .integer = v->kind == JSON_TRUE}; break;
    case JSON_NUMBER:
        if (!bytes_is(v->text, "-0"))
            return evaluation_fail(
                e, "JsonToClaimValue takes no number with a fraction, an exponent or more than 64 bits");
        made = (struct claim_value){.kind = CLAIM_INTEGER};
        break;
    case JSON_OBJECT: return evaluation_fail(e, "JsonToClaimValue takes no object");
    case JSON_ARRAY: return evaluation_fail(e, "JsonToClaimValue takes no array in an array");
    }
    values[(*n)++] = (struct value){made, flags};
    return true;
}

static bool json_to_claim_value(struct evaluation *e, const struct value_set *arguments, struct value_set *out)
{
    const struct json *root;
    struct value text, *values;
    size_t n = 0;

    if (!single_of(e, "JsonToClaimValue", CLAIM_STRING, &arguments[0], &text))
        return false;
    if (text.flags & CLAIM_WAS_JSON_STRING)
        return give(e, out, text.v, text.flags & CLAIM_READ_ONLY);
    if (!read_json(e, "JsonToClaimValue", text.v.text, &root))
        return false;
    if (!root)
        return give(e, out, text.v, text.flags);
    values = ARENA_ARRAY(e->run->arena, struct value, root->kind == JSON_ARRAY ? root->count : 1);
    if (root->kind != JSON_ARRAY && !claim_of(e, root, text.flags, values, &n))
        return false;
    if (root->kind == JSON_ARRAY)
        JSON_EACH (item, root) {
            if (!claim_of(e, item, text.flags, values, &n))
                return false;
        }
    *out = (struct value_set){.values = values, .count = n};
    return true;
}

/* The query's steps are steps of the evaluation, at LIMIT_POLICY_SEARCH_STEPS each. */
static bool search_json(struct evaluation *e, const struct json *document, struct bytes query, unsigned flags,
                        struct value_set *out)
{
    size_t given = (LIMIT_POLICY_STEPS - e->run->steps) / LIMIT_POLICY_SEARCH_STEPS, left = given;
    struct arena *a = e->run->arena;
    const struct jmespath *compiled;
    const struct json *found;
    struct claim_value made = {.kind = CLAIM_STRING};
    struct fault fault = {0};
    bool ok =
        jmespath_compile(a, query, &compiled, &fault) && jmespath_search(compiled, document, a, &left, &found, &fault);

    if (ok && found->kind == JSON_STRING) {
        made.text = found->text;
        flags |= CLAIM_WAS_JSON_STRING;
    } else if (ok) {
        ok = jmespath_text(found, a, &left, &made.text, &fault);
    }
    if (!ok)
        return evaluation_fail(e, "JmesPath: %s", fault.text);
    return evaluation_spend(e, (given - left) * LIMIT_POLICY_SEARCH_STEPS) && give(e, out, made, flags);
}

static bool jmes_path(struct evaluation *e, const struct value_set *arguments, struct value_set *out)
{
    struct value text, query;
    const struct json *document;

    if (!single_of(e, "JmesPath", CLAIM_STRING, &arguments[0], &text) ||
        !single_of(e, "JmesPath", CLAIM_STRING, &arguments[1], &query))
        return false;
    if (!text.v.text.n || !query.v.text.n)
        return evaluation_fail(e, "JmesPath takes no empty %s", text.v.text.n ? "query" : "JSON text");
    if (text.flags & CLAIM_WAS_JSON_STRING)
        document = json_new_text(e->run->arena, text.v.text);
    else if (!read_json(e, "JmesPath", text.v.text, &document))
        return false;
    if (!document)
        return evaluation_fail(e, "JmesPath was given text that is not JSON");
    return evaluation_spend(e, steps_for(query.v.text.n)) &&
           search_json(e, document, query.v.text, (text.flags | query.flags) & CLAIM_READ_ONLY, out);
}

static const struct policy_function functions[] = {
    {"JmesPath", 2, jmes_path},      {"JsonToClaimValue", 1, json_to_claim_value},
    {"IsSubsetOf", 2, is_subset_of}, {"AppendString", 2, append_string},
    {"NegateBool", 1, negate_bool},  {"ContainsOnlyValue", 2, contains_only_value},
};

const struct policy_function *policy_function_find(struct bytes name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (bytes_is(name, functions[i].name))
            return &functions[i];
    return NULL;
}
