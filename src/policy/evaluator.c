/* Runs a compiled policy over claims (policy.md 4, 5): sets, not combinations. A rule fires once, whatever number of
 * claims its conditions matched. */
#include "policy/evaluator.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "claims/claims_json.h"
#include "policy/functions.h"
#include "policy/trace.h"

enum {
    QUOTE_MAX = 400,  /* bytes of a rule's text that an error shows */
    INDEXED_FROM = 16 /* rules in a section */
};

static const struct bytes kind_names[] = {[CLAIM_STRING] = BYTES_LIT("String"),
                                          [CLAIM_INTEGER] = BYTES_LIT("Integer"),
                                          [CLAIM_BOOLEAN] = BYTES_LIT("Boolean")};

/* The rule's text in one line, without comments, and with one blank for each run of white space. */
static void wr_rule(struct writer *w, struct bytes source)
{
    bool quoted = false;
    size_t from = w->n;

    for (size_t i = 0; i < source.n; i++) {
        uint8_t c = source.p[i];

        if (w->n - from >= QUOTE_MAX && (c & 0xc0) != 0x80) {
            wr_text(w, " \u2026");
            return;
        }
        if (!quoted && c == '/') {
            while (source.p[i] != '\n' && source.p[i] != '\r')
                i++; /* a rule ends with its semicolon, so a comment in it ends before */
            c = '\n';
        }
        if (c == '"')
            quoted = !quoted;
        if (quoted && c == '\\' && (source.p[i + 1] == '"' || source.p[i + 1] == '\\')) {
            wr_u8(w, c);
            c = source.p[++i];
        }
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            if (w->n > from && w->p[w->n - 1] == ' ' && !quoted)
                continue;
            c = quoted ? c : ' ';
        }
        wr_u8(w, c);
    }
}

bool evaluation_fail(struct evaluation *e, const char *format, ...)
{
    char reason[FAULT_TEXT_MAX];
    struct writer w = wr_open(e->run->arena);
    va_list args;

    va_start(args, format);
    text_format(reason, sizeof reason, format, args);
    va_end(args);
    wr_text(&w, reason);
    if (e->entry)
        trace_error(e, reason);
    if (e->rule) {
        wr_printf(&w, ", in the rule at line %u, column %u: ", e->rule->line, e->rule->column + 1);
        wr_rule(&w, e->rule->source);
    }
    e->run->error = wr_done(&w);
    e->run->decision = POLICY_ERROR;
    return false;
}

bool evaluation_spend(struct evaluation *e, size_t steps)
{
    size_t left = LIMIT_POLICY_STEPS - e->run->steps;

    if (steps > left) {
        e->run->steps = LIMIT_POLICY_STEPS;
        return evaluation_fail(e, "the evaluation takes more than %d steps", LIMIT_POLICY_STEPS);
    }
    e->run->steps += steps;
    return true;
}

size_t steps_for(size_t bytes)
{
    return 1 + bytes / LIMIT_POLICY_STEP_BYTES;
}

struct value property_of(const struct claim *c, enum property property)
{
    struct bytes text = BYTES_NONE;

    switch (property) {
    case PROPERTY_TYPE: text = c->type; break;
    case PROPERTY_VALUE: return (struct value){c->value, c->flags & (CLAIM_READ_ONLY | CLAIM_WAS_JSON_STRING)};
    case PROPERTY_VALUE_TYPE: text = kind_names[c->value.kind]; break;
    default: text = bytes_text(claim_issuer_name(c->issuer)); break;
    }
    return (struct value){{.kind = CLAIM_STRING, .text = text}, 0};
}

struct value value_at(const struct evaluation *e, const struct value_set *set, size_t i)
{
    return set->values ? set->values[i] : property_of(&e->incoming->v[e->bound[set->from + i]], set->property);
}

bool values_equal(struct evaluation *e, const struct claim_value *a, const struct claim_value *b, bool *equal)
{
    bool same_length = a->kind == CLAIM_STRING && b->kind == CLAIM_STRING && a->text.n == b->text.n;

    if (!evaluation_spend(e, same_length ? steps_for(a->text.n) : 1))
        return false;
    *equal = claim_value_equal(a, b);
    return true;
}

static struct value_set reference(const struct evaluation *e, unsigned condition, enum property property)
{
    const struct binding *b = &e->bindings[condition];

    return (struct value_set){.count = b->count, .from = b->from, .property = property};
}

struct value_set operand_of(const struct evaluation *e, const struct expression *x)
{
    if (x->kind == EXPRESSION_REFERENCE)
        return reference(e, x->reference.condition, x->reference.property);
    return (struct value_set){.values = &x->literal, .count = 1};
}

static bool evaluate(struct evaluation *e, const struct expression *x, struct value_set *out)
{
    struct value_set arguments[FUNCTION_ARGUMENTS_MAX];

    if (x->kind != EXPRESSION_CALL) {
        *out = operand_of(e, x);
        return true;
    }
    for (size_t i = 0; i < x->call.function->arguments; i++)
        if (!evaluate(e, &x->call.arguments[i], &arguments[i]))
            return false;
    bool ok = evaluation_spend(e, 1) && x->call.function->call(e, arguments, out);
    if (e->entry)
        trace_call(e, x->call.function, arguments, ok ? out : NULL);
    return ok;
}

