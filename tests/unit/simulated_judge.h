/* Simulated evidence judged as a service would, for tests that share one arena. */
#ifndef ASSAY_TESTS_SIMULATED_JUDGE_H
#define ASSAY_TESTS_SIMULATED_JUDGE_H

#include "arena_test.h"

#include "base/check.h"
#include "simulate/simulate.h"
#ifdef JUDGE_EXCHANGES /* and link what they need */
#include "tpm_exchange.h"
#endif

/* Under the simulation's own settings; true when accepted with all required checks. */
static inline bool judge_with(const struct simulated *s, const struct endorsements *e, struct exam *x)
{
    enum check_id missing;

    *x = (struct exam){
        .arena = &arena, .trace = trace_new(&arena), .endorsements = e, .settings = &s->settings, .time = s->time};
    claims_init(&x->incoming, &arena);
#ifdef JUDGE_EXCHANGES
    exchange_prepare(x);
#endif
    const struct attester *attester = simulated_attester(s);
    bool ok = simulated_decode(s, x) && attester->verify(x) && trace_complete(x->trace, attester->required, &missing);
    x->endorsements = NULL;
    return ok;
}

static inline bool judge(const struct simulate_options *options, struct exam *x, struct simulated *s)
{
    struct endorsements *e = endorsements_new(64 * 1024 * 1024);
    struct simulate_options o = *options;
    struct fault fault = {0};

#ifdef JUDGE_EXCHANGES
    if (exchange_is_for(o.kind))
        assert_true(exchange_begin(&arena, &o));
#endif
    if (!simulate(&arena, &o, s, &fault) || !simulate_endorsements(s, e, true, &fault))
        fail_msg("%s: %s", options->fault ? options->fault : "no fault", fault.text);
    bool ok = judge_with(s, e, x);
    endorsements_free(e);
    return ok;
}

static inline const char *failed_id(const struct exam *x)
{
    const struct trace_entry *f = trace_failure(x->trace);

    return f ? check_table[f->id].id : "none";
}

#endif
