/* Lexer and parser of JMESPath: precedence climbing over the binding powers of the specification's grammar. */
#include "policy/jmespath_tree.h"

#include <math.h>

#include "base/limits.h"
#include "base/text.h"

enum token_kind {
    T_END,
    T_NAME,
    T_QUOTED,
    T_LITERAL, /* of backticks or apostrophes: already a value */
    T_NUMBER,
    T_DOT,
    T_STAR,
    T_COMMA,
    T_COLON,
    T_CURRENT,
    T_REFERENCE,
    T_OPEN,
    T_CLOSE,
    T_BRACKET,
    T_BRACKET_CLOSE,
    T_FILTER,
    T_FLATTEN,
    T_BRACE,
    T_BRACE_CLOSE,
    T_PIPE,
    T_OR,
    T_AND,
    T_NOT,
    T_COMPARE,
};

/* How tightly a token binds what stands left of it. Below PROJECTION_STOP a projection ends. */
enum {
    PROJECTION_STOP = 10,
    BIND_PIPE = 1,
    BIND_OR = 2,
    BIND_AND = 3,
    BIND_COMPARE = 5,
    BIND_FLATTEN = 9,
    BIND_STAR = 20,
    BIND_FILTER = 21,
    BIND_DOT = 40,
    BIND_NOT = 45,
    BIND_BRACE = 50,
    BIND_BRACKET = 55,
    BIND_CALL = 60
};

static unsigned binding(enum token_kind kind)
{
    switch (kind) {
    case T_PIPE: return BIND_PIPE;
    case T_OR: return BIND_OR;
    case T_AND: return BIND_AND;
    case T_COMPARE: return BIND_COMPARE;
    case T_FLATTEN: return BIND_FLATTEN;
    case T_STAR: return BIND_STAR;
    case T_FILTER: return BIND_FILTER;
    case T_DOT: return BIND_DOT;
    case T_NOT: return BIND_NOT;
    case T_BRACE: return BIND_BRACE;
    case T_BRACKET: return BIND_BRACKET;
    case T_OPEN: return BIND_CALL;
    default: return 0;
    }
}

struct token {
    enum token_kind kind;
    size_t at;
    struct bytes text; /* NAME, QUOTED: decoded */
    int64_t number;
    enum comparison comparison;
    const struct json *literal;
};

struct query_parser {
    struct arena *arena;
    struct fault *fault;
    struct bytes text;
    size_t pos;
    struct token token; /* the next one, not yet taken */
    unsigned nesting;
    bool failed;
};

static bool syntax(struct query_parser *q, const char *what)
{
    q->failed = true;
    return fault_set(q->fault, FAULT_SYNTAX, "JMESPath, byte %zu: %s", q->token.at, what);
}

static bool is_letter(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool here(const struct query_parser *q, char c)
{
    return q->pos < q->text.n && q->text.p[q->pos] == (uint8_t)c;
}

static bool lex_number(struct query_parser *q)
{
    bool negative = here(q, '-');
    int64_t v = 0; /* counts below zero, where there is one value more */

    q->pos += negative;
    if (q->pos == q->text.n || !is_digit(q->text.p[q->pos]))
        return syntax(q, "'-' needs digits");
    for (; q->pos < q->text.n && is_digit(q->text.p[q->pos]); q->pos++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, q->text.p[q->pos] - '0', &v))
            return syntax(q, "a number outside 64 bits");
    if (!negative && v == INT64_MIN)
        return syntax(q, "a number outside 64 bits");
    q->token.kind = T_NUMBER;
    q->token.number = negative ? v : -v;
    return true;
}

/* Up to the closing delimiter; the opening one is taken. A backslash keeps the byte behind it. */
static bool delimited(struct query_parser *q, char delimiter, struct bytes *inside)
{
    size_t from = q->pos;

    while (q->pos < q->text.n && !here(q, delimiter))
        q->pos += here(q, '\\') ? 2 : 1;
    if (q->pos >= q->text.n)
        return syntax(q, "the closing delimiter is missing");
    *inside = bytes_make(q->text.p + from, q->pos - from);
    q->pos++;
    return true;
}

