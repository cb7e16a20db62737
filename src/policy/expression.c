/* Expressions of the policy language: literals, properties of bound claims, function calls. */
#include "policy/functions.h"
#include "policy/parser.h"

const char *const policy_property_names[PROPERTY_COUNT] = {
    [PROPERTY_TYPE] = "type",
    [PROPERTY_VALUE] = "value",
    [PROPERTY_VALUE_TYPE] = "valueType",
    [PROPERTY_ISSUER] = "issuer",
};

static bool expression(struct parser *p, size_t depth, struct expression *out);

bool parser_property(struct parser *p, enum property *out)
{
    for (int i = 0; i < PROPERTY_COUNT; i++)
        if (parser_at_name(p, policy_property_names[i]) ||
            (i == PROPERTY_VALUE_TYPE && parser_at_name(p, "valuetype"))) {
            *out = (enum property)i;
            parser_advance(p);
            return true;
        }
    return parser_mismatch(p, "{'type', 'value', 'valueType', 'issuer'}");
}

bool parser_binding(struct parser *p, const struct token *name, unsigned *condition)
{
    for (size_t i = 0; i < p->condition_count; i++)
        if (bytes_equal(p->conditions[i].name, name->source)) {
            *condition = (unsigned)i;
            return true;
        }
    return parser_error(p, name, "no earlier condition of this rule binds the identifier");
}

static struct expression literal(struct claim_value v)
{
    return (struct expression){.kind = EXPRESSION_LITERAL, .literal = {.v = v}};
}

static bool wrong_count(struct parser *p, const struct policy_function *f)
{
    return parser_error(p, &p->token, "%s takes %zu argument%s", f->name, f->arguments, f->arguments == 1 ? "" : "s");
}

static bool call(struct parser *p, const struct token *name, size_t depth, struct expression *out)
{
    const struct policy_function *f = policy_function_find(name->source);
    struct expression arguments[FUNCTION_ARGUMENTS_MAX];

    if (p->version < VERSION_1_2)
        return parser_error(p, name, "functions need version 1.2");
    if (!f)
        return parser_error(p, name, "there is no function of this name");
    if (depth == LIMIT_POLICY_NESTING)
        return parser_error(p, name, "functions are nested deeper than %d", LIMIT_POLICY_NESTING);
    if (!parser_expect(p, TOKEN_OPEN))
        return false;
    for (size_t i = 0; i < f->arguments; i++) {
        if (parser_at(p, TOKEN_CLOSE))
            return wrong_count(p, f);
        if ((i && !parser_expect(p, TOKEN_COMMA)) || !expression(p, depth + 1, &arguments[i]))
            return false;
    }
    if (parser_at(p, TOKEN_COMMA))
        return wrong_count(p, f);
    *out = (struct expression){.kind = EXPRESSION_CALL, .call = {.function = f}};
    out->call.arguments = (const void *)arena_copy(p->arena, bytes_make(arguments, f->arguments * sizeof *arguments)).p;
    return parser_expect(p, TOKEN_CLOSE);
}

/* A name: true, false, a call, or a property of the claims that a condition bound. */
static bool named(struct parser *p, size_t depth, struct expression *out)
{
    struct token name = p->token;

    parser_advance(p);
    if (bytes_is(name.source, "true") || bytes_is(name.source, "false")) {
        *out = literal((struct claim_value){.kind = CLAIM_BOOLEAN, .integer = name.source.n == 4});
        return true;
    }
    if (parser_at(p, TOKEN_OPEN))
        return call(p, &name, depth, out);
    if (!parser_at(p, TOKEN_DOT)) {
        if (!parser_at(p, TOKEN_BAD))
            p->token = name;
        return parser_mismatch(p, "{a string, an integer, 'true', 'false', identifier.property, a function}");
    }
    *out = (struct expression){.kind = EXPRESSION_REFERENCE};
    if (!parser_binding(p, &name, &out->reference.condition))
        return false;
    parser_advance(p);
    return parser_property(p, &out->reference.property);
}

static bool expression(struct parser *p, size_t depth, struct expression *out)
{
    switch (p->token.kind) {
    case TOKEN_STRING: *out = literal((struct claim_value){.kind = CLAIM_STRING, .text = p->token.text}); break;
    case TOKEN_INTEGER: *out = literal((struct claim_value){.kind = CLAIM_INTEGER, .integer = p->token.integer}); break;
    case TOKEN_NAME: return named(p, depth, out);
    default: return parser_mismatch(p, "{a string, an integer, 'true', 'false', identifier.property, a function}");
    }
    parser_advance(p);
    return true;
}

bool parser_expression(struct parser *p, struct expression *out)
{
    parser_enter(p, "expression");
    if (!expression(p, 0, out))
        return false;
    parser_leave(p);
    return true;
}
