/* Versions 1.0, 1.1 and 1.2 by recursive descent (policy.md 2), with every rule of 2.4 checked on the way. */
#include "policy/parser.h"

const char *const policy_section_names[SECTION_COUNT] = {
    [SECTION_CONFIGURATION] = "configurationrules",
    [SECTION_AUTHORIZATION] = "authorizationrules",
    [SECTION_ISSUANCE] = "issuancerules",
};
static const char *const section_paths[SECTION_COUNT] = {
    [SECTION_CONFIGURATION] = "configurationRules",
    [SECTION_AUTHORIZATION] = "authorizationRules",
    [SECTION_ISSUANCE] = "issuanceRules",
};
static const char *const version_names[] = {[VERSION_1_0] = "1.0", [VERSION_1_1] = "1.1", [VERSION_1_2] = "1.2"};
const char *const policy_action_names[ACTION_COUNT] = {
    [ACTION_PERMIT] = "permit",
    [ACTION_DENY] = "deny",
    [ACTION_ADD] = "add",
    [ACTION_ISSUE] = "issue",
    [ACTION_ISSUE_PROPERTY] = "issueproperty",
};
/* Which actions a section takes, and how a message lists them. */
static const struct {
    unsigned actions;
    const char *list;
} allowed[SECTION_COUNT] = {
    [SECTION_CONFIGURATION] = {1u << ACTION_ISSUE_PROPERTY, "'issueproperty'"},
    [SECTION_AUTHORIZATION] = {1u << ACTION_PERMIT | 1u << ACTION_DENY | 1u << ACTION_ADD, "{'permit', 'deny', 'add'}"},
    [SECTION_ISSUANCE] = {1u << ACTION_ADD | 1u << ACTION_ISSUE | 1u << ACTION_ISSUE_PROPERTY,
                          "{'add', 'issue', 'issueproperty'}"},
};

void parser_advance(struct parser *p)
{
    if (p->token.source.n && p->token.kind != TOKEN_END)
        p->taken = p->token.source.p + p->token.source.n;
    p->token = lexer_next(&p->lexer);
    if (p->token.kind != TOKEN_END && ++p->tokens > LIMIT_POLICY_TOKENS) {
        p->token.kind = TOKEN_BAD;
        p->token.problem = "the policy has too many tokens";
    }
}

bool parser_at(const struct parser *p, enum token_kind kind)
{
    return p->token.kind == kind;
}

bool parser_at_name(const struct parser *p, const char *name)
{
    return p->token.kind == TOKEN_NAME && bytes_is(p->token.source, name);
}

bool parser_accept(struct parser *p, enum token_kind kind)
{
    if (!parser_at(p, kind))
        return false;
    parser_advance(p);
    return true;
}

bool parser_expect(struct parser *p, enum token_kind kind)
{
    return parser_accept(p, kind) || parser_mismatch(p, token_kind_name(kind));
}

void parser_enter(struct parser *p, const char *grammar_rule)
{
    p->path[p->path_length++] = grammar_rule;
}

void parser_leave(struct parser *p)
{
    p->path_length--;
}

static bool comparison(struct parser *p, struct comparison *out)
{
    struct token operand;

    if (!parser_property(p, &out->property))
        return false;
    if (p->token.kind < TOKEN_EQ || p->token.kind > TOKEN_GE)
        return parser_mismatch(p, "{'==', '!=', '<', '<=', '>', '>='}");
    out->operator=(enum policy_operator)(p->token.kind - TOKEN_EQ);
    parser_advance(p);
    operand = p->token;
    if (!parser_expression(p, &out->with))
        return false;
    if (out->operator>= OPERATOR_LT && out->with.kind == EXPRESSION_LITERAL &&
        out->with.literal.v.kind != CLAIM_INTEGER)
        return parser_error(p, &operand, "'<', '<=', '>' and '>=' compare integers");
    return true;
}

/* "!" or "name:" before the bracket. */
static bool condition_head(struct parser *p, struct condition *c)
{
    struct token name = p->token;

    if (parser_at(p, TOKEN_NOT)) {
        if (p->version < VERSION_1_2)
            return parser_error(p, &p->token, "negated conditions need version 1.2");
        parser_advance(p);
        c->negated = true;
        return true;
    }
    if (!parser_accept(p, TOKEN_NAME))
        return true;
    if (bytes_is(name.source, "true") || bytes_is(name.source, "false"))
        return parser_error(p, &name, "a literal cannot be an identifier");
    for (size_t i = 0; i < p->condition_count; i++)
        if (bytes_equal(p->conditions[i].name, name.source))
            return parser_error(p, &name, "an earlier condition of this rule binds the same identifier");
    c->name = name.source;
    return parser_expect(p, TOKEN_COLON);
}