/* Backslash and delimiter become the delimiter; with `also`, two backslashes become one. */
static struct bytes unescape(struct query_parser *q, struct bytes b, uint8_t delimiter)
{
    struct writer w = wr_open(q->arena);

    for (size_t i = 0; i < b.n; i++) {
        if (b.p[i] == '\\' && i + 1 < b.n && b.p[i + 1] == delimiter)
            i++;
        wr_u8(&w, b.p[i]);
    }
    return wr_done(&w);
}

static bool lex_quoted(struct query_parser *q)
{
    size_t from = q->pos++;
    struct bytes inside = BYTES_NONE;
    const struct json *v;

    if (!delimited(q, '"', &inside))
        return false;
    if (!json_parse(q->arena, bytes_make(q->text.p + from, q->pos - from), NULL, &v, NULL))
        return syntax(q, "not a JSON string");
    q->token.kind = T_QUOTED;
    q->token.text = v->text;
    return true;
}

static bool lex_raw(struct query_parser *q)
{
    struct bytes inside = BYTES_NONE;

    q->pos++;
    if (!delimited(q, '\'', &inside))
        return false;
    q->token.kind = T_LITERAL;
    q->token.literal = json_new_text(q->arena, unescape(q, inside, '\''));
    return true;
}

static bool lex_literal(struct query_parser *q)
{
    struct bytes inside = BYTES_NONE;

    q->pos++;
    if (!delimited(q, '`', &inside))
        return false;
    q->token.kind = T_LITERAL;
    return json_parse(q->arena, unescape(q, inside, '`'), &(struct json_rules){.depth = LIMIT_JMESPATH_NESTING},
                      &q->token.literal, NULL) ||
           syntax(q, "the text between backticks is not JSON");
}

static bool lex_operator(struct query_parser *q)
{
    static const struct {
        const char text[3];
        uint8_t kind, comparison;
    } operators[] = {
        {"[?", T_FILTER, 0},
        {"[]", T_FLATTEN, 0},
        {"||", T_OR, 0},
        {"&&", T_AND, 0},
        {"==", T_COMPARE, COMPARE_EQ},
        {"!=", T_COMPARE, COMPARE_NE},
        {"<=", T_COMPARE, COMPARE_LE},
        {">=", T_COMPARE, COMPARE_GE},
        {"<", T_COMPARE, COMPARE_LT},
        {">", T_COMPARE, COMPARE_GT},
        {".", T_DOT, 0},
        {"*", T_STAR, 0},
        {",", T_COMMA, 0},
        {":", T_COLON, 0},
        {"@", T_CURRENT, 0},
        {"&", T_REFERENCE, 0},
        {"(", T_OPEN, 0},
        {")", T_CLOSE, 0},
        {"[", T_BRACKET, 0},
        {"]", T_BRACKET_CLOSE, 0},
        {"{", T_BRACE, 0},
        {"}", T_BRACE_CLOSE, 0},
        {"|", T_PIPE, 0},
        {"!", T_NOT, 0},
    };

    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (bytes_begin(bytes_after(q->text, q->pos), operators[i].text)) {
            q->token.kind = (enum token_kind)operators[i].kind;
            q->token.comparison = (enum comparison)operators[i].comparison;
            q->pos += strlen(operators[i].text);
            return true;
        }
    return syntax(q, "a character that begins nothing");
}

/* Read the next token into q->token. */
static bool advance(struct query_parser *q)
{
    while (here(q, ' ') || here(q, '\t') || here(q, '\r') || here(q, '\n'))
        q->pos++;
    q->token = (struct token){.kind = T_END, .at = q->pos};
    if (q->pos == q->text.n)
        return true;
    uint8_t c = q->text.p[q->pos];
    if (is_letter(c)) {
        size_t from = q->pos;

        while (q->pos < q->text.n && (is_letter(q->text.p[q->pos]) || is_digit(q->text.p[q->pos])))
            q->pos++;
        q->token.kind = T_NAME;
        q->token.text = bytes_make(q->text.p + from, q->pos - from);
        return true;
    }
    if (c == '-' || is_digit(c))
        return lex_number(q);
    if (c == '"')
        return lex_quoted(q);
    if (c == '\'')
        return lex_raw(q);
    if (c == '`')
        return lex_literal(q);
    return lex_operator(q);
}

