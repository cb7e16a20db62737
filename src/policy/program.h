/* What a policy text is compiled to: an immutable program whose rules know where they stand in the text. Shared by the
 * parser, the evaluator and the functions; for no one else. */
#ifndef ASSAY_POLICY_PROGRAM_H
#define ASSAY_POLICY_PROGRAM_H

#include "policy/policy.h"

enum policy_version { VERSION_1_0, VERSION_1_1, VERSION_1_2 };
enum section_kind { SECTION_CONFIGURATION, SECTION_AUTHORIZATION, SECTION_ISSUANCE, SECTION_COUNT };
enum property { PROPERTY_TYPE, PROPERTY_VALUE, PROPERTY_VALUE_TYPE, PROPERTY_ISSUER, PROPERTY_COUNT };
enum policy_operator { OPERATOR_EQ, OPERATOR_NE, OPERATOR_LT, OPERATOR_LE, OPERATOR_GT, OPERATOR_GE };
enum action_kind { ACTION_PERMIT, ACTION_DENY, ACTION_ADD, ACTION_ISSUE, ACTION_ISSUE_PROPERTY, ACTION_COUNT };

/* Flags are those of a claim that its values carry along: CLAIM_READ_ONLY. */
struct value {
    struct claim_value v;
    unsigned flags;
};

/* As they are written in a policy. */
extern const char *const policy_section_names[SECTION_COUNT];
extern const char *const policy_property_names[PROPERTY_COUNT];
extern const char *const policy_action_names[ACTION_COUNT];

struct policy_function;

struct expression {
    enum { EXPRESSION_LITERAL, EXPRESSION_REFERENCE, EXPRESSION_CALL } kind;
    union {
        struct value literal;
        struct {
            unsigned condition; /* of the same rule, which bound the name */
            enum property property;
        } reference;
        struct {
            const struct policy_function *function;
            const struct expression *arguments;
        } call;
    };
};

struct comparison {
    enum property property;
    enum policy_operator operator;
    struct expression with;
};

struct condition {
    bool negated;
    struct bytes name; /* that it binds; empty: none */
    const struct comparison *comparisons;
    size_t count;
    struct bytes source;      /* from its first character to its bracket */
    const struct bytes *type; /* of its first `type == "…"`: a claim of another type needs no further look. Or NULL */
};

struct action {
    enum action_kind kind;
    bool copy;          /* (claim = name) */
    unsigned condition; /* copy: which bound the name */
    struct expression type, value;
};

struct rule {
    const struct condition *conditions;
    size_t count;
    struct action action;
    struct bytes source; /* from its first character to its semicolon */
    unsigned line, column;
};

struct section {
    const struct rule *rules;
    size_t count;
};

struct policy {
    struct bytes text;
    enum policy_version version;
    struct section sections[SECTION_COUNT];
    size_t widest; /* most comparisons in one condition */
};

#endif
