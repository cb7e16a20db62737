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
enum { POLICY_HASH_TEXT = 43 };
/* x-ms-policy-hash: BASE64URL(SHA256(ASCII(BASE64URL(UTF8(text))))). */
struct bytes policy_hash(struct arena *a, struct bytes text);

/* Zeroed memory permits nothing. */
enum policy_decision { POLICY_NO_PERMIT, POLICY_PERMIT, POLICY_DENY, POLICY_ERROR };

/* One rule that was run. */
struct policy_trace_entry {
    struct bytes rule; /* its source text */
    unsigned line, column;
    bool fired;
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
};

void policy_start(struct policy_run *run, const struct policy *p, struct arena *a, struct claims *incoming);
/* configurationrules, against an empty incoming set; false on an evaluation error (policy.md 5.1, step 2). */
bool policy_configure(struct policy_run *run);
/* authorizationrules, then issuancerules when permitted (policy.md 5.1, steps 5 to 7); true when permitted and
 * nothing failed. Otherwise nothing is issued. After an error in policy_configure it stays an error. */
bool policy_decide(struct policy_run *run);

#endif
