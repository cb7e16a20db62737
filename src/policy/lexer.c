#include "policy/lexer.h"

static const char *const names[TOKEN_KINDS] = {
    [TOKEN_END] = "<EOF>",
    [TOKEN_BAD] = "a token",
    [TOKEN_NAME] = "an identifier",
    [TOKEN_STRING] = "a string",
    [TOKEN_INTEGER] = "an integer",
    [TOKEN_VERSION] = "a version number",
    [TOKEN_EQUAL] = "'='",
    [TOKEN_EQ] = "'=='",
    [TOKEN_NE] = "'!='",
    [TOKEN_LT] = "'<'",
    [TOKEN_LE] = "'<='",
    [TOKEN_GT] = "'>'",
    [TOKEN_GE] = "'>='",
    [TOKEN_ARROW] = "'=>'",
    [TOKEN_AND] = "'&&'",
    [TOKEN_NOT] = "'!'",
    [TOKEN_COLON] = "':'",
    [TOKEN_SEMICOLON] = "';'",
    [TOKEN_COMMA] = "','",
    [TOKEN_DOT] = "'.'",
    [TOKEN_OPEN] = "'('",
    [TOKEN_CLOSE] = "')'",
    [TOKEN_SQUARE_OPEN] = "'['",
    [TOKEN_SQUARE_CLOSE] = "']'",
    [TOKEN_BRACE_OPEN] = "'{'",
    [TOKEN_BRACE_CLOSE] = "'}'",
    [TOKEN_COMMENT] = "a comment",
};

/* Longer ones first: "=>" before "=". */
static const struct sign {
    char text[3];
    enum token_kind kind;
} signs[] = {
    {"==", TOKEN_EQ},         {"=>", TOKEN_ARROW},       {"=", TOKEN_EQUAL},      {"!=", TOKEN_NE},
    {"!", TOKEN_NOT},         {"<=", TOKEN_LE},          {"<", TOKEN_LT},         {">=", TOKEN_GE},
    {">", TOKEN_GT},          {"&&", TOKEN_AND},         {":", TOKEN_COLON},      {";", TOKEN_SEMICOLON},
    {",", TOKEN_COMMA},       {".", TOKEN_DOT},          {"(", TOKEN_OPEN},       {")", TOKEN_CLOSE},
    {"[", TOKEN_SQUARE_OPEN}, {"]", TOKEN_SQUARE_CLOSE}, {"{", TOKEN_BRACE_OPEN}, {"}", TOKEN_BRACE_CLOSE},
};

const char *token_kind_name(enum token_kind kind)
{
    return names[kind];
}

struct lexer lexer_open(struct arena *a, struct bytes text)
{
    const uint8_t *p = text.n ? text.p : (const uint8_t *)"";

    return (struct lexer){.arena = a, .p = p, .end = p + text.n, .line = 1};
}

/* The byte at an offset from here, 0 behind the end: a NUL in the text is no part of any token either. */
static uint8_t peek(const struct lexer *x, size_t offset)
{
    return (size_t)(x->end - x->p) > offset ? x->p[offset] : 0;
}

/* LF, CR and CR LF each end one line. */
static bool ends_line(uint8_t c, uint8_t next)
{
    return c == '\n' || (c == '\r' && next != '\n');
}

void lexer_skip(struct lexer *x, size_t n)
{
    for (; n > 0; n--) {
        if (ends_line(*x->p, peek(x, 1))) {
            x->line++;
            x->column = 0;
        } else if ((*x->p & 0xc0) != 0x80) {
            x->column++;
        }
        x->p++;
    }
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool ends_comment(const struct lexer *x, size_t offset)
{
    return x->p + offset == x->end || x->p[offset] == '\n' || x->p[offset] == '\r';
}

static size_t comment(const struct lexer *x, struct token *t)
{
    size_t n = 2;

    while (!ends_comment(x, n))
        n++;
    t->kind = TOKEN_COMMENT;
    return n;
}

/* White space, and comments up to the end of their line. */
static void skip_blank(struct lexer *x)
{
    for (;;) {
        uint8_t c = peek(x, 0);

        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            lexer_skip(x, 1);
        } else if (c == '/' && peek(x, 1) == '/' && !x->comments) {
            while (!ends_comment(x, 0))
                lexer_skip(x, 1);
        } else {
            return;
        }
    }
}