static const struct bytes *type_wanted(const struct condition *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct comparison *k = &c->comparisons[i];

        if (k->property == PROPERTY_TYPE && k->operator== OPERATOR_EQ && k->with.kind == EXPRESSION_LITERAL &&
                                            k->with.literal.v.kind == CLAIM_STRING)
            return &k->with.literal.v.text;
    }
    return NULL;
}

static bool condition(struct parser *p)
{
    const uint8_t *from = p->token.source.p;
    struct condition c = {0};

    if (p->condition_count == LIMIT_POLICY_CONDITIONS)
        return parser_error(p, &p->token, "the rule has more than %d conditions", LIMIT_POLICY_CONDITIONS);
    parser_enter(p, "condition");
    if (!condition_head(p, &c) || !parser_expect(p, TOKEN_SQUARE_OPEN))
        return false;
    do {
        p->comparisons = ARENA_ROOM(p->arena, p->comparisons, c.count, &p->comparison_cap);
        if (!comparison(p, &p->comparisons[c.count++]))
            return false;
    } while (parser_accept(p, TOKEN_COMMA));
    if (!parser_accept(p, TOKEN_SQUARE_CLOSE))
        return parser_mismatch(p, "{',', ']'}");
    c.comparisons = (const void *)arena_copy(p->arena, bytes_make(p->comparisons, c.count * sizeof *p->comparisons)).p;
    c.type = type_wanted(&c);
    c.source = bytes_make(from, (size_t)(p->taken - from));
    if (c.count > p->widest)
        p->widest = c.count;
    p->conditions[p->condition_count++] = c;
    parser_leave(p);
    return true;
}

static bool conditions(struct parser *p, struct rule *rule)
{
    p->condition_count = 0;
    if (!parser_at(p, TOKEN_ARROW)) {
        do {
            if (!condition(p))
                return false;
        } while (parser_accept(p, TOKEN_AND));
        if (!parser_at(p, TOKEN_ARROW))
            return parser_mismatch(p, "{'&&', '=>'}");
    }
    rule->count = p->condition_count;
    rule->conditions =
        (const void *)arena_copy(p->arena, bytes_make(p->conditions, rule->count * sizeof *p->conditions)).p;
    return true;
}

static bool copy_argument(struct parser *p, struct action *a)
{
    struct token name;

    parser_advance(p);
    a->copy = true;
    if (!parser_expect(p, TOKEN_EQUAL))
        return false;
    name = p->token;
    return parser_expect(p, TOKEN_NAME) && parser_binding(p, &name, &a->condition);
}

/* type = …, value = …; assignments to the other two are read and forgotten, because the service sets them. */
static bool assignments(struct parser *p, struct action *a)
{
    bool given[PROPERTY_COUNT] = {false};
    struct expression ignored;
    enum property property;

    do {
        struct token name = p->token;

        if (!parser_property(p, &property))
            return false;
        if (given[property])
            return parser_error(p, &name, "the property is assigned twice");
        given[property] = true;
        if (!parser_expect(p, TOKEN_EQUAL) || !parser_expression(p, property == PROPERTY_TYPE    ? &a->type
                                                                    : property == PROPERTY_VALUE ? &a->value
                                                                                                 : &ignored))
            return false;
    } while (parser_accept(p, TOKEN_COMMA));
    if (parser_at(p, TOKEN_CLOSE) && !(given[PROPERTY_TYPE] && given[PROPERTY_VALUE]))
        return parser_error(p, &p->token, "%s needs a type and a value", policy_action_names[a->kind]);
    return true;
}

static bool action(struct parser *p, enum section_kind section, struct action *a)
{
    int kind = 0;

    while (kind < ACTION_COUNT && !parser_at_name(p, policy_action_names[kind]))
        kind++;
    if (kind == ACTION_COUNT)
        return parser_mismatch(p, allowed[section].list);
    if (!(allowed[section].actions & 1u << kind))
        return parser_error(p, &p->token, "%s is not allowed in %s, only %s", policy_action_names[kind],
                            policy_section_names[section], allowed[section].list);
    a->kind = (enum action_kind)kind;
    parser_advance(p);
    if (!parser_expect(p, TOKEN_OPEN))
        return false;
    if (a->kind != ACTION_PERMIT && a->kind != ACTION_DENY &&
        !(parser_at_name(p, "claim") ? copy_argument(p, a) : assignments(p, a)))
        return false;
    return parser_expect(p, TOKEN_CLOSE);
}