static bool accept(struct query_parser *q, enum token_kind kind)
{
    return q->token.kind == kind && advance(q);
}

static bool expect(struct query_parser *q, enum token_kind kind, const char *what)
{
    return q->token.kind == kind ? advance(q) : syntax(q, what);
}

static unsigned depth_of(const struct node *n)
{
    return n ? n->depth : 0;
}

static struct node *make(struct query_parser *q, enum node_kind kind, struct node *left, struct node *right)
{
    struct node *n = ARENA_NEW(q->arena, struct node);
    unsigned l = depth_of(left), r = depth_of(right);

    *n = (struct node){.kind = kind, .left = left, .right = right, .depth = 1 + (l > r ? l : r)};
    if (n->depth > LIMIT_JMESPATH_DEPTH) {
        q->failed = true;
        fault_set(q->fault, FAULT_LIMIT, "JMESPath: more than %d steps in a row", LIMIT_JMESPATH_DEPTH);
    }
    return n;
}

static void add_child(struct node *parent, struct node *child, struct node ***link)
{
    if (child && child->depth >= parent->depth)
        parent->depth = child->depth + 1;
    **link = child;
    if (child)
        *link = &child->next;
}

/* NULL after a fault; every function below that gives a node does the same. */
static struct node *expression(struct query_parser *q, unsigned power);

static struct node *multi_list(struct query_parser *q) /* the bracket is taken */
{
    struct node *list = make(q, NODE_LIST, NULL, NULL), **link = &list->first;

    do {
        struct node *child = expression(q, 0);

        if (!child)
            return NULL;
        add_child(list, child, &link);
    } while (accept(q, T_COMMA));
    return expect(q, T_BRACKET_CLOSE, "']' was expected") ? list : NULL;
}

static struct node *multi_hash(struct query_parser *q) /* the brace is taken */
{
    struct node *hash = make(q, NODE_HASH, NULL, NULL), **link = &hash->first;

    do {
        struct bytes name = q->token.text;

        if (q->token.kind != T_NAME && q->token.kind != T_QUOTED)
            return syntax(q, "a member name was expected"), NULL;
        if (!advance(q) || !expect(q, T_COLON, "':' was expected"))
            return NULL;
        struct node *child = expression(q, 0);
        if (!child)
            return NULL;
        struct node *member = make(q, NODE_SUB, make(q, NODE_CURRENT, NULL, NULL), child);
        member->name = name;
        add_child(hash, member, &link);
    } while (accept(q, T_COMMA));
    return expect(q, T_BRACE_CLOSE, "'}' was expected") ? hash : NULL;
}

static struct node *function_call(struct query_parser *q, struct token name) /* "(" is next */
{
    struct node *call = make(q, NODE_FUNCTION, NULL, NULL), **link = &call->first;
    int count = 0;

    call->name = name.text;
    call->function = jmespath_function_find(name.text);
    if (!call->function) {
        q->failed = true;
        fault_set(q->fault, FAULT_SYNTAX, "JMESPath, byte %zu: there is no function of this name", name.at);
        return NULL;
    }
    if (!advance(q))
        return NULL;
    if (q->token.kind != T_CLOSE)
        do {
            struct node *argument = expression(q, 0);

            if (!argument || ++count > ARGUMENTS_MAX)
                return q->failed ? NULL : (syntax(q, "too many arguments"), NULL);
            add_child(call, argument, &link);
        } while (accept(q, T_COMMA));
    if (!expect(q, T_CLOSE, "')' was expected"))
        return NULL;
    if (count < call->function->least || (call->function->most != NAME_ANY_NUMBER && count > call->function->most))
        return syntax(q, "wrong number of arguments"), NULL;
    return call;
}

static struct node *dot_right(struct query_parser *q, unsigned power) /* the dot is taken */
{
    switch (q->token.kind) {
    case T_NAME:
    case T_QUOTED:
    case T_STAR: return expression(q, power);
    case T_BRACKET: return advance(q) ? multi_list(q) : NULL;
    case T_BRACE: return advance(q) ? multi_hash(q) : NULL;
    default: return syntax(q, "a name, '*', '[' or '{' was expected"), NULL;
    }
}

