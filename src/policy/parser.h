/* The state of a parse and what its parts share: tokens, errors with their place, expressions. For parser.c,
 * expression.c and parse_error.c alone. */
#ifndef ASSAY_POLICY_PARSER_H
#define ASSAY_POLICY_PARSER_H

#include "base/limits.h"
#include "policy/lexer.h"
#include "policy/program.h"

enum { PATH_MAX_PARTS = 6 };

struct parser {
    struct arena *arena;
    struct lexer lexer;
    struct token token; /* the next one, not yet taken */
    size_t tokens;
    const uint8_t *taken; /* end of the last token taken */
    enum policy_version version;
    const char *path[PATH_MAX_PARTS]; /* of grammar rules, for messages: policy > versionInfo */
    size_t path_length;
    size_t rules;                                         /* in all sections so far */
    struct condition conditions[LIMIT_POLICY_CONDITIONS]; /* of the rule being read: complete ones */
    size_t condition_count;
    struct comparison *comparisons; /* of the condition being read */
    size_t comparison_cap, widest;
    struct policy_error *error;
    bool failed;
};

/* Take the token before us. */
void parser_advance(struct parser *p);
bool parser_at(const struct parser *p, enum token_kind kind);
bool parser_at_name(const struct parser *p, const char *name);
/* Take the token when it is of that kind. */
bool parser_accept(struct parser *p, enum token_kind kind);
/* The same, or fail with "mismatched input". */
bool parser_expect(struct parser *p, enum token_kind kind);
void parser_enter(struct parser *p, const char *grammar_rule);
void parser_leave(struct parser *p);

/* Record an error at a token, unless there is one; always false. The format gets no text from outside but symbols. */
bool parser_error(struct parser *p, const struct token *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The token before us is not what may stand here. */
bool parser_mismatch(struct parser *p, const char *expecting);
/* The text is too long or not UTF-8: error at its place. */
bool parser_check_text(struct parser *p, struct bytes text);

/* type, value, valueType, issuer; takes the token. */
bool parser_property(struct parser *p, enum property *out);
/* Which condition of this rule, before the place we are at, binds a name; takes the token. */
bool parser_binding(struct parser *p, const struct token *name, unsigned *condition);
bool parser_expression(struct parser *p, struct expression *out);

#endif
