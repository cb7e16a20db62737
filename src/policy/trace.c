#include "policy/trace.h"

static const char *const operator_names[] = {
    [OPERATOR_EQ] = "==", [OPERATOR_NE] = "!=", [OPERATOR_LT] = "<",
    [OPERATOR_LE] = "<=", [OPERATOR_GT] = ">",  [OPERATOR_GE] = ">=",
};

static struct policy_trace_condition *condition_here(const struct evaluation *e)
{
    return &e->entry->conditions[e->at];
}

/* Whether one more thing may be listed beside `listed` of its kind. */
static bool item(struct policy_run *run, size_t listed)
{
    if (listed >= LIMIT_TRACE_LISTED || !run->trace_items)
        return false;
    run->trace_items--;
    return true;
}

static struct policy_trace_values values_of(struct evaluation *e, const struct value_set *set)
{
    size_t most = set->count < LIMIT_TRACE_LISTED ? set->count : LIMIT_TRACE_LISTED;
    struct policy_trace_values out = {.count = set->count};
    struct claim_value *v;

    if (most > e->run->trace_items)
        most = e->run->trace_items;
    if (!most)
        return out;
    v = ARENA_ARRAY(e->run->arena, struct claim_value, most);
    while (out.listed < most && item(e->run, out.listed)) {
        v[out.listed] = value_at(e, set, out.listed).v;
        out.listed++;
    }
    out.v = v;
    return out;
}

void trace_rule(struct evaluation *e)
{
    struct policy_run *run = e->run;
    const struct rule *rule = e->rule;

    run->trace = ARENA_ROOM(run->arena, run->trace, run->trace_count, &run->trace_cap);
    e->entry = &run->trace[run->trace_count++];
    *e->entry = (struct policy_trace_entry){.rule = rule->source,
                                            .line = rule->line,
                                            .column = rule->column,
                                            .section = policy_section_names[e->section],
                                            .action = policy_action_names[rule->action.kind],
                                            .condition_count = rule->count};
    if (rule->count)
        e->entry->conditions = ARENA_ARRAY(run->arena, struct policy_trace_condition, rule->count);
    for (size_t i = 0; i < rule->count; i++)
        e->entry->conditions[i] = (struct policy_trace_condition){.text = rule->conditions[i].source,
                                                                  .negated = rule->conditions[i].negated,
                                                                  .comparisons = rule->conditions[i].count};
}

void trace_match(struct evaluation *e, size_t index)
{
    struct policy_trace_condition *t = condition_here(e);

    t->matches++;
    if (!item(e->run, t->listed))
        return;
    t->matched = ARENA_ROOM(e->run->arena, t->matched, t->listed, &t->cap);
    t->matched[t->listed++] = (struct policy_trace_claim){index, e->incoming->v[index]};
}

/* One look, or several for a long text; false when there are none left. */
static bool look(struct evaluation *e, const struct claim_value *a, const struct claim_value *b)
{
    size_t looks = 1;

    if (a->kind == CLAIM_STRING && b->kind == CLAIM_STRING && a->text.n == b->text.n)
        looks = steps_for(a->text.n);
    if (looks > e->run->trace_looks) {
        e->run->trace_looks = 0;
        return false;
    }
    e->run->trace_looks -= looks;
    return true;
}

/* What a comparison is with. False for a call that no claim came to. */
static bool known_operand(const struct evaluation *e, const struct condition *c, size_t i, struct value_set *out)
{
    bool call = c->comparisons[i].with.kind == EXPRESSION_CALL;

    if (call && !e->known[i])
        return false;
    *out = call ? e->operands[i] : operand_of(e, &c->comparisons[i].with);
    return true;
}

/* As the evaluator compares, for looks instead of steps. False when there are none left. */
static bool compared(struct evaluation *e, const struct claim *claim, const struct comparison *c,
                     const struct value_set *with, bool *holds)
{
    struct value left = property_of(claim, c->property);
    bool hit = false;

    for (size_t i = 0; i < with->count && !hit; i++) {
        struct value right = value_at(e, with, i);

        if (!look(e, &left.v, &right.v))
            return false;
        hit = c->operator<= OPERATOR_NE ? claim_value_equal(&left.v, &right.v)
                                        : values_ordered(c->operator, & left.v, &right.v);
    }
    *holds = hit != (c->operator== OPERATOR_NE);
    return true;
}

struct near {
    size_t index, satisfied, failed; /* failed: the first comparison that does not hold */
};

