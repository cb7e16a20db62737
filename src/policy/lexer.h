/* Policy text to tokens (policy.md 1). The text must be valid UTF-8; policy_parse sees to that first. For the parser
 * and what works on accepted texts. */
#ifndef ASSAY_POLICY_LEXER_H
#define ASSAY_POLICY_LEXER_H

#include "base/arena.h"

enum token_kind {
    TOKEN_END,
    TOKEN_BAD, /* no token of the language; `problem` says why */
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_INTEGER,
    TOKEN_VERSION,
    TOKEN_EQUAL, /* = */
    TOKEN_EQ,    /* ==; the comparisons stand together, in the order of enum policy_operator */
    TOKEN_NE,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_ARROW, /* => */
    TOKEN_AND,   /* && */
    TOKEN_NOT,
    TOKEN_COLON,
    TOKEN_SEMICOLON,
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_SQUARE_OPEN,
    TOKEN_SQUARE_CLOSE,
    TOKEN_BRACE_OPEN,
    TOKEN_BRACE_CLOSE,
    TOKEN_COMMENT, /* from // on, without its line end; only where they are asked for */
    TOKEN_KINDS
};

struct token {
    enum token_kind kind;
    struct bytes source; /* as it stands in the text */
    struct bytes text;   /* STRING: what it means, escapes undone */
    int64_t integer;
    const char *problem;
    unsigned line, column; /* from 1; from 0, in characters */
};

struct lexer {
    struct arena *arena; /* for strings with escapes; others are views of the text */
    const uint8_t *p, *end;
    unsigned line, column;
    bool comments; /* give comments as tokens; else they are blanks */
};

struct lexer lexer_open(struct arena *a, struct bytes text);
/* After the last token: TOKEN_END, again and again. A BAD token takes at least one character. */
struct token lexer_next(struct lexer *x);
/* Move over n bytes, which must be there, counting lines and columns. */
void lexer_skip(struct lexer *x, size_t n);
/* How messages name a kind: "';'". */
const char *token_kind_name(enum token_kind kind);

#endif
