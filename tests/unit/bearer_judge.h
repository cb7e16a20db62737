/* A simulated bearer token sent to a service that knows its issuer and another, for tests and mutants. */
#ifndef ASSAY_TESTS_BEARER_JUDGE_H
#define ASSAY_TESTS_BEARER_JUDGE_H

#include "identity/bearer.h"
#include "simulate/bearer.h"

static inline bool bearer_try(struct arena *a, const struct simulated_bearer *b, enum plane plane,
                              struct caller *caller, struct bearer_exam *x)
{
    struct issuer list[] = {
        {.url = BYTES_LIT(BEARER_ISSUER_URL), .subject_claim = "sub", .any_subscription = true},
        {.url = BYTES_LIT(BEARER_OTHER_ISSUER), .subject_claim = "sub", .any_subscription = true},
    };
    struct issuers *issuers = ARENA_NEW(a, struct issuers);
    size_t skipped;

    issuer_keys_decode(a, b->jwks, &list[0].keys, &skipped, NULL);
    issuer_keys_decode(a, b->other_jwks, &list[1].keys, &skipped, NULL);
    *issuers = (struct issuers){(const struct issuer *)(const void *)arena_copy(a, bytes_make(list, sizeof list)).p, 2};
    *x = (struct bearer_exam){
        .arena = a, .trace = trace_new(a), .issuers = issuers, .plane = plane, .time = b->options.time};
    return bearer_verify(x, b->authorization, caller);
}

/* NULL when accepted, else the id of the check that refused. */
static inline const char *bearer_judge(struct arena *a, const struct simulated_bearer *b)
{
    struct bearer_exam x;
    struct caller caller;

    if (bearer_try(a, b, PLANE_DATA, &caller, &x))
        return NULL;
    return trace_failure(x.trace) ? check_table[trace_failure(x.trace)->id].id : "nothing that has a name";
}

#endif