/* \" is ", \\ is \; a backslash before anything else stands for itself (policy.md 1). */
static struct bytes unescape(struct arena *a, struct bytes b)
{
    uint8_t *text = arena_alloc(a, b.n);
    size_t n = 0;

    for (size_t i = 0; i < b.n; i++) {
        if (b.p[i] == '\\' && i + 1 < b.n && (b.p[i + 1] == '"' || b.p[i + 1] == '\\'))
            i++;
        text[n++] = b.p[i];
    }
    return bytes_make(text, n);
}

/* Length of a token that begins with a quote; *problem when it is none. */
static size_t string_length(const struct lexer *x, bool *escaped, const char **problem)
{
    size_t n = 1, left = (size_t)(x->end - x->p);

    for (; n < left && x->p[n] != '\n' && x->p[n] != '\r'; n++) {
        if (x->p[n] == '"')
            return n + 1;
        if (x->p[n] == '\\' && (peek(x, n + 1) == '"' || peek(x, n + 1) == '\\')) {
            *escaped = true;
            n++;
        }
    }
    *problem = "a string must end on the line where it begins";
    return n < left ? n : left;
}

static size_t string(const struct lexer *x, struct token *t)
{
    bool escaped = false;
    size_t n = string_length(x, &escaped, &t->problem);

    t->kind = TOKEN_STRING;
    if (!t->problem) {
        t->text = bytes_make(x->p + 1, n - 2);
        if (escaped)
            t->text = unescape(x->arena, t->text);
    }
    return n;
}

/* An integer of 64 bits with its sign, or a version: digits "." digits. */
static size_t number(const struct lexer *x, struct token *t)
{
    bool negative = peek(x, 0) == '-', fits = true;
    size_t n = negative;

    for (; is_digit(peek(x, n)); n++) {
        int digit = peek(x, n) - '0';

        fits = fits && !__builtin_mul_overflow(t->integer, 10, &t->integer) &&
               !(negative ? __builtin_sub_overflow(t->integer, digit, &t->integer)
                          : __builtin_add_overflow(t->integer, digit, &t->integer));
    }
    t->kind = TOKEN_INTEGER;
    if (!negative && peek(x, n) == '.' && is_digit(peek(x, n + 1))) {
        t->kind = TOKEN_VERSION;
        for (n++; is_digit(peek(x, n)); n++)
            ;
    } else if (!fits) {
        t->problem = "integers have 64 bits";
    }
    return n;
}

static size_t name(const struct lexer *x, struct token *t)
{
    size_t n = 1;

    while (is_letter(peek(x, n)) || is_digit(peek(x, n)))
        n++;
    t->kind = TOKEN_NAME;
    return n;
}

/* One whole character, so that a message can show it. */
static size_t stranger(const struct lexer *x, struct token *t)
{
    size_t n = 1;

    while ((peek(x, n) & 0xc0) == 0x80)
        n++;
    t->problem = *x->p >= 0x80   ? "characters outside ASCII stand only in strings and comments"
                 : *x->p == '\'' ? "strings stand between double quotes"
                                 : "no token begins so";
    return n;
}

static size_t sign_or_stranger(const struct lexer *x, struct token *t)
{
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (peek(x, 0) == (uint8_t)signs[i].text[0] &&
            (signs[i].text[1] == 0 || peek(x, 1) == (uint8_t)signs[i].text[1])) {
            t->kind = signs[i].kind;
            return signs[i].text[1] ? 2 : 1;
        }
    if (x->comments && peek(x, 0) == '/' && peek(x, 1) == '/')
        return comment(x, t);
    return stranger(x, t);
}

struct token lexer_next(struct lexer *x)
{
    skip_blank(x);
    struct token t = {.line = x->line, .column = x->column};
    uint8_t c = peek(x, 0);
    size_t n;

    if (x->p == x->end) {
        t.source = BYTES_LIT("<EOF>");
        return t;
    }
    if (c == '"')
        n = string(x, &t);
    else if (is_digit(c) || (c == '-' && is_digit(peek(x, 1))))
        n = number(x, &t);
    else if (is_letter(c))
        n = name(x, &t);
    else
        n = sign_or_stranger(x, &t);
    if (t.problem)
        t.kind = TOKEN_BAD;
    t.source = bytes_make(x->p, n);
    lexer_skip(x, n);
    return t;
}
