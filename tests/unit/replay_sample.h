/* A decision on record over simulated evidence, and all its inputs: for tests and mutants. */
#ifndef ASSAY_TESTS_REPLAY_SAMPLE_H
#define ASSAY_TESTS_REPLAY_SAMPLE_H

#include "core/keeping.h"
#include "core/message.h"
#include "core/replay.h"
#include "crypto/sign.h"
#include "tpm_exchange.h"

enum { REPLAY_SAMPLE_MEMORY = 64 * 1024 * 1024, REPLAY_SAMPLE_SEED = 1 };

#define REPLAY_SAMPLE_ISSUER  EXCHANGE_ISSUER
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

/* A decision about evidence of this kind, by a policy of this signer (a JWK) or of none. */
static inline bool replay_sample_of(struct arena *a, enum simulate_kind kind, const struct json *signer,
                                    struct replay_sample *s)
{
    struct simulate_options options = {.kind = kind, .seed = REPLAY_SAMPLE_SEED};
    const struct mint sealing = {.sealer = *exchange_sealer()};
    struct fault fault = {0};
    struct appraisal x;

    *s = (struct replay_sample){.policy = BYTES_LIT("version=1.0;authorizationrules{=>permit();};issuancerules{};")};
    if ((exchange_is_for(kind) && !exchange_begin(a, &options)) || !simulate(a, &options, &s->made, &fault))
        return false;
    s->request = s->made.request;
    const struct bytes bodies[] = {write_settings(a, &s->made.settings), write_anchor(a, s->made.anchor_spki, true)};
    struct decision *d = &s->decision;
    *d = (struct decision){.verdict = DECISION_TOKEN,
                           .time = s->made.time,
                           .attester = bytes_text(exchange_is_for(kind) ? "Tpm" : "SgxEnclave")};
    s->settings = replay_settings(a, bodies, 2, d->settings);
    struct endorsements *e = replay_sample_gather(a, s, d->endorsements);
    endorsements_add_anchor(e, s->made.anchor_spki, true);
    endorsements_seal(e);
    struct provider_policy policy = {
        .attester = attester_find(d->attester), .kind = d->attester, .text = s->policy, .signer = signer};
    struct provider provider = {
        .issuer = REPLAY_SAMPLE_ISSUER, .policies = &policy, .policy_count = 1, .settings = s->made.settings};
    core_attest(&x, a, &(struct snapshot){.endorsements = e, .providers = &provider, .provider_count = 1},
                &(struct core_request){.issuer = provider.issuer,
                                       .attester = d->attester,
                                       .body = s->request,
                                       .time = d->time,
                                       .entropy = REPLAY_SAMPLE_ENTROPY},
                &sealing, NULL);
    s->payload = x.payload;
    d->policy_hash = x.policy_hash;
    sha256(provider.issuer, d->provider);
    decision_salted("evidence", REPLAY_SAMPLE_ENTROPY, s->request, d->evidence);
    decision_salted("outcome", REPLAY_SAMPLE_ENTROPY, s->payload, d->outcome);
    endorsements_free(e);
    return x.answer.status == 200 && s->payload.n;
}

static inline bool replay_sample_make(struct arena *a, struct replay_sample *s)
{
    return replay_sample_of(a, SIMULATE_SGX, NULL, s);
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

/* A key pair of a provider: the private half, and what inputs are encrypted for. */
static inline struct cms_key *replay_sample_key(struct arena *a, enum key_kind kind, struct bytes *spki)
{
    struct signing_key *k = signing_key_generate(kind, NULL);
    struct bytes pem = BYTES_NONE;

    if (k)
        *spki = signing_key_spki(k, a);
    bool ok = k && signing_key_write_pem(k, a, &pem, NULL);
    signing_key_free(k);
    return ok ? cms_key_read(pem, NULL) : NULL;
}

/* The id of the check that refuses what was kept for one key in the hands of whoever has another; NULL: none does. */
static inline const char *replay_sample_other_key(struct arena *a)
{
    const struct kept_inputs inputs = {BYTES_LIT("{}"), BYTES_LIT("{}"), BYTES_LIT("version=1.0;")};
    struct replay r = {.arena = a, .trace = trace_new(a)};
    struct bytes spki = BYTES_NONE, ignored, sealed = BYTES_NONE;
    struct cms_key *mine = replay_sample_key(a, KEY_P256, &spki), *other = replay_sample_key(a, KEY_P256, &ignored);
    bool opened = mine && other && cms_seal(a, spki, write_kept_inputs(a, &inputs), &sealed, NULL) &&
                  replay_open_kept(&r, other, sealed);
    const struct trace_entry *failure = trace_failure(r.trace);

    cms_key_free(mine);
    cms_key_free(other);
    if (opened)
        return NULL;
    return failure ? check_table[failure->id].id : "no sample";
}

/* A record that only the check of this row refuses; false: the row is none of replay's. */
static inline bool replay_sample_try(struct arena *a, enum check_id row, const char **verdict)
{
    struct replay_sample s;

    if (row == CHECK_LOG_KEPT_OPEN) {
        *verdict = replay_sample_other_key(a);
        return true;
    }
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
