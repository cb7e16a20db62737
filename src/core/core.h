/* The core: one appraisal as a function of (request, snapshot, time, entropy). No I/O, no clock, no generator, no
 * state but caches that cannot change an answer (DESIGN 2). The daemon, the command line, the fuzzers and replay all
 * call core_attest. */
#ifndef ASSAY_CORE_CORE_H
#define ASSAY_CORE_CORE_H

#include "evidence/attester.h"
#include "policy/policy.h"
#include "token/token.h"

struct state_record;

/* What a stored policy is for. Only the active one decides. */
enum policy_slot {
    SLOT_ACTIVE,
    SLOT_SHADOW,  /* evaluated beside it, to see what it would change (core/shadow.c) */
    SLOT_PENDING, /* uploaded with 2018-09-01-preview and not yet put in force (api.md 2.10) */
    SLOT_COUNT,
};
/* One authority with its policies. Immutable while a snapshot lives. */
struct provider_policy {
    enum policy_slot slot;
    const struct attester *attester; /* NULL: a type whose policy can be kept but whose evidence is not judged here */
    struct bytes text;               /* empty: the attester's default */
    const struct json *signer;       /* x-ms-policy-signer when it was uploaded signed, or NULL */
    struct bytes kind;               /* "SgxEnclave" (core/manage.h) */
    struct bytes jws;                /* as it was uploaded; empty: never, or reset */
};
struct provider {
    struct bytes issuer; /* "https://name.region.domain[:port]" */
    struct bytes kid;    /* of the key that signs for it now */
    const struct provider_policy *policies;
    size_t policy_count;
    struct settings settings;
    struct bytes sealed_key;               /* its private half, which the signer alone can open (core/sealed_key.h) */
    const struct certificate *certificate; /* of that key; NULL: unknown, as in tools */
    bool isolated; /* trust model: policies must be signed by a registered certificate (api.md 3.4) */
    bool shared;   /* a default provider, anybody's: its policies cannot be changed */
    const struct certificate *signers; /* the registered ones, linked */
    const struct state_record
        *records; /* every current one of its records, verified (core/record_seal.h); tools have none */
    size_t record_count;
};

struct snapshot {
    uint64_t generation;
    const struct endorsements *endorsements;
    const struct provider *providers; /* ascending by issuer: snapshot_sort */
    size_t provider_count;
};
void snapshot_sort(struct provider *providers, size_t count);
/* NULL when there is none. Binary search: a service may have 100,000 (DESIGN 10). */
const struct provider *snapshot_provider(const struct snapshot *s, struct bytes issuer);

/* Who signs: the signer process in the daemon, a key at hand in tools and tests. The signer writes the header
 * itself, so that nothing but a token of this service can be got out of it. */
struct mint {
    /* The whole compact token over this payload, under the provider's key; false with a fault. */
    bool (*token)(void *context, const struct provider *provider, enum token_form form, struct bytes policy_hash,
                  struct bytes payload, struct arena *a, struct bytes *token, struct fault *fault);
    /* A new key for this provider, as the body of its record "key"; NULL: no keys can be made here. */
    bool (*make_key)(void *context, struct bytes issuer, struct arena *a, struct bytes *record, struct fault *fault);
    /* A certificate with this evidence (DER) over a key of the provider, given sealed; NULL: none is issued here. */
    bool (*certify)(void *context, struct bytes issuer, struct bytes sealed_key, const struct key_evidence *evidence,
                    struct arena *a, struct bytes *certificate, struct fault *fault);
    /* The core's signature over a record (core/state_key.h); NULL: records are not sealed here. */
    bool (*seal_record)(void *context, struct bytes message, struct arena *a, struct bytes *seal, struct fault *fault);
    void *context;
    struct sealer sealer; /* no functions: nothing is sealed here */
};

struct core_request {
    struct bytes issuer;   /* which provider */
    struct bytes attester; /* "SgxEnclave", any letter case */
    struct bytes body;     /* JSON */
    int64_t time;
    struct bytes entropy; /* EXAM_ENTROPY bytes; TOKEN_JTI_ENTROPY will do where no answer is encrypted */
    bool explain;         /* keep the policy's trace (core_explain) */
    bool replay;          /* core/replay.h alone: no frame has it */
};

