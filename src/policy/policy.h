/* The attestation policy language (policy.md). A text is parsed once to a program, which is immutable and can be
 * cached by the text's digest; running it is bounded by LIMIT_POLICY_STEPS and cannot loop. */
#ifndef ASSAY_POLICY_POLICY_H
#define ASSAY_POLICY_POLICY_H

#include "claims/claims.h"

struct policy;

/* Where and why a text does not parse (policy.md 11). line counts from 1, column from 0 in characters. */
struct policy_error {
    unsigned line, column;
    char symbol[64];   /* the offending symbol, as it stands; "<EOF>" at the end */
    char message[256]; /* "mismatched input '[' expecting ';'" */
    char rule[64];     /* "policy > versionInfo" */
};

/* The program lives in the arena; the text must live as long. */
bool policy_parse(struct arena *a, struct bytes text, const struct policy **out, struct policy_error *error);
/* One line for people: the documented form of policy.md 11. */
struct bytes policy_error_message(struct arena *a, const struct policy_error *e);
struct bytes policy_text(const struct policy *p);
/* Can it look into texts of JSON (since 1.2)? */
bool policy_has_functions(const struct policy *p);
enum { POLICY_HASH_TEXT = 43 };
/* x-ms-policy-hash: BASE64URL(SHA256(ASCII(BASE64URL(UTF8(text))))). */
struct bytes policy_hash(struct arena *a, struct bytes text);

/* Zeroed memory permits nothing. */
enum policy_decision { POLICY_NO_PERMIT, POLICY_PERMIT, POLICY_DENY, POLICY_ERROR };
const char *policy_decision_name(enum policy_decision d); /* "permit", "error"; "deny" for both others */

/* The trace: what every rule that was run did, and why. Views into the policy's text, the claims and the arena. It is
 * bounded by the LIMIT_TRACE_ constants: where a list holds fewer entries than its count says, the others were left
 * out. Keeping it changes neither the decision nor the steps. */
struct policy_trace_claim {
    size_t index; /* in the incoming set of its section */
    struct claim claim;
};
struct policy_trace_values {
    const struct claim_value *v; /* the first of them */
    size_t listed, count;
};
enum policy_trace_result { TRACE_NOT_REACHED, TRACE_HELD, TRACE_FALSE, TRACE_FAILED };
/* The claim that satisfied the most comparisons of a condition that no claim satisfied, and the first that it failed. */
struct policy_trace_miss {
    struct policy_trace_claim claim;
    size_t satisfied;                 /* of all the condition's comparisons */
    const char *property, *operation; /* "value", ">=" */
    struct claim_value found;
    struct policy_trace_values expected;
};
struct policy_trace_condition {
    struct bytes text;
    bool negated;
    enum policy_trace_result result;
    size_t comparisons;
    /* The claims that it looked for: of a negated condition that is false, the one that matched. A condition that binds
     * no name stops at its first match. */
    struct policy_trace_claim *matched;
    size_t listed, cap, matches;
    const struct policy_trace_miss *nearest; /* NULL: something matched, or no claim has its type, or none is near */
};
struct policy_trace_call {
    const char *function;
    size_t condition; /* counted from 0; the number of conditions: in the action */
    struct policy_trace_values arguments[2];
    size_t argument_count;
    struct policy_trace_values result; /* nothing when it failed */
    bool failed;
};

/* One rule that was run. */
struct policy_trace_entry {
    struct bytes rule; /* its source text */
    unsigned line, column;
    bool fired;
    const char *section, *action; /* as they are written */
    struct policy_trace_condition *conditions;
    size_t condition_count;
    struct policy_trace_call *calls;
    size_t calls_listed, calls_cap, call_count;
    struct claim *made; /* claims added or issued, properties */
    size_t made_listed, made_cap, made_count;
    struct bytes error; /* of the rule that failed: why */
};

struct policy_run {
    const struct policy *policy;
    struct arena *arena;
    struct claims *incoming;  /* what the evidence proves; add and issue append to it */
    struct claims outgoing;   /* issued claims */
    struct claims properties; /* of configurationrules and issueproperty */
    enum policy_decision decision;
    struct bytes deciding_rule; /* source text of the deny rule that fired */
    struct bytes error;         /* POLICY_ERROR: what and where, one line */
    size_t steps;               /* of LIMIT_POLICY_STEPS */
    size_t json_budget;         /* what is left of LIMIT_POLICY_JSON_NODES */
    bool explain;               /* set after policy_start: keep the trace */
    struct policy_trace_entry *trace;
    size_t trace_count, trace_cap;
    size_t trace_items; /* what is left of LIMIT_TRACE_ITEMS */
    size_t trace_looks; /* what is left of LIMIT_TRACE_LOOKS */
};

void policy_start(struct policy_run *run, const struct policy *p, struct arena *a, struct claims *incoming);
/* configurationrules, against an empty incoming set; false on an evaluation error (policy.md 5.1, step 2). */
bool policy_configure(struct policy_run *run);
/* authorizationrules, then issuancerules when permitted (policy.md 5.1, steps 5 to 7); true when permitted and
 * nothing failed. Otherwise nothing is issued. After an error in policy_configure it stays an error. */
bool policy_decide(struct policy_run *run);

/* The trace as everybody shows it, a list with one object for each rule that was run:
 *   {"section", "line", "column", "rule", "fired", "action", "conditions", "calls", "made", "error"}
 * line and column count from 1; error is null or the reason. In conditions:
 *   {"condition", "negated", "result": "held" | "false" | "not reached" | "failed", "matches", "matched", "nearest"}
 * matched lists the first of `matches` claims as {"index", "type", "value", "issuer"}; nearest is null or
 *   {"claim", "satisfied", "comparisons", "property", "operator", "found", "expected"}.
 * In calls: {"function", "condition", "arguments", "result"}; condition counts from 1 and is null in the action; result
 * is null where the call failed. An argument, a result and expected are sets, {"count", "values"}, whose first values are
 * listed. made: {"type", "value", "issuer"}. Where calls or claims made are left out, "omitted" is
 * {"calls", "made"}, their numbers. Texts but the rule's longer than LIMIT_TRACE_TEXT end in "…". */
struct json *policy_trace_json(struct arena *a, const struct policy_run *run);

#endif
