/* Warnings: reads the rules in the order in which they run, knowing which claims there can be. */
#include "policy/lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "policy/functions.h"
#include "policy/lexer.h"
#include "policy/lint_parts.h"

enum { NAME_SHOWN = 80, MESSAGE_MAX = 512 };

/* Moves over the tokens of the rule to one that matters. */
static struct token find_condition(struct lexer *lexer, int condition, size_t comparison)
{
    struct token t = lexer_next(lexer), name = t;
    int depth = 0;

    for (int open = 0; t.kind != TOKEN_END; t = lexer_next(lexer)) {
        if (t.kind == TOKEN_SQUARE_OPEN && open++ == condition)
            break;
        if (t.kind == TOKEN_NAME)
            name = t;
    }
    if (comparison == LINT_NAME)
        return name;
    while (comparison && t.kind != TOKEN_END) {
        t = lexer_next(lexer);
        depth += (t.kind == TOKEN_OPEN) - (t.kind == TOKEN_CLOSE);
        if (t.kind == TOKEN_COMMA && depth == 0)
            comparison--;
    }
    return lexer_next(lexer);
}

static struct token find_action(struct lexer *lexer)
{
    struct token t;

    do
        t = lexer_next(lexer);
    while (t.kind != TOKEN_ARROW && t.kind != TOKEN_END);
    return lexer_next(lexer);
}

static void add_warning(struct lint *x, struct policy_warning w)
{
    struct policy_warnings *out = x->out;

    if (out->n == LIMIT_POLICY_WARNINGS) {
        out->more++;
        return;
    }
    out->v = ARENA_ROOM(x->arena, out->v, out->n, &out->cap);
    out->v[out->n++] = w;
}

void lint_warn(struct lint *x, const char *id, int condition, size_t comparison, const char *format, ...)
{
    struct lexer lexer = lexer_open(x->arena, x->rule->source);
    char message[MESSAGE_MAX];
    struct token at;
    va_list args;

    if (x->out->n == LIMIT_POLICY_WARNINGS) {
        x->out->more++;
        return;
    }
    va_start(args, format);
    text_format(message, sizeof message, format, args);
    va_end(args);
    lexer.line = x->rule->line;
    lexer.column = x->rule->column;
    at = condition == LINT_ACTION ? find_action(&lexer) : find_condition(&lexer, condition, comparison);
    add_warning(x, (struct policy_warning){id, at.line, at.column, arena_copy(x->arena, bytes_text(message))});
}

const char *lint_so(const struct condition *c)
{
    return c->negated ? ", so the condition always holds" : ", so the rule never fires";
}

const char *lint_name(struct arena *a, struct bytes name)
{
    struct bytes shown = bytes_first(name, NAME_SHOWN);

    while (shown.n < name.n && (name.p[shown.n] & 0xc0) == 0x80)
        shown.n--;
    return arena_printf(a, "\"%s%s\"", arena_string(a, shown), shown.n < name.n ? "\u2026" : "");
}

struct lint_hint lint_hint_for(struct bytes word)
{
    return (struct lint_hint){.word = word, .least = word.n / 4 + 2}; /* farther is a guess, not a hint */
}

void lint_hint_try(struct lint_hint *h, struct bytes candidate)
{
    size_t d = text_distance(h->word, candidate);

    if (d < h->least) {
        h->least = d;
        h->best = candidate;
    }
}

const char *lint_hint_text(struct arena *a, const struct lint_hint *h)
{
    return h->best.n ? arena_printf(a, "; did you mean %s?", lint_name(a, h->best)) : "";
}

/* Of all conditions together; each is looked at, though the first may have settled it. */
static enum verdict conditions(struct lint *x)
{
    enum verdict all = ALWAYS_HOLDS;

    for (int i = 0; i < (int)x->rule->count; i++) {
        enum verdict one = lint_logic(x, i);

        if (one == OPEN)
            one = lint_claims(x, i);
        if (one == OPEN && lint_excluded(x->rule, i)) {
            lint_warn(x, "never-fires", i, 0,
                      "another condition of the rule demands what this excludes, so the rule never fires");
            one = NEVER_HOLDS;
        }
        if (one == NEVER_HOLDS || (one == OPEN && all == ALWAYS_HOLDS))
            all = one;
    }
    return all;
}

static bool uses(const struct expression *e, unsigned condition)
{
    switch (e->kind) {
    case EXPRESSION_LITERAL: return false;
    case EXPRESSION_REFERENCE: return e->reference.condition == condition;
    case EXPRESSION_CALL: break;
    }
    for (size_t i = 0; i < e->call.function->arguments; i++)
        if (uses(&e->call.arguments[i], condition))
            return true;
    return false;
}

static bool is_used(const struct rule *r, unsigned condition)
{
    for (size_t i = condition + 1; i < r->count; i++)
        for (size_t k = 0; k < r->conditions[i].count; k++)
            if (uses(&r->conditions[i].comparisons[k].with, condition))
                return true;
    if (r->action.kind == ACTION_PERMIT || r->action.kind == ACTION_DENY)
        return false;
    if (r->action.copy)
        return r->action.condition == condition;
    return uses(&r->action.type, condition) || uses(&r->action.value, condition);
}

static void unused_names(struct lint *x)
{
    for (unsigned i = 0; i < x->rule->count; i++) {
        struct bytes name = x->rule->conditions[i].name;

        if (name.n && !is_used(x->rule, i))
            lint_warn(x, "unused-name", (int)i, LINT_NAME, "nothing uses the name %s of this condition",
                      lint_name(x->arena, name));
    }
}