/* What goes back to the caller. */
struct answer {
    int status;               /* HTTP */
    const char *code;         /* error code of api.md 1.4, NULL on success */
    struct bytes message;     /* of the error; kept by core_attest alone */
    struct bytes body;        /* JSON: {"token":…} or the error object */
    const char *failed_check; /* id of the check that refused, or NULL */
    struct bytes wanted; /* an endorsement that was not at hand (struct exam); empty: none, or it made no difference */
    struct bytes decision; /* what the core knows of its record (core/decision.h); empty: none is kept */
    struct bytes keep;     /* a struct keep_order (core/keeping.h); empty: its inputs are not kept */
};

/* One run of the pipeline, for those who want to look inside (command line, tests): everything but the answer's
 * envelope. */
struct appraisal {
    struct exam exam;
    const struct provider *provider;
    const struct attester *attester;
    struct bytes policy_text; /* in force: the draft, the stored one or the attester's default */
    const struct json *policy_signer;
    const struct policy *policy;
    struct policy_run run;
    bool explain;   /* keep the policy's trace */
    bool draft;     /* a draft policy: the token is unsigned */
    size_t decoded; /* entries of the trace that stand before the verification; 0: there is no evidence */
    bool permitted; /* the evidence is genuine, the policy permits, every required check was made */
    struct bytes policy_hash;
    struct bytes payload; /* of the token */
    struct bytes token;
    struct answer answer;
};

/* The whole of one request (policy.md 5.1): decode, policy, configurationrules, verify, the other rules, token.
 * x->answer is always filled; memory is the arena's; cache may be NULL. Refusals: 400 with the code of api.md 1.4,
 * 404 for a provider or attester that does not exist, 500 when a required check was never made, 503 when the mint
 * fails. Without a mint nothing is signed: the answer to a good request has no body, and x->payload is the result. */
void core_attest(struct appraisal *x, struct arena *a, const struct snapshot *snapshot,
                 const struct core_request *request, const struct mint *mint, struct cache *cache);
/* The middle of it, for tools that judge evidence without request and token: x holds the exam with decoded evidence
 * and settings, the attester, and with by_policy the policy's text. Configurationrules, verification, the other
 * rules, and whether every required check was made. False: the trace has the failed check, or answer.failed_check
 * names the one never made. */
bool core_judge(struct appraisal *x, bool by_policy);
/* What came of it: "permit", "deny" or "error" by the policy; "refused": the evidence, or the request. */
const char *core_decision(const struct appraisal *x);
/* core_attest without a token: the answer tells every check with what was found, the claims, and the policy's trace rule by rule
 * (policy_trace_json). Only for a caller who may read the policy. 200 also for what is refused; what core_attest would have
 * refused it with stands in "error". sealer: as of a mint, or NULL. */
void core_explain(struct appraisal *x, struct arena *a, const struct snapshot *snapshot,
                  const struct core_request *request, const struct sealer *sealer, struct cache *cache);
/* What the shadow policy of a type would have changed: a second policy, judged beside the one that decides, so that a change can
 * be tried on live traffic before it is set. */
enum shadow_outcome {
    SHADOW_SAME,
    SHADOW_WOULD_DENY,
    SHADOW_WOULD_PERMIT,
    SHADOW_CLAIMS_DIFFER,
    SHADOW_ERROR,
    SHADOW_OUTCOMES
};
struct shadow_result {
    struct bytes issuer, kind; /* "https://…", "SgxEnclave" */
    struct bytes policy_hash;  /* of the shadow policy */
    enum shadow_outcome outcome;
    struct bytes reason; /* one line; empty for SHADOW_SAME */
};
/* After core_attest: is there a shadow policy for what was judged? Drafts are tried by their sender, not by a shadow. */
bool core_shadow_due(const struct appraisal *x);
/* The same evidence at the same time, by the shadow policy. What x answered is not touched. */
void core_shadow(const struct appraisal *x, struct shadow_result *out);
/* The error object of api.md 1.4, {"code","message","innererror"}, and the body that holds it. */
struct json *error_object(struct arena *a, const char *code, struct bytes message);
struct bytes error_body(struct arena *a, const char *code, struct bytes message);

#endif
