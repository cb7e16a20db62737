/* Comparisons that contradict themselves or each other. Only literals count: what is computed may be anything. */
#include "claims/claims_json.h"
#include "policy/lint_parts.h"

static const char *const property_names[] = {
    [PROPERTY_TYPE] = "type",
    [PROPERTY_VALUE] = "value",
    [PROPERTY_VALUE_TYPE] = "valueType",
    [PROPERTY_ISSUER] = "issuer",
};
static const char *const kind_names[] = {
    [CLAIM_STRING] = "String", [CLAIM_INTEGER] = "Integer", [CLAIM_BOOLEAN] = "Boolean"};
enum { NAMES = 3 }; /* of issuers, of value types */

static bool is_literal(const struct comparison *k)
{
    return k->with.kind == EXPRESSION_LITERAL;
}

static const struct claim_value *literal(const struct comparison *k)
{
    return &k->with.literal.v;
}

/* Which issuer or value type a literal names; -1: none. */
static int named(enum property property, const struct claim_value *v)
{
    for (int i = 0; i < NAMES; i++)
        if (v->kind == CLAIM_STRING &&
            bytes_is(v->text, property == PROPERTY_ISSUER ? claim_issuer_name((enum claim_issuer)i) : kind_names[i]))
            return i;
    return -1;
}

/* Nothing equals this operand: why, or NULL. */
static const char *strange_operand(struct arena *a, const struct comparison *k)
{
    if (!is_literal(k) || k->property == PROPERTY_VALUE)
        return NULL;
    if (literal(k)->kind != CLAIM_STRING)
        return arena_printf(a, "%s is a String", property_names[k->property]);
    if (k->property == PROPERTY_TYPE || named(k->property, literal(k)) >= 0)
        return NULL;
    return k->property == PROPERTY_ISSUER ? "an issuer is AttestationService, AttestationPolicy or CustomClaim"
                                          : "a valueType is String, Integer or Boolean";
}

/* No claim satisfies this comparison, whatever stands beside it: why, or NULL. */
static const char *impossible(struct arena *a, const struct comparison *k)
{
    if (k->operator== OPERATOR_EQ)
        return strange_operand(a, k);
    if (k->operator== OPERATOR_NE)
        return NULL;
    if (k->property != PROPERTY_VALUE)
        return arena_printf(a, "%s is a String, and only Integers have an order", property_names[k->property]);
    if (is_literal(k) && ((k->operator== OPERATOR_LT && literal(k)->integer == INT64_MIN) ||
                          (k->operator== OPERATOR_GT && literal(k)->integer == INT64_MAX)))
        return "no Integer of 64 bits lies beyond";
    return NULL;
}

static bool is_upper(const struct comparison *k)
{
    return k->operator== OPERATOR_LT || k->operator== OPERATOR_LE;
}

static bool is_strict(const struct comparison *k)
{
    return k->operator== OPERATOR_LT || k->operator== OPERATOR_GT;
}

/* No Integer lies between two bounds. */
static bool apart(const struct comparison *a, const struct comparison *b)
{
    const struct comparison *low = is_upper(a) ? b : a, *high = is_upper(a) ? a : b;
    int64_t from = literal(low)->integer, to = literal(high)->integer;

    if (is_upper(a) == is_upper(b))
        return false;
    if (from >= to)
        return from > to || is_strict(a) || is_strict(b);
    return is_strict(a) && is_strict(b) && from + 1 == to;
}

static bool within(int64_t v, const struct comparison *bound)
{
    int64_t w = literal(bound)->integer;

    return v == w ? !is_strict(bound) : (v < w) == is_upper(bound);
}

/* Two comparisons of one property with literals. */
static bool contradict(const struct comparison *a, const struct comparison *b)
{
    bool equal = claim_value_equal(literal(a), literal(b));

    if (a->operator> b->operator) {
        const struct comparison *first = a;

        a = b;
        b = first;
    }
    if (a->operator== OPERATOR_EQ && b->operator== OPERATOR_EQ)
        return !equal;
    if (a->operator== OPERATOR_EQ && b->operator== OPERATOR_NE)
        return equal;
    if (a->operator== OPERATOR_EQ)
        return literal(a)->kind != CLAIM_INTEGER || !within(literal(a)->integer, b);
    return a->operator!= OPERATOR_NE && apart(a, b);
}