static bool rule(struct parser *p, enum section_kind section, struct rule *out)
{
    const uint8_t *from = p->token.source.p;

    *out = (struct rule){.line = p->token.line, .column = p->token.column};
    if (p->rules++ == LIMIT_POLICY_RULES)
        return parser_error(p, &p->token, "the policy has more than %d rules", LIMIT_POLICY_RULES);
    parser_enter(p, "rule");
    if (!conditions(p, out) || !parser_expect(p, TOKEN_ARROW))
        return false;
    parser_enter(p, "action");
    if (!action(p, section, &out->action) || !parser_expect(p, TOKEN_SEMICOLON))
        return false;
    parser_leave(p);
    parser_leave(p);
    out->source = bytes_make(from, (size_t)(p->taken - from));
    return true;
}

static bool at_rule(const struct parser *p)
{
    return parser_at(p, TOKEN_ARROW) || parser_at(p, TOKEN_SQUARE_OPEN) || parser_at(p, TOKEN_NAME) ||
           parser_at(p, TOKEN_NOT);
}

static bool section(struct parser *p, enum section_kind kind, struct section *out)
{
    struct rule *rules = NULL;
    size_t cap = 0;

    parser_enter(p, section_paths[kind]);
    parser_advance(p);
    if (!parser_expect(p, TOKEN_BRACE_OPEN))
        return false;
    while (at_rule(p)) {
        rules = ARENA_ROOM(p->arena, rules, out->count, &cap);
        if (!rule(p, kind, &rules[out->count++]))
            return false;
    }
    out->rules = rules;
    if (!parser_accept(p, TOKEN_BRACE_CLOSE))
        return parser_mismatch(p, "{'=>', '[', '!', an identifier, '}'}");
    if (!parser_expect(p, TOKEN_SEMICOLON))
        return false;
    parser_leave(p);
    return true;
}

static bool version(struct parser *p)
{
    struct token number;

    parser_enter(p, "versionInfo");
    if (!parser_at(p, TOKEN_NAME) || !bytes_is_nocase(p->token.source, "version"))
        return parser_mismatch(p, "'version'");
    parser_advance(p);
    if (!parser_expect(p, TOKEN_EQUAL))
        return false;
    number = p->token;
    if (!parser_expect(p, TOKEN_VERSION))
        return false;
    for (size_t i = 0; i < sizeof version_names / sizeof *version_names; i++)
        if (bytes_is(number.source, version_names[i])) {
            p->version = (enum policy_version)i;
            if (!parser_expect(p, TOKEN_SEMICOLON))
                return false;
            parser_leave(p);
            return true;
        }
    return parser_error(p, &number, "there is no such version: 1.0, 1.1 and 1.2 are known");
}

/* The section whose name is before us, SECTION_COUNT when none is. */
static int section_here(const struct parser *p)
{
    int kind = 0;

    while (kind < SECTION_COUNT &&
           !(parser_at(p, TOKEN_NAME) && bytes_is_nocase(p->token.source, policy_section_names[kind])))
        kind++;
    return kind;
}

static bool sections(struct parser *p, struct policy *policy)
{
    bool seen[SECTION_COUNT] = {false};
    int kind, last = -1;

    while ((kind = section_here(p)) != SECTION_COUNT) {
        if (seen[kind])
            return parser_error(p, &p->token, "%s stands twice", policy_section_names[kind]);
        if (kind < last)
            return parser_error(p, &p->token, "%s must stand before %s", policy_section_names[kind],
                                policy_section_names[last]);
        if (kind == SECTION_CONFIGURATION && p->version < VERSION_1_1)
            return parser_error(p, &p->token, "configurationrules need version 1.1");
        if (kind == SECTION_ISSUANCE && !seen[SECTION_AUTHORIZATION])
            return parser_mismatch(p, "'authorizationrules'");
        seen[kind] = true;
        last = kind;
        if (!section(p, (enum section_kind)kind, &policy->sections[kind]))
            return false;
    }
    if (!seen[SECTION_AUTHORIZATION])
        return parser_mismatch(p, p->version < VERSION_1_1 || last >= 0
                                      ? "'authorizationrules'"
                                      : "{'configurationrules', 'authorizationrules'}");
    if (!parser_at(p, TOKEN_END))
        return parser_mismatch(p, seen[SECTION_ISSUANCE] ? "<EOF>" : "{'issuancerules', <EOF>}");
    return true;
}

bool policy_parse(struct arena *a, struct bytes text, const struct policy **out, struct policy_error *error)
{
    struct policy *policy = ARENA_NEW(a, struct policy);
    struct parser *p = ARENA_NEW(a, struct parser);

    *out = NULL;
    *error = (struct policy_error){0};
    *p = (struct parser){.arena = a, .lexer = lexer_open(a, text), .error = error};
    parser_enter(p, "policy");
    if (!parser_check_text(p, text))
        return false;
    parser_advance(p);
    if (!version(p) || !sections(p, policy))
        return false;
    policy->text = text;
    policy->version = p->version;
    policy->widest = p->widest;
    *out = policy;
    return true;
}
