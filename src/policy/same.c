/* Whether two programs do the same, step by step. */
#include "policy/format.h"
#include "policy/functions.h"

static bool same_expression(const struct expression *a, const struct expression *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case EXPRESSION_LITERAL: return claim_value_equal(&a->literal.v, &b->literal.v);
    case EXPRESSION_REFERENCE:
        return a->reference.condition == b->reference.condition && a->reference.property == b->reference.property;
    case EXPRESSION_CALL: break;
    }
    if (a->call.function != b->call.function)
        return false;
    for (size_t i = 0; i < a->call.function->arguments; i++)
        if (!same_expression(&a->call.arguments[i], &b->call.arguments[i]))
            return false;
    return true;
}

static bool same_condition(const struct condition *a, const struct condition *b)
{
    if (a->negated != b->negated || !bytes_equal(a->name, b->name) || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct comparison *x = &a->comparisons[i], *y = &b->comparisons[i];

        if (x->property != y->property || x->operator!= y->operator|| !same_expression(&x->with, &y->with))
            return false;
    }
    return true;
}

static bool same_action(const struct action *a, const struct action *b)
{
    if (a->kind != b->kind || a->copy != b->copy)
        return false;
    if (a->kind == ACTION_PERMIT || a->kind == ACTION_DENY)
        return true;
    if (a->copy)
        return a->condition == b->condition;
    return same_expression(&a->type, &b->type) && same_expression(&a->value, &b->value);
}

static bool same_rule(const struct rule *a, const struct rule *b)
{
    if (a->count != b->count || !same_action(&a->action, &b->action))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same_condition(&a->conditions[i], &b->conditions[i]))
            return false;
    return true;
}

bool policy_same(const struct policy *a, const struct policy *b)
{
    if (a->version != b->version)
        return false;
    for (int s = 0; s < SECTION_COUNT; s++) {
        const struct section *x = &a->sections[s], *y = &b->sections[s];

        if (x->count != y->count)
            return false;
        for (size_t i = 0; i < x->count; i++)
            if (!same_rule(&x->rules[i], &y->rules[i]))
                return false;
    }
    return true;
}