bool values_ordered(enum policy_operator operation, const struct claim_value *a, const struct claim_value *b)
{
    if (a->kind != CLAIM_INTEGER || b->kind != CLAIM_INTEGER)
        return false;
    switch (operation) {
    case OPERATOR_LT: return a->integer < b->integer;
    case OPERATOR_LE: return a->integer <= b->integer;
    case OPERATOR_GT: return a->integer > b->integer;
    default: return a->integer >= b->integer;
    }
}

/* Against a set: != holds when it does for every element, the others when they do for one (policy.md 4, 4). */
static bool compare(struct evaluation *e, const struct claim *claim, const struct comparison *c,
                    const struct value_set *with, bool *holds)
{
    struct value left = property_of(claim, c->property);
    bool hit = false;

    if (!with->count && !evaluation_spend(e, 1)) /* claims times comparisons with nothing would be free */
        return false;
    for (size_t i = 0; i < with->count && !hit; i++) {
        struct value right = value_at(e, with, i);

        if (c->operator<= OPERATOR_NE) {
            if (!values_equal(e, &left.v, &right.v, &hit))
                return false;
        } else {
            hit = values_ordered(c->operator, & left.v, &right.v);
            if (!evaluation_spend(e, 1))
                return false;
        }
    }
    *holds = hit != (c->operator== OPERATOR_NE);
    return true;
}

/* Calls are evaluated when the first claim comes to them, and once for all claims. */
static bool operand(struct evaluation *e, const struct condition *c, size_t i, struct value_set *out)
{
    const struct expression *x = &c->comparisons[i].with;

    if (x->kind != EXPRESSION_CALL)
        return evaluate(e, x, out);
    if (!e->known[i] && !evaluate(e, x, &e->operands[i]))
        return false;
    e->known[i] = true;
    *out = e->operands[i];
    return true;
}

bool claim_visible(const struct claim *c)
{
    return (c->flags & CLAIM_POLICY) && c->value.kind != CLAIM_JSON;
}

static bool satisfies(struct evaluation *e, const struct claim *claim, const struct condition *c, bool *holds)
{
    *holds = claim_visible(claim);
    if (!evaluation_spend(e, c->type ? steps_for(c->type->n == claim->type.n ? claim->type.n : 0) : 1))
        return false;
    if (*holds && c->type)
        *holds = bytes_equal(claim->type, *c->type);
    for (size_t i = 0; i < c->count && *holds; i++) {
        struct value_set with;

        if (!operand(e, c, i, &with) || !compare(e, claim, &c->comparisons[i], &with, holds))
            return false;
    }
    return true;
}

/* Places of the claims that can satisfy a condition: those that may have its type where it asks for one, else all. */
static size_t first_candidate(struct evaluation *e, const struct condition *c)
{
    if (e->index && c->type)
        return type_index_first(e->index, e->incoming, *c->type);
    return e->incoming->n ? 0 : TYPE_INDEX_END;
}

static size_t next_candidate(const struct evaluation *e, const struct condition *c, size_t place)
{
    if (e->index && c->type)
        return type_index_next(e->index, (uint32_t)place);
    return place + 1 < e->incoming->n ? place + 1 : TYPE_INDEX_END;
}

static bool condition(struct evaluation *e, const struct condition *c, struct binding *binding, bool *holds)
{
    bool any = false, one;

    *binding = (struct binding){.from = e->bound_count};
    if (c->count)
        memset(e->known, 0, c->count * sizeof *e->known);
    if (!evaluation_spend(e, 1))
        return false;
    for (size_t i = first_candidate(e, c); i != TYPE_INDEX_END; i = next_candidate(e, c, i)) {
        if (!satisfies(e, &e->incoming->v[i], c, &one))
            return false;
        if (!one)
            continue;
        any = true;
        if (e->entry)
            trace_match(e, i);
        if (!c->name.n)
            break;                   /* nothing wants to know the others */
        if (!evaluation_spend(e, 1)) /* for the memory: 64 conditions can bind 64 Ki claims each */
            return false;
        e->bound = ARENA_ROOM(e->run->arena, e->bound, e->bound_count, &e->bound_cap);
        e->bound[e->bound_count++] = (uint32_t)i;
        binding->count++;
    }
    *holds = any != c->negated;
    if (e->entry)
        trace_condition(e, c, any);
    return true;
}

static bool put(struct evaluation *e, struct claims *set, struct claim claim)
{
    if (set->n >= LIMIT_CLAIMS)
        return evaluation_fail(e, "the policy makes a set of more than %d claims", LIMIT_CLAIMS);
    claims_add(set, claim);
    return true;
}

