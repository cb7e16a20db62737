/* Test cases for policies as a file has them (assay-policy(1)): read whole before the first one runs. */
#ifndef ASSAY_CLI_POLICY_CASES_H
#define ASSAY_CLI_POLICY_CASES_H

#include "base/check.h"
#include "base/fault.h"
#include "policy/policy.h"

enum expected {
    EXPECT_DECISION, /* name is "permit", "deny" or "error"; value: the line of the rule that denies, or NULL */
    EXPECT_FAILED,   /* the check that refuses */
    EXPECT_ISSUES,
    EXPECT_NOTHING_ELSE,
    EXPECT_NOT_ISSUES,
    EXPECT_PROPERTY,
    EXPECT_MESSAGE
};

struct expectation {
    enum expected what;
    unsigned line;
    struct bytes name; /* of a claim or property; what a message contains */
    const struct json *value;
    enum check_id check;
    struct bytes text; /* the line, for reports */
};

struct policy_case {
    struct bytes name;
    unsigned line;
    const struct policy *policy;
    struct claims claims;
    /* Evidence in place of claims: the words "evidence" FILE OPTION… or "simulate" KIND OPTION…, and NULL; none: 0. */
    int argc;
    char **argv;
    unsigned evidence_line;
    struct expectation *expectations;
    size_t n, cap;
    bool decides; /* says permit, deny, error or which check fails */
};

struct policy_cases {
    struct policy_case *v;
    size_t n, cap;
    unsigned line;          /* of the fault */
    struct bytes refused;   /* the fault is in this policy, … */
    struct policy_error at; /* … here */
};

/* Where files that are named come from. False with a fault when one cannot be read. */
struct policy_cases_source {
    void *context;
    bool (*read)(void *context, struct bytes name, struct bytes *text, struct fault *fault);
};

/* FAULT_SYNTAX for what has not the form, FAULT_LIMIT for too many cases, or the fault of the source; out->line is where. Views
 * point into text, the rest is the arena's. Words of evidence are not judged here, except that they can be words. */
bool policy_cases_read(struct arena *a, struct bytes text, const struct policy_cases_source *source,
                       struct policy_cases *out, struct fault *fault);

#endif
