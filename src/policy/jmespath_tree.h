/* The compiled form of a JMESPath query, shared by its parser, evaluator and functions; for no one else. */
#ifndef ASSAY_POLICY_JMESPATH_TREE_H
#define ASSAY_POLICY_JMESPATH_TREE_H

#include "policy/jmespath.h"

enum node_kind {
    NODE_CURRENT,
    NODE_FIELD,
    NODE_INDEX,
    NODE_SLICE,
    NODE_LITERAL,
    NODE_SUB,            /* right of what left gives: a.b, a | b, a[0] */
    NODE_PROJECT_LIST,   /* left[*].right */
    NODE_PROJECT_VALUES, /* left.*.right */
    NODE_PROJECT_FILTER, /* left[?condition].right */
    NODE_FLATTEN,        /* left[] */
    NODE_LIST,           /* [children] */
    NODE_HASH,           /* {name: child} */
    NODE_FUNCTION,
    NODE_REFERENCE, /* &left */
    NODE_AND,
    NODE_OR,
    NODE_NOT,
    NODE_COMPARE,
};

enum comparison { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE };

struct node {
    enum node_kind kind;
    unsigned depth; /* of the tree from here: bounds the recursion of a search */
    struct node *left, *right, *condition;
    struct node *first, *next; /* children of LIST, HASH, FUNCTION; siblings */
    struct bytes name;         /* FIELD, FUNCTION; of a HASH child */
    const struct json *literal;
    enum comparison comparison;
    const struct jmespath_function *function;
    int64_t index; /* INDEX */
    struct {
        bool given[3];
        int64_t v[3]; /* start, stop, step */
    } slice;
};

struct jmespath {
    const struct node *root;
};

struct search {
    struct arena *arena;
    size_t *budget;
    struct fault *fault;
};

/* An argument of a function: a value, or a reference to an expression. */
struct argument {
    const struct json *value;
    const struct node *reference;
};

enum { BYTES_A_STEP = 64, ESCAPE_MOST = 6 }; /* of text read or made; \u001f is the longest form of one byte */
enum { ARGUMENTS_MAX = 64, NAME_ANY_NUMBER = -1 };

struct jmespath_function {
    const char *name;
    int least, most; /* arguments; most NAME_ANY_NUMBER: up to ARGUMENTS_MAX */
    bool (*call)(struct search *, const struct argument *, size_t count, const struct json **out);
};

const struct jmespath_function *jmespath_function_find(struct bytes name);

/* Used by functions. */
bool search_node(struct search *s, const struct node *n, const struct json *current, const struct json **out);
bool search_spend(struct search *s, size_t steps); /* false, with a fault, when the budget is used up */
bool search_equal(struct search *s, const struct json *a, const struct json *b, bool *equal);
bool search_number(struct search *s, const struct json *v, double *out); /* false with a fault: not a usable number */
int search_order(const struct json *a, const struct json *b); /* of two usable numbers: below, at or above 0 */
bool json_is_number(const struct json *v);
const struct json *json_null(void);

#endif