static struct node *projection_right(struct query_parser *q, unsigned power)
{
    if (q->failed)
        return NULL;
    if (binding(q->token.kind) < PROJECTION_STOP)
        return make(q, NODE_CURRENT, NULL, NULL);
    if (q->token.kind == T_BRACKET || q->token.kind == T_FILTER)
        return expression(q, power);
    if (accept(q, T_DOT))
        return dot_right(q, power);
    return q->failed ? NULL : (syntax(q, "this cannot follow a projection"), NULL);
}

static struct node *project(struct query_parser *q, enum node_kind kind, struct node *left, unsigned power)
{
    struct node *right = left ? projection_right(q, power) : NULL;

    return right ? make(q, kind, left, right) : NULL;
}

/* [n], [a:b:c]; the bracket is taken, a number or a colon is next. */
static struct node *index_or_slice(struct query_parser *q, struct node *left)
{
    struct node *n = make(q, NODE_INDEX, NULL, NULL);
    int part = 0;

    while (q->token.kind == T_NUMBER || q->token.kind == T_COLON) {
        if (q->token.kind == T_COLON) {
            if (++part > 2)
                return syntax(q, "a slice has at most two colons"), NULL;
            n->kind = NODE_SLICE;
        } else {
            if (n->slice.given[part])
                return syntax(q, "']' or ':' was expected"), NULL;
            n->slice.given[part] = true;
            n->slice.v[part] = q->token.number;
        }
        if (!advance(q))
            return NULL;
    }
    if (!expect(q, T_BRACKET_CLOSE, "']' was expected"))
        return NULL;
    n->index = n->slice.v[0];
    struct node *of = make(q, NODE_SUB, left, n);
    return n->kind == NODE_SLICE ? project(q, NODE_PROJECT_LIST, of, BIND_STAR) : of;
}

static struct node *filter(struct query_parser *q, struct node *left) /* "[?" is taken */
{
    struct node *condition = expression(q, 0);

    if (!condition || !expect(q, T_BRACKET_CLOSE, "']' was expected"))
        return NULL;
    struct node *n = q->token.kind == T_FLATTEN ? make(q, NODE_PROJECT_FILTER, left, make(q, NODE_CURRENT, NULL, NULL))
                                                : project(q, NODE_PROJECT_FILTER, left, BIND_FILTER);
    if (n) {
        n->condition = condition;
        if (condition->depth >= n->depth)
            n->depth = condition->depth + 1;
    }
    return n;
}

/* An opening bracket where an expression begins: an index, a projection, or a list of expressions. */
static struct node *bracket_first(struct query_parser *q)
{
    struct node *current = make(q, NODE_CURRENT, NULL, NULL);

    if (q->token.kind == T_NUMBER || q->token.kind == T_COLON)
        return index_or_slice(q, current);
    if (q->token.kind == T_STAR) {
        size_t pos = q->pos;
        struct token star = q->token;

        if (!advance(q))
            return NULL;
        if (accept(q, T_BRACKET_CLOSE))
            return project(q, NODE_PROJECT_LIST, current, BIND_STAR);
        if (q->failed)
            return NULL;
        q->pos = pos; /* "[*.a, b]": a list whose first expression begins with a star */
        q->token = star;
    }
    return multi_list(q);
}

static struct node *prefix(struct query_parser *q)
{
    struct token t = q->token;
    struct node *current = make(q, NODE_CURRENT, NULL, NULL), *n;

