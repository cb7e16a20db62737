/* A simulated service judged as a relying party does, for tests and mutants. */
#ifndef ASSAY_TESTS_TRUST_JUDGE_H
#define ASSAY_TESTS_TRUST_JUDGE_H

#include "crypto/pem.h"
#include "simulate/service.h"
#include "trust/trust.h"

enum { TRUST_TEST_MEMORY = 64 * 1024 * 1024 };

/* The question that such a relying party has; the caller releases q->endorsements. */
static inline void trust_ask(struct arena *a, const struct simulated_service *s, struct trust_question *q,
                             struct trust_rules *rules)
{
    struct endorsements *e = endorsements_new(TRUST_TEST_MEMORY);
    struct public_key *key = ARENA_NEW(a, struct public_key);
    struct bytes pem = s->release_key;
    struct pem_block block = {0};
    bool found = false;

    simulate_endorsements(&s->hardware, e, true, NULL);
    if (pem_next(a, &pem, &block, &found) && found)
        public_key_decode(a, block.der, key);
    *rules = (struct trust_rules){.appraisal = s->hardware.settings};
    *q = (struct trust_question){.arena = a,
                                 .service = BYTES_LIT(SIMULATED_SERVICE),
                                 .jwks = s->jwks,
                                 .token = s->token,
                                 .list = s->list,
                                 .release_key = key,
                                 .endorsements = e,
                                 .rules = rules,
                                 .time = s->options.time};
}

/* NULL when accepted, else the id of the check that refused. */
static inline const char *trust_refusal(const struct trust_result *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct trace_entry *e = trace_failure(r->keys[i].trace);

        if (e)
            return check_table[e->id].id;
    }
    return r->verdict == TRUST_ACCEPTED ? NULL : "nothing that has a name";
}

static inline const char *service_judge(struct arena *a, const struct simulated_service *s)
{
    struct trust_question q;
    struct trust_rules rules;
    struct trust_result r;

    trust_ask(a, s, &q, &rules);
    trust_judge(&q, &r);
    endorsements_free((struct endorsements *)(uintptr_t)q.endorsements);
    return trust_refusal(&r);
}

#endif
