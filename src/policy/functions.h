/* The functions of version 1.2 (policy.md 6), over sets of values. For the parser and the evaluator alone. */
#ifndef ASSAY_POLICY_FUNCTIONS_H
#define ASSAY_POLICY_FUNCTIONS_H

#include "policy/evaluator.h"

enum { FUNCTION_ARGUMENTS_MAX = 2 };

struct policy_function {
    const char *name;
    size_t arguments;
    /* Gives a set, or fails with a reason in the evaluation. NULL: known to the language, not to this build. */
    bool (*call)(struct evaluation *, const struct value_set *arguments, struct value_set *out);
};

const struct policy_function *policy_function_find(struct bytes name);

#endif
