/* Two simulated nodes of one platform, and what passes between them; for the unit tests and for the mutants. */
#ifndef ASSAY_TESTS_HAND_OVER_CASE_H
#define ASSAY_TESTS_HAND_OVER_CASE_H

#include "core/hand_over.h"
#include "simulate/simulate.h"

enum { HAND_OVER_SEED = 1, HAND_OVER_NOW = 1767225600 /* the time of simulated evidence */ };

static const uint8_t case_root[ROOT_KEY_SIZE] = "the root key of the older node.",
                     case_secret[2][X25519_SIZE] = {{1}, {2}};

struct hand_over_vector {
    enum simulate_kind kind;
    bool debug, kss;
    const char *fault; /* of the evidence */
};

/* Evidence bound to the body, and the endorsements for it where wanted. */
static inline bool case_evidence(struct arena *a, const struct hand_over_vector *v, struct bytes body,
                                 struct key_evidence *out, struct endorsements *e, struct fault *fault)
{
    const struct simulate_options options = {.kind = v->kind,
                                             .seed = HAND_OVER_SEED,
                                             .debug = v->debug,
                                             .kss = v->kss,
                                             .fault = v->fault,
                                             .runtime_data = body};
    struct simulated made;

    if (!simulate(a, &options, &made, fault) || (e && !simulate_endorsements(&made, e, true, fault)))
        return false;
    *out = (struct key_evidence){.tee = v->kind == SIMULATE_SNP   ? KEY_SNP
                                        : v->kind == SIMULATE_TDX ? KEY_TDX
                                                                  : KEY_SGX,
                                 .report = v->kind == SIMULATE_SNP ? made.report : made.evidence,
                                 .chain = made.chain};
    return true;
}

static inline bool case_offer(struct arena *a, const struct hand_over_vector *v, int64_t time, struct bytes *offer,
                              struct endorsements *e, struct fault *fault)
{
    const uint8_t nonce[HAND_OVER_NONCE] = {9};
    uint8_t key[X25519_SIZE];
    struct key_evidence evidence;

    if (!x25519_public(case_secret[0], key))
        return false;
    struct bytes body = hand_over_offer_body(a, time, nonce, key);
    if (!case_evidence(a, v, body, &evidence, e, fault))
        return false;
    *offer = hand_over_write(a, body, &evidence);
    return true;
}

/* One thing that is wrong. */
enum case_fault {
    CASE_GOOD,
    CASE_OLD,
    CASE_FUTURE,
    CASE_ANSWERED,
    CASE_DEBUG,
    CASE_MEASUREMENT,
    CASE_CONFIGURATION,
    CASE_ANSWER
};

static inline bool case_grant(struct hand_over_exam *x, struct bytes offer, const struct hand_over_offer *o,
                              enum case_fault fault)
{
    const uint8_t iv[AEAD_IV_SIZE] = {3};
    uint8_t root[ROOT_KEY_SIZE];
    struct hand_over_grant g;
    struct bytes body, other = bytes_first(offer, offer.n - 1);

    if (!hand_over_grant_body(x->arena, x->time, fault == CASE_ANSWER ? other : offer, o, case_secret[1], iv, case_root,
                              &body))
        return false;
    g = (struct hand_over_grant){.message.body = body};
    return hand_over_read_grant(x, hand_over_write(x->arena, body, &o->message.evidence), &g) &&
           hand_over_open(x, &g, offer, case_secret[0], root) && secret_equal(BYTES_OF(root), BYTES_OF(case_root));
}

/* The judgement of both nodes: NULL when the root is handed over, else the check that refused. */
static inline const char *case_judge(struct arena *a, enum case_fault fault)
{
    const struct hand_over_vector v = {.kind = SIMULATE_SGX, .debug = fault == CASE_DEBUG};
    const int64_t made =
        fault == CASE_OLD ? HAND_OVER_NOW - 25 * 60 * 60 : HAND_OVER_NOW + (fault == CASE_FUTURE ? 3600 : 0);
    struct endorsements *e = endorsements_new(64 * 1024 * 1024);
    struct settings settings = SETTINGS_DEFAULT;
    struct hand_over_exam x = {a, trace_new(a), e, &settings, HAND_OVER_NOW};
    struct hand_over_party other = {.debug = true}, own;
    struct hand_over_offer o;
    struct bytes offer;
    struct fault reason = {0};

    bool ok = case_offer(a, &v, made, &offer, e, &reason) && hand_over_read_offer(&x, offer, &o) &&
              hand_over_in_time(&x, o.time) && hand_over_judge(&x, &o.message, &other);
    own = other;
    own.debug = false;
    if (fault == CASE_MEASUREMENT)
        own.measurement = BYTES_LIT("another enclave");
    if (fault == CASE_CONFIGURATION)
        own.configuration[0] ^= 1;
    ok = ok && hand_over_same(&x, &other, &own) && hand_over_fresh(&x, fault == CASE_ANSWERED) &&
         case_grant(&x, offer, &o, fault);
    endorsements_free(e);
    const struct trace_entry *failure = trace_failure(x.trace);
    return ok ? NULL : failure ? check_table[failure->id].id : "nothing that has a name";
}

static const struct {
    enum check_id row;
    enum case_fault fault;
    const char *name;
} case_faults[] = {
    {CHECK_HANDOVER_TIME, CASE_OLD, "an offer of the day before"},
    {CHECK_HANDOVER_TIME, CASE_FUTURE, "an offer of the future"},
    {CHECK_HANDOVER_FRESH, CASE_ANSWERED, "an offer that was answered"},
    {CHECK_HANDOVER_DEBUG, CASE_DEBUG, "a node under a debugger"},
    {CHECK_HANDOVER_MEASUREMENT, CASE_MEASUREMENT, "another enclave"},
    {CHECK_HANDOVER_CONFIGURATION, CASE_CONFIGURATION, "the same enclave, started otherwise"},
    {CHECK_HANDOVER_ANSWER, CASE_ANSWER, "a grant for another offer"},
};
enum { CASE_FAULTS = sizeof case_faults / sizeof *case_faults };

#endif
