/* The state of one section's run, and the sets of values that its expressions give. For the evaluator and the
 * functions. */
#ifndef ASSAY_POLICY_EVALUATOR_H
#define ASSAY_POLICY_EVALUATOR_H

#include "base/limits.h"
#include "policy/program.h"
#include "policy/type_index.h"

/* Claims of the incoming set, by index: the set may move while a rule adds to it. */
struct binding {
    size_t from, count; /* in evaluation.bound */
};

struct evaluation {
    struct policy_run *run;
    struct claims *incoming;
    enum section_kind section;
    struct type_index *index; /* of incoming; NULL in a section so short that looking through is cheaper */
    const struct rule *rule;
    size_t at;                        /* the rule's condition that is looked at; their number: its action */
    struct policy_trace_entry *entry; /* of the rule, where a trace is kept; else NULL */
    struct binding bindings[LIMIT_POLICY_CONDITIONS];
    uint32_t *bound;
    size_t bound_count, bound_cap;
    struct value_set *operands; /* what the calls in one condition gave: each is evaluated once */
    bool *known;
    struct {
        struct bytes text;
        const struct json *json;
    } read; /* what a function read last */
};

/* An ordered multiset. Either values, or one property of the claims that a condition bound. */
struct value_set {
    const struct value *values; /* NULL: of bound claims */
    size_t count;
    size_t from;
    enum property property;
};

struct value property_of(const struct claim *c, enum property property);
/* Ordering is for two integers, else false (policy.md 4, 1). */
bool values_ordered(enum policy_operator operation, const struct claim_value *a, const struct claim_value *b);
/* What a literal or a reference stands for; a call is for the evaluator. */
struct value_set operand_of(const struct evaluation *e, const struct expression *x);
/* Whether a policy sees the claim. */
bool claim_visible(const struct claim *c);
struct value value_at(const struct evaluation *e, const struct value_set *set, size_t i);
/* Equal when of one kind and the same; costs steps. */
bool values_equal(struct evaluation *e, const struct claim_value *a, const struct claim_value *b, bool *equal);
/* Each step is one look at a property or a value, or the handling of LIMIT_POLICY_STEP_BYTES bytes. False, with a
 * reason in the run, when the budget is used up. */
bool evaluation_spend(struct evaluation *e, size_t steps);
size_t steps_for(size_t bytes);
/* The run ends with an error: why, with the rule's own text behind it. Always false. */
bool evaluation_fail(struct evaluation *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