bool lint_kind_wanted(const struct comparison *k, enum claim_kind *kind)
{
    int name;

    if (k->property == PROPERTY_VALUE && k->operator>= OPERATOR_LT) {
        *kind = CLAIM_INTEGER;
        return true;
    }
    if (k->operator!= OPERATOR_EQ || !is_literal(k))
        return false;
    if (k->property == PROPERTY_VALUE) {
        *kind = literal(k)->kind;
        return true;
    }
    name = k->property == PROPERTY_VALUE_TYPE ? named(PROPERTY_VALUE_TYPE, literal(k)) : -1;
    *kind = (enum claim_kind)name;
    return name >= 0;
}

/* The kinds that two comparisons allow have none in common. */
static bool kinds_apart(const struct comparison *a, const struct comparison *b)
{
    const struct comparison *not_it = b->operator== OPERATOR_NE ? b : a, *it = not_it == a ? b : a;
    enum claim_kind one, other;

    if (lint_kind_wanted(a, &one) && lint_kind_wanted(b, &other))
        return one != other;
    return not_it->operator== OPERATOR_NE && not_it->property == PROPERTY_VALUE_TYPE && is_literal(not_it) &&
           lint_kind_wanted(it, &one) && named(PROPERTY_VALUE_TYPE, literal(not_it)) == (int)one;
}

/* `!=` for every issuer or value type that there is. */
static bool all_excluded(const struct condition *c, size_t upto, enum property property)
{
    unsigned seen = 0;

    for (size_t i = 0; i <= upto; i++) {
        const struct comparison *k = &c->comparisons[i];

        if (k->property == property && k->operator== OPERATOR_NE && is_literal(k) && named(property, literal(k)) >= 0)
            seen |= 1u << named(property, literal(k));
    }
    return seen == (1u << NAMES) - 1;
}

static const char *contradiction(struct arena *a, const struct condition *c, size_t *at)
{
    for (*at = 0; *at < c->count; ++*at) {
        const struct comparison *k = &c->comparisons[*at];
        const char *why = impossible(a, k);

        if (why)
            return why;
        for (size_t i = 0; i < *at; i++) {
            const struct comparison *before = &c->comparisons[i];

            if (before->property == k->property && is_literal(before) && is_literal(k) && contradict(before, k))
                return "no claim satisfies this and the comparisons before it";
            if (kinds_apart(before, k))
                return "the comparisons want values of different kinds";
        }
        if (k->operator==
            OPERATOR_NE &&(all_excluded(c, *at, PROPERTY_ISSUER) || all_excluded(c, *at, PROPERTY_VALUE_TYPE)))
            return "nothing is left that it could be";
    }
    return NULL;
}

/* Every claim satisfies it, and evidence always proves one. */
static bool is_tautology(struct arena *a, const struct condition *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->comparisons[i].operator!= OPERATOR_NE || !strange_operand(a, &c->comparisons[i]))
            return false;
    return true;
}

enum verdict lint_logic(struct lint *x, int index)
{
    const struct condition *c = &x->rule->conditions[index];
    size_t at = 0;
    const char *why = contradiction(x->arena, c, &at);

    if (x->section == SECTION_CONFIGURATION) {
        lint_warn(x, c->negated ? "always-holds" : "never-fires", index, 0,
                  "configurationrules run before the evidence is verified: there is no claim yet%s", lint_so(c));
        return c->negated ? ALWAYS_HOLDS : NEVER_HOLDS;
    }
    if (why) {
        lint_warn(x, c->negated ? "always-holds" : "never-fires", index, at, "%s%s", why, lint_so(c));
        return c->negated ? ALWAYS_HOLDS : NEVER_HOLDS;
    }
    if (!c->negated || !is_tautology(x->arena, c))
        return OPEN;
    lint_warn(x, "never-fires", index, 0, "every claim satisfies what this excludes, so the rule never fires");
    return NEVER_HOLDS;
}

static bool same_comparison(const struct comparison *a, const struct comparison *b)
{
    return a->property == b->property && a->operator== b->operator&& is_literal(a) && is_literal(b) &&
           claim_value_equal(literal(a), literal(b));
}

static bool demands(const struct condition *c, const struct comparison *k)
{
    for (size_t i = 0; i < c->count; i++)
        if (same_comparison(&c->comparisons[i], k))
            return true;
    return false;
}

/* A claim that satisfies `wanted` satisfies all of `excluded`. */
static bool implies(const struct condition *wanted, const struct condition *excluded)
{
    for (size_t i = 0; i < excluded->count; i++)
        if (!demands(wanted, &excluded->comparisons[i]))
            return false;
    return true;
}

bool lint_excluded(const struct rule *r, int index)
{
    for (size_t i = 0; r->conditions[index].negated && i < r->count; i++)
        if (!r->conditions[i].negated && implies(&r->conditions[i], &r->conditions[index]))
            return true;
    return false;
}
