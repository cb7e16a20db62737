/* What is valid in a policy and yet hardly meant: rules that cannot fire, names that no evidence has, permits that nothing
 * reaches. A warning is certain for every attestation type asked about; what depends on values at run time is passed over. */
#ifndef ASSAY_POLICY_LINT_H
#define ASSAY_POLICY_LINT_H

#include "policy/policy.h"

struct policy_warning {
    const char *id;        /* stable: "unknown-claim" */
    unsigned line, column; /* from 1; from 0, in characters */
    struct bytes message;  /* valid UTF-8; may hold names of the text */
};

struct policy_warnings {
    struct policy_warning *v; /* ascending by place */
    size_t n, cap;
    size_t more; /* found past LIMIT_POLICY_WARNINGS, and not kept */
};

/* types is a set of policy/vocabulary.h: TYPE_ALL when it is not known what the policy is for. */
void policy_lint(struct arena *a, const struct policy *policy, unsigned types, struct policy_warnings *out);

#endif