/* The literal that the action gives as type or value; NULL: it is computed, or copied. */
static const struct claim_value *given(const struct rule *r, const struct expression *x)
{
    return !r->action.copy && x->kind == EXPRESSION_LITERAL ? &x->literal.v : NULL;
}

/* Does it issue the service's own claim under its own name? Then nothing is lost. */
static bool gives_back(const struct rule *r, struct bytes name)
{
    const struct expression *v = &r->action.value;
    const struct bytes *type = v->kind == EXPRESSION_REFERENCE && v->reference.property == PROPERTY_VALUE
                                   ? r->conditions[v->reference.condition].type
                                   : NULL;

    return type && bytes_equal(*type, name);
}

static void issued_name(struct lint *x)
{
    const struct claim_value *name = given(x->rule, &x->rule->action.type);
    const struct known_claim *known = name && name->kind == CLAIM_STRING ? vocabulary_claim(name->text) : NULL;

    if (known && (known->member & x->types) == x->types && !gives_back(x->rule, name->text))
        lint_warn(x, "overridden", LINT_ACTION, 0,
                  "the service sets %s itself: at the top of the token its value wins over the issued one",
                  lint_name(x->arena, name->text));
}

/* Why a value is none that the property takes; NULL: it is one. */
static const char *wrong_value(const struct known_property *p, const struct claim_value *v)
{
    uint64_t number;

    if (v->kind != p->kind)
        return p->kind == CLAIM_BOOLEAN  ? "must be true or false"
               : p->kind == CLAIM_STRING ? "must be a String"
                                         : "must be an Integer";
    if (strcmp(p->name, "report_validity_in_minutes") == 0 && (v->integer < 1 || v->integer > LIMIT_VALIDITY_MINUTES))
        return "must be from 1 to 525600, one year";
    if (strcmp(p->name, "required_pcr_mask") == 0 && (v->integer < 0 || v->integer > 0xffffff))
        return "must be from 0 to 16777215, one bit for each PCR";
    if (strcmp(p->name, "x-ms-sgx-tcbidentifier") == 0 && !bytes_is(v->text, "azuredefault") &&
        !decimal_parse(v->text, LIMIT_EVALUATION, &number))
        return "must be azuredefault or the number of a baseline";
    return NULL;
}

static void unknown_property(struct lint *x, struct bytes name)
{
    struct lint_hint h = lint_hint_for(name);
    const struct known_property *p;

    for (size_t i = 0; (p = vocabulary_property_at(i)) != NULL; i++)
        if (p->types & x->types)
            lint_hint_try(&h, bytes_text(p->name));
    lint_warn(x, "unknown-property", LINT_ACTION, 0, "there is no property %s%s%s", lint_name(x->arena, name),
              x->types == TYPE_ALL ? "" : " for this type", lint_hint_text(x->arena, &h));
}

static void property(struct lint *x)
{
    const struct action *a = &x->rule->action;
    const struct claim_value *name = given(x->rule, &a->type), *value = given(x->rule, &a->value);
    const struct known_property *p;
    const char *wrong;

    if (!name || name->kind != CLAIM_STRING)
        return;
    p = vocabulary_property(name->text);
    if (!p || !(p->types & x->types)) {
        unknown_property(x, name->text);
        return;
    }
    if (p->section != x->section)
        lint_warn(x, "property-section", LINT_ACTION, 0, "%s has an effect in %s alone", p->name,
                  p->section == SECTION_CONFIGURATION ? "configurationrules" : "issuancerules");
    wrong = value ? wrong_value(p, value) : NULL;
    if (wrong)
        lint_warn(x, "property-value", LINT_ACTION, 0, "%s %s", p->name, wrong);
}

static void rule(struct lint *x)
{
    enum verdict fires = conditions(x);

    unused_names(x);
    switch (x->rule->action.kind) {
    case ACTION_PERMIT: x->permits = x->permits || fires != NEVER_HOLDS; break;
    case ACTION_DENY:
        if (fires == ALWAYS_HOLDS)
            lint_warn(x, "always-denied", LINT_ACTION, 0,
                      "this denies whatever the evidence proves: a permit anywhere cannot undo it");
        x->denies = x->denies || fires == ALWAYS_HOLDS;
        break;
    case ACTION_ISSUE: issued_name(x); break;
    case ACTION_ISSUE_PROPERTY: property(x); break;
    default: break;
    }
    lint_note_added(x);
}

/* The section that should have permitted. */
static void warn_no_permit(struct lint *x)
{
    struct lexer lexer = lexer_open(x->arena, x->policy->text);
    struct token t;

    do
        t = lexer_next(&lexer);
    while (t.kind != TOKEN_END && !bytes_is_nocase(t.source, "authorizationrules"));
    add_warning(x, (struct policy_warning){"no-permit", t.line, t.column,
                                           BYTES_LIT("no rule that can fire permits: all evidence is denied")});
}

static int by_place(const void *a, const void *b)
{
    const struct policy_warning *x = a, *y = b;

    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return strcmp(x->id, y->id);
}

void policy_lint(struct arena *a, const struct policy *policy, unsigned types, struct policy_warnings *out)
{
    struct lint x = {.arena = a, .policy = policy, .types = types, .out = out};

    *out = (struct policy_warnings){0};
    for (int s = 0; s < SECTION_COUNT; s++) {
        x.section = (enum section_kind)s;
        for (size_t i = 0; i < policy->sections[s].count; i++) {
            x.rule = &policy->sections[s].rules[i];
            rule(&x);
        }
        if (s == SECTION_AUTHORIZATION && !x.permits && !x.denies)
            warn_no_permit(&x);
    }
    if (out->n)
        qsort(out->v, out->n, sizeof *out->v, by_place);
}