/* A comparison that needs no look at a value costs one too: else claims times comparisons would be free. */
static bool comparison_holds(struct evaluation *e, const struct condition *c, size_t i, const struct claim *claim,
                             bool *holds)
{
    struct value_set with = {0};
    bool known = known_operand(e, c, i, &with);

    *holds = false;
    if (with.count)
        return compared(e, claim, &c->comparisons[i], &with, holds);
    if (!e->run->trace_looks)
        return false;
    e->run->trace_looks--;
    return !known || compared(e, claim, &c->comparisons[i], &with, holds);
}

/* How near one claim comes to a condition. False when there are no looks left. */
static bool nearness(struct evaluation *e, const struct condition *c, size_t index, struct near *out)
{
    *out = (struct near){.index = index, .failed = c->count};
    for (size_t i = 0; i < c->count; i++) {
        bool holds;

        if (!comparison_holds(e, c, i, &e->incoming->v[index], &holds))
            return false;
        if (holds)
            out->satisfied++;
        else if (out->failed == c->count)
            out->failed = i;
    }
    return true;
}

/* Whether a claim is worth comparing: of another type than the condition wants it is not near. */
static bool candidate(struct evaluation *e, const struct condition *c, const struct claim *claim, bool *yes)
{
    struct claim_value type = {.kind = CLAIM_STRING, .text = claim->type}, wanted = type;

    if (c->type)
        wanted.text = *c->type;
    *yes = false;
    if (!look(e, &type, &wanted))
        return false;
    *yes = claim_visible(claim) && bytes_equal(type.text, wanted.text);
    return true;
}

static const struct policy_trace_miss *miss(struct evaluation *e, const struct condition *c, const struct near *best)
{
    struct policy_trace_miss *m = ARENA_NEW(e->run->arena, struct policy_trace_miss);
    const struct comparison *failed = &c->comparisons[best->failed];
    const struct claim *claim = &e->incoming->v[best->index];
    struct value_set with;

    *m = (struct policy_trace_miss){.claim = {best->index, *claim},
                                    .satisfied = best->satisfied,
                                    .property = policy_property_names[failed->property],
                                    .operation = operator_names[failed->operator],
                                    .found = property_of(claim, failed->property).v};
    if (known_operand(e, c, best->failed, &with))
        m->expected = values_of(e, &with);
    return m;
}

/* A claim that satisfies nothing is not near. When the looks end, the nearest of those looked at is kept. */
static const struct policy_trace_miss *nearest(struct evaluation *e, const struct condition *c)
{
    struct near best = {0}, one;
    bool yes;

    for (size_t i = 0; i < e->incoming->n && candidate(e, c, &e->incoming->v[i], &yes); i++) {
        if (!yes)
            continue;
        if (!nearness(e, c, i, &one))
            break;
        if (one.satisfied > best.satisfied)
            best = one;
    }
    return best.satisfied && item(e->run, 0) ? miss(e, c, &best) : NULL;
}

void trace_condition(struct evaluation *e, const struct condition *c, bool any)
{
    struct policy_trace_condition *t = condition_here(e);

    t->result = any != c->negated ? TRACE_HELD : TRACE_FALSE;
    if (!any && !c->negated)
        t->nearest = nearest(e, c);
}

void trace_call(struct evaluation *e, const struct policy_function *f, const struct value_set *arguments,
                const struct value_set *result)
{
    struct policy_trace_entry *t = e->entry;
    struct policy_trace_call call = {
        .function = f->name, .condition = e->at, .argument_count = f->arguments, .failed = !result};

    t->call_count++;
    if (!item(e->run, 0))
        return;
    for (size_t i = 0; i < f->arguments; i++)
        call.arguments[i] = values_of(e, &arguments[i]);
    if (result)
        call.result = values_of(e, result);
    t->calls = ARENA_ROOM(e->run->arena, t->calls, t->calls_listed, &t->calls_cap);
    t->calls[t->calls_listed++] = call;
}

void trace_made(struct evaluation *e, const struct claim *claim)
{
    struct policy_trace_entry *t = e->entry;

    t->made_count++;
    if (!item(e->run, t->made_listed))
        return;
    t->made = ARENA_ROOM(e->run->arena, t->made, t->made_listed, &t->made_cap);
    t->made[t->made_listed++] = *claim;
}

void trace_error(struct evaluation *e, const char *reason)
{
    e->entry->error = arena_copy(e->run->arena, bytes_text(reason));
    if (e->at < e->rule->count)
        condition_here(e)->result = TRACE_FAILED;
}
