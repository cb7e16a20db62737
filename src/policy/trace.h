/* How the evaluator keeps the trace of a run. Every function is called only where evaluation.entry is not NULL
 * (trace_rule: where run.explain is set), spends no steps and cannot fail: a trace must not change what is decided. */
#ifndef ASSAY_POLICY_TRACE_H
#define ASSAY_POLICY_TRACE_H

#include "policy/functions.h"

/* A new entry for e->rule. */
void trace_rule(struct evaluation *e);
/* The claim of that index satisfies the condition at hand. */
void trace_match(struct evaluation *e, size_t index);
/* The condition at hand was looked at to its end; any: a claim satisfied it. */
void trace_condition(struct evaluation *e, const struct condition *c, bool any);
/* result NULL: the call failed. */
void trace_call(struct evaluation *e, const struct policy_function *f, const struct value_set *arguments,
                const struct value_set *result);
void trace_made(struct evaluation *e, const struct claim *claim);
/* Why the rule failed. */
void trace_error(struct evaluation *e, const char *reason);

#endif
