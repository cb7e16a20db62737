/* Names of claims: what evidence proves and what earlier rules add, against what conditions ask for. */
#include "base/limits.h"
#include "policy/lint_parts.h"

enum { HINTS_FROM_RULES = 512 }; /* added names that are looked at for one hint */

const struct claim_value *lint_wanted(const struct condition *c, enum property property)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct comparison *k = &c->comparisons[i];

        if (k->property == property && k->operator== OPERATOR_EQ && k->with.kind == EXPRESSION_LITERAL)
            return &k->with.literal.v;
    }
    return NULL;
}

/* Which comparison names the type. */
static size_t type_comparison(const struct condition *c)
{
    size_t i = 0;

    while (i < c->count &&
           !(c->comparisons[i].with.kind == EXPRESSION_LITERAL && &c->comparisons[i].with.literal.v.text == c->type))
        i++;
    return i;
}

static bool wants_issuer(const struct condition *c, const char *issuer)
{
    const struct claim_value *v = lint_wanted(c, PROPERTY_ISSUER);

    return v && v->kind == CLAIM_STRING && bytes_is(v->text, issuer);
}

static bool adds_to_conditions(const struct rule *r)
{
    return r->action.kind == ACTION_ADD || r->action.kind == ACTION_ISSUE;
}

/* The name that a rule gives its claims; NULL when the text does not tell. */
static const struct bytes *name_added(const struct rule *r)
{
    const struct expression *x = &r->action.type;

    if (r->action.copy)
        return r->conditions[r->action.condition].type;
    if (x->kind == EXPRESSION_LITERAL && x->literal.v.kind == CLAIM_STRING)
        return &x->literal.v.text;
    if (x->kind == EXPRESSION_REFERENCE && x->reference.property == PROPERTY_TYPE)
        return r->conditions[x->reference.condition].type;
    return NULL;
}

void lint_note_added(struct lint *x)
{
    const struct bytes *name = name_added(x->rule);

    if (!adds_to_conditions(x->rule))
        return;
    if (!name) {
        x->added_unnamed = true;
        return;
    }
    x->added = ARENA_ROOM(x->arena, x->added, x->added_count, &x->added_cap);
    x->added[x->added_count++] = *name;
}

static bool is_added(const struct lint *x, struct bytes name)
{
    for (size_t i = 0; i < x->added_count; i++)
        if (bytes_equal(x->added[i], name))
            return true;
    return x->added_unnamed;
}

/* Rules run in order: is this one too early? */
static bool is_added_later(const struct lint *x, struct bytes name)
{
    for (int s = SECTION_AUTHORIZATION; s < SECTION_COUNT; s++) {
        const struct section *section = &x->policy->sections[s];

        for (size_t i = 0; i < section->count; i++) {
            const struct rule *r = &section->rules[i];
            const struct bytes *added = adds_to_conditions(r) ? name_added(r) : NULL;

            if (r->source.p > x->rule->source.p && added && bytes_equal(*added, name))
                return true;
        }
    }
    return false;
}

/* Clients give these their names (claims.md 8.1). */
static bool is_custom(const struct lint *x, struct bytes name)
{
    static const char infix[] = "/customclaims/";

    return (x->types & TYPE_TPM) && name.n > strlen(infix) && memmem(name.p, name.n, infix, strlen(infix));
}

static const char *hint(const struct lint *x, struct bytes name, bool evidence)
{
    struct lint_hint h = lint_hint_for(name);
    const struct known_claim *known;

    if (x->out->n == LIMIT_POLICY_WARNINGS)
        return ""; /* the warning is only counted */
    for (size_t i = 0; evidence && (known = vocabulary_claim_at(i)) != NULL; i++)
        if (known->offered & x->types)
            lint_hint_try(&h, bytes_text(known->name));
    for (size_t i = 0; i < x->added_count && i < HINTS_FROM_RULES; i++)
        lint_hint_try(&h, x->added[i]);
    return lint_hint_text(x->arena, &h);
}

static enum verdict no_such_claim(struct lint *x, int index, const char *id, const char *before, const char *after,
                                  const char *near)
{
    const struct condition *c = &x->rule->conditions[index];

    lint_warn(x, id, index, type_comparison(c), "%s%s%s%s%s", before, lint_name(x->arena, *c->type), after, lint_so(c),
              near);
    return c->negated ? ALWAYS_HOLDS : NEVER_HOLDS;
}

/* A condition that asks for AttestationPolicy's own claims. */
static enum verdict of_policy(struct lint *x, int index)
{
    struct bytes name = *x->rule->conditions[index].type;

    if (is_added(x, name))
        return OPEN;
    if (is_added_later(x, name))
        return no_such_claim(x, index, "never-added", "only a later rule adds ", "", "");
    return no_such_claim(x, index, "never-added", "no earlier rule adds ", "", hint(x, name, false));
}

/* Evidence gives the claim a value of another kind than the comparison wants. */
static enum verdict of_kind(struct lint *x, int index, const struct known_claim *known)
{
    static const char *const names[] = {
        [CLAIM_STRING] = "a String", [CLAIM_INTEGER] = "an Integer", [CLAIM_BOOLEAN] = "a Boolean"};
    const struct condition *c = &x->rule->conditions[index];
    enum claim_kind wanted;

    for (size_t i = 0; i < c->count; i++) {
        if (!lint_kind_wanted(&c->comparisons[i], &wanted) || wanted == known->kind)
            continue;
        lint_warn(x, "value-type", index, i, "%s is %s, not %s%s", lint_name(x->arena, *c->type), names[known->kind],
                  names[wanted], lint_so(c));
        return c->negated ? ALWAYS_HOLDS : NEVER_HOLDS;
    }
    return OPEN;
}

static enum verdict of_evidence(struct lint *x, int index, bool only)
{
    struct bytes name = *x->rule->conditions[index].type;
    const struct known_claim *known = vocabulary_claim(name);

    if ((!only && is_added(x, name)) || is_custom(x, name))
        return OPEN;
    if (!known || !(known->offered & x->types)) {
        if (!only && is_added_later(x, name))
            return no_such_claim(x, index, "unknown-claim", "no evidence proves ", " and only a later rule adds it",
                                 "");
        if (known && (known->member & x->types))
            return no_such_claim(x, index, "unknown-claim", "", " is a member of tokens, but no condition sees it", "");
        return no_such_claim(x, index, "unknown-claim",
                             x->types == TYPE_ALL ? "no evidence proves " : "no evidence of this type proves ", "",
                             hint(x, name, true));
    }
    if (known->since_1_2 && x->policy->version != VERSION_1_2)
        return no_such_claim(x, index, "unknown-claim", "only policies of version 1.2 see ", "", "");
    return of_kind(x, index, known);
}

enum verdict lint_claims(struct lint *x, int index)
{
    const struct condition *c = &x->rule->conditions[index];

    if (wants_issuer(c, "CustomClaim")) {
        if (x->types & TYPE_TPM)
            return OPEN;
        lint_warn(x, "unknown-claim", index, 0, "evidence of this type has no claims of issuer CustomClaim%s",
                  lint_so(c));
        return c->negated ? ALWAYS_HOLDS : NEVER_HOLDS;
    }
    if (!c->type)
        return OPEN;
    return wants_issuer(c, "AttestationPolicy") ? of_policy(x, index)
                                                : of_evidence(x, index, wants_issuer(c, "AttestationService"));
}