    if (!advance(q))
        return NULL;
    switch (t.kind) {
    case T_NAME:
        if (q->token.kind == T_OPEN)
            return function_call(q, t);
        /* fall through */
    case T_QUOTED:
        if (q->token.kind == T_OPEN)
            return syntax(q, "a quoted name cannot be called"), NULL;
        n = make(q, NODE_FIELD, NULL, NULL);
        n->name = t.text;
        return n;
    case T_LITERAL:
        n = make(q, NODE_LITERAL, NULL, NULL);
        n->literal = t.literal;
        return n;
    case T_CURRENT: return current;
    case T_STAR: return project(q, NODE_PROJECT_VALUES, current, BIND_STAR);
    case T_FILTER: return filter(q, current);
    case T_FLATTEN: return project(q, NODE_PROJECT_LIST, make(q, NODE_FLATTEN, current, NULL), BIND_FLATTEN);
    case T_BRACE: return multi_hash(q);
    case T_BRACKET: return bracket_first(q);
    case T_NOT: n = expression(q, BIND_NOT); return n ? make(q, NODE_NOT, n, NULL) : NULL;
    case T_REFERENCE: n = expression(q, 0); return n ? make(q, NODE_REFERENCE, n, NULL) : NULL;
    case T_OPEN: n = expression(q, 0); return n && expect(q, T_CLOSE, "')' was expected") ? n : NULL;
    default: q->token = t; return syntax(q, "an expression was expected"), NULL;
    }
}

static struct node *binary(struct query_parser *q, enum node_kind kind, struct node *left, unsigned power)
{
    struct node *right = expression(q, power);

    return right ? make(q, kind, left, right) : NULL;
}

static struct node *infix(struct query_parser *q, struct node *left)
{
    struct token t = q->token;
    struct node *n;

    if (!advance(q))
        return NULL;
    switch (t.kind) {
    case T_DOT:
        if (accept(q, T_STAR))
            return project(q, NODE_PROJECT_VALUES, left, BIND_DOT);
        n = q->failed ? NULL : dot_right(q, BIND_DOT);
        return n ? make(q, NODE_SUB, left, n) : NULL;
    case T_PIPE: return binary(q, NODE_SUB, left, BIND_PIPE);
    case T_OR: return binary(q, NODE_OR, left, BIND_OR);
    case T_AND: return binary(q, NODE_AND, left, BIND_AND);
    case T_COMPARE:
        n = binary(q, NODE_COMPARE, left, BIND_COMPARE);
        if (n)
            n->comparison = t.comparison;
        return n;
    case T_FILTER: return filter(q, left);
    case T_FLATTEN: return project(q, NODE_PROJECT_LIST, make(q, NODE_FLATTEN, left, NULL), BIND_FLATTEN);
    case T_BRACKET:
        if (q->token.kind == T_NUMBER || q->token.kind == T_COLON)
            return index_or_slice(q, left);
        if (!expect(q, T_STAR, "a number, ':' or '*' was expected") || !expect(q, T_BRACKET_CLOSE, "']' was expected"))
            return NULL;
        return project(q, NODE_PROJECT_LIST, left, BIND_STAR);
    default: q->token = t; return syntax(q, "an operator was expected"), NULL;
    }
}

static struct node *expression(struct query_parser *q, unsigned power)
{
    struct node *left = NULL;

    if (++q->nesting > LIMIT_JMESPATH_NESTING) {
        q->failed = true;
        fault_set(q->fault, FAULT_LIMIT, "JMESPath: nested deeper than %d", LIMIT_JMESPATH_NESTING);
    } else {
        left = prefix(q);
        while (left && !q->failed && power < binding(q->token.kind))
            left = infix(q, left);
    }
    q->nesting--;
    return q->failed ? NULL : left;
}

bool jmespath_compile(struct arena *a, struct bytes query, const struct jmespath **out, struct fault *fault)
{
    struct query_parser q = {.arena = a, .fault = fault, .text = query};

    *out = NULL;
    if (query.n > LIMIT_JMESPATH_TEXT)
        return fault_set(fault, FAULT_LIMIT, "JMESPath: longer than %d bytes", LIMIT_JMESPATH_TEXT);
    if (!utf8_valid(query))
        return fault_set(fault, FAULT_SYNTAX, "JMESPath: not valid UTF-8");
    struct node *root = advance(&q) ? expression(&q, 0) : NULL;
    if (!root)
        return false;
    if (q.token.kind != T_END)
        return syntax(&q, "something follows the expression");
    struct jmespath *compiled = ARENA_NEW(a, struct jmespath);
    compiled->root = root;
    *out = compiled;
    return true;
}