/* Which sets a new claim enters (policy.md 5.2). */
static bool make_claim(struct evaluation *e, enum action_kind kind, struct bytes type, struct value value)
{
    struct claim claim = {type, value.v, ISSUER_POLICY, CLAIM_POLICY | value.flags};

    if (!evaluation_spend(e, 1))
        return false;
    if (kind == ACTION_ISSUE_PROPERTY || kind == ACTION_ISSUE) {
        if (value.flags & CLAIM_READ_ONLY)
            return evaluation_fail(e, "a read-only value cannot be issued");
        /* Issued texts are sorted and written out, as often as they are issued. */
        if (!evaluation_spend(e, steps_for(type.n) + steps_for(value.v.text.n)) ||
            !put(e, kind == ACTION_ISSUE ? &e->run->outgoing : &e->run->properties, claim))
            return false;
    }
    if (kind != ACTION_ISSUE_PROPERTY && !put(e, e->incoming, claim))
        return false;
    if (e->entry)
        trace_made(e, &claim);
    return true;
}

/* The name of a claim to be made: exactly one String. */
static bool type_of(struct evaluation *e, const struct expression *x, struct bytes *out)
{
    struct value_set set;

    if (!evaluate(e, x, &set))
        return false;
    if (set.count != 1 || value_at(e, &set, 0).v.kind != CLAIM_STRING)
        return evaluation_fail(e, "the type of a claim must be exactly one String");
    *out = value_at(e, &set, 0).v.text;
    return true;
}

static bool make_claims(struct evaluation *e, const struct action *a)
{
    struct value_set types, values;
    struct bytes type = BYTES_NONE;

    if (a->copy) {
        types = reference(e, a->condition, PROPERTY_TYPE);
        values = reference(e, a->condition, PROPERTY_VALUE);
    } else if (!type_of(e, &a->type, &type) || !evaluate(e, &a->value, &values)) {
        return false;
    }
    for (size_t i = 0; i < values.count; i++) {
        if (a->copy)
            type = value_at(e, &types, i).v.text;
        if (!make_claim(e, a->kind, type, value_at(e, &values, i)))
            return false;
    }
    return true;
}

static bool act(struct evaluation *e)
{
    switch (e->rule->action.kind) {
    case ACTION_PERMIT:
        if (e->run->decision != POLICY_DENY)
            e->run->decision = POLICY_PERMIT;
        return true;
    case ACTION_DENY:
        if (e->run->decision != POLICY_DENY)
            e->run->deciding_rule = e->rule->source;
        e->run->decision = POLICY_DENY;
        return true;
    default: return make_claims(e, &e->rule->action);
    }
}

static bool run_rule(struct evaluation *e)
{
    bool fires = true;

    e->bound_count = 0;
    if (e->run->explain)
        trace_rule(e);
    for (e->at = 0; e->at < e->rule->count && fires; e->at++)
        if (!condition(e, &e->rule->conditions[e->at], &e->bindings[e->at], &fires))
            return false;
    if (e->entry)
        e->entry->fired = fires;
    return !fires || act(e);
}

static bool run_section(struct policy_run *run, enum section_kind kind, struct claims *incoming)
{
    const struct section *section = &run->policy->sections[kind];
    struct evaluation e = {.run = run, .incoming = incoming, .section = kind};

    if (incoming->n > LIMIT_CLAIMS)
        return evaluation_fail(&e, "the evidence proves more than %d claims", LIMIT_CLAIMS);
    e.operands = ARENA_ARRAY(run->arena, struct value_set, run->policy->widest);
    e.known = ARENA_ARRAY(run->arena, bool, run->policy->widest);
    if (section->count >= INDEXED_FROM)
        e.index = type_index_new(run->arena);
    for (size_t i = 0; i < section->count; i++) {
        e.rule = &section->rules[i];
        if (!run_rule(&e))
            return false;
    }
    return true;
}

const char *policy_decision_name(enum policy_decision d)
{
    return d == POLICY_PERMIT ? "permit" : d == POLICY_ERROR ? "error" : "deny";
}

void policy_start(struct policy_run *run, const struct policy *p, struct arena *a, struct claims *incoming)
{
    *run = (struct policy_run){.policy = p,
                               .arena = a,
                               .incoming = incoming,
                               .decision = POLICY_NO_PERMIT,
                               .json_budget = LIMIT_POLICY_JSON_NODES,
                               .trace_items = LIMIT_TRACE_ITEMS,
                               .trace_looks = LIMIT_TRACE_LOOKS};
    claims_init(&run->outgoing, a);
    claims_init(&run->properties, a);
}

bool policy_configure(struct policy_run *run)
{
    struct claims nothing;

    claims_init(&nothing, run->arena);
    return run_section(run, SECTION_CONFIGURATION, &nothing);
}

bool policy_decide(struct policy_run *run)
{
    if (run->decision == POLICY_NO_PERMIT && run_section(run, SECTION_AUTHORIZATION, run->incoming) &&
        run->decision == POLICY_PERMIT && run_section(run, SECTION_ISSUANCE, run->incoming))
        return true;
    run->outgoing.n = 0;
    return false;
}

bool policy_has_functions(const struct policy *p)
{
    return p->version >= VERSION_1_2;
}

struct bytes policy_text(const struct policy *p)
{
    return p->text;
}
