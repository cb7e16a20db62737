/* A decision on record over simulated evidence, and all its inputs: for tests and mutants. */
#ifndef ASSAY_TESTS_REPLAY_SAMPLE_H
#define ASSAY_TESTS_REPLAY_SAMPLE_H

#include "core/message.h"
#include "core/replay.h"
#include "simulate/simulate.h"

enum { REPLAY_SAMPLE_MEMORY = 64 * 1024 * 1024, REPLAY_SAMPLE_SEED = 1 };

#define REPLAY_SAMPLE_ISSUER  BYTES_LIT("https://replay.example")
#define REPLAY_SAMPLE_ENTROPY BYTES_LIT("0123456789abcdefghijklmnopqrstuv")

struct replay_sample {
    struct simulated made;
    struct decision decision;
    struct bytes request, payload, settings, policy;
};

/* The endorsements of the evidence, not sealed. */
static inline struct endorsements *replay_sample_gather(struct arena *a, const struct replay_sample *s,
                                                        uint8_t digest[SHA256_SIZE])
{
    struct endorsements *e = endorsements_new(REPLAY_SAMPLE_MEMORY);
    struct digest_set set = {0};
    struct simulated_file file;

    for (size_t i = 0; simulated_collateral_at(&s->made, i, &file); i++)
        if (file.text.n && endorsements_add(e, file.name, file.text, NULL))
            digest_set_add(&set, a, file.text);
    digest_set_end(&set, digest);
    return e;
}

/* The record of it, as the core makes one. */
static inline struct bytes replay_sample_record(struct arena *a, const struct decision *d)
{
    return decision_record(a, decision_core(a, d), BYTES_LIT("request-1"));
}

static inline bool replay_sample_make(struct arena *a, struct replay_sample *s)
{
    struct fault fault = {0};
    struct appraisal x;

    *s = (struct replay_sample){.policy = BYTES_LIT("version=1.0;authorizationrules{=>permit();};issuancerules{};")};
    if (!simulate(a, &(struct simulate_options){.kind = SIMULATE_SGX, .seed = REPLAY_SAMPLE_SEED}, &s->made, &fault))
        return false;
    s->request = s->made.request;
    const struct bytes bodies[] = {write_settings(a, &s->made.settings), write_anchor(a, s->made.anchor_spki, true)};
    struct decision *d = &s->decision;
    *d = (struct decision){.verdict = DECISION_TOKEN, .time = s->made.time, .attester = BYTES_LIT("SgxEnclave")};
    s->settings = replay_settings(a, bodies, 2, d->settings);
    struct endorsements *e = replay_sample_gather(a, s, d->endorsements);
    endorsements_add_anchor(e, s->made.anchor_spki, true);
    endorsements_seal(e);
    struct provider_policy policy = {.attester = attester_find(d->attester), .kind = d->attester, .text = s->policy};
    struct provider provider = {
        .issuer = REPLAY_SAMPLE_ISSUER, .policies = &policy, .policy_count = 1, .settings = s->made.settings};
    core_attest(&x, a, &(struct snapshot){.endorsements = e, .providers = &provider, .provider_count = 1},
                &(struct core_request){.issuer = provider.issuer,
                                       .attester = d->attester,
                                       .body = s->request,
                                       .time = d->time,
                                       .entropy = REPLAY_SAMPLE_ENTROPY},
                NULL, NULL);
    s->payload = x.payload;
    d->policy_hash = x.policy_hash;
    sha256(provider.issuer, d->provider);
    decision_salted("evidence", REPLAY_SAMPLE_ENTROPY, s->request, d->evidence);
    decision_salted("outcome", REPLAY_SAMPLE_ENTROPY, s->payload, d->outcome);
    endorsements_free(e);
    return x.answer.status == 200 && s->payload.n;
}

/* The id of the check that refuses this record with the sample's inputs, or NULL. */
static inline const char *replay_sample_judge(struct arena *a, const struct replay_sample *s, struct bytes record)
{
    struct replay r = {.arena = a,
                       .trace = trace_new(a),
                       .record = record,
                       .request = s->request,
                       .payload = s->payload,
                       .settings = s->settings,
                       .policy = s->policy};

    r.endorsements = replay_sample_gather(a, s, r.contents_digest);
    bool same = replay_judge(&r);
    endorsements_free(r.endorsements);
    const struct trace_entry *failure = trace_failure(r.trace);
    if (same || !failure)
        return same ? NULL : "nothing that has a name";
    const char *id = check_table[failure->id].id;
    return bytes_begin(trace_message(r.trace, a), id) ? id : "a failure without a message";
}

/* A record that only the check of this row refuses; false: the row is none of replay's. */
static inline bool replay_sample_try(struct arena *a, enum check_id row, const char **verdict)
{
    struct replay_sample s;

    if (row != CHECK_COUNT && (row < CHECK_LOG_REPLAY_PROVIDER || row > CHECK_LOG_REPLAY_OUTCOME))
        return false;
    bool made = replay_sample_make(a, &s);
    struct decision *d = &s.decision;

    switch (row) {
    case CHECK_LOG_REPLAY_PROVIDER: d->provider[0] ^= 1; break;
    case CHECK_LOG_REPLAY_EVIDENCE: d->evidence[0] ^= 1; break;
    case CHECK_LOG_REPLAY_SETTINGS: d->settings[0] ^= 1; break;
    case CHECK_LOG_REPLAY_POLICY: d->policy_hash = BYTES_LIT("another"); break;
    case CHECK_LOG_REPLAY_ENDORSEMENTS: d->endorsements[0] ^= 1; break;
    case CHECK_LOG_REPLAY_OUTCOME: d->outcome[0] ^= 1; break;
    default: break; /* nothing is wrong */
    }
    *verdict = made ? replay_sample_judge(a, &s, replay_sample_record(a, d)) : "no sample";
    return true;
}

#endif
