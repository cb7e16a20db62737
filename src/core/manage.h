/* Managing a provider: policies of every type, policy signers, TCB baselines (api.md 2.3-2.5, 3). The rules that decide are
 * here, not in the HTTP handler. Like core_attest these are functions of (request, snapshot, time): what is to be stored is
 * given back as a change, which the host makes durable before it sends the answer. Who may call is the host's business. */
#ifndef ASSAY_CORE_MANAGE_H
#define ASSAY_CORE_MANAGE_H

#include "core/core.h"

/* A type that has a policy slot, whether or not this build judges its evidence. */
struct policy_kind {
    const char *name;           /* canonical spelling, "SgxEnclave" */
    const char *default_policy; /* NULL: none (Tpm) */
};
/* By name, letter case ignored; VbsEnclave is Tpm's alias (api.md 2.3). NULL when there is none. */
const struct policy_kind *policy_kind_find(struct bytes name);
const struct policy_kind *policy_kind_at(size_t i); /* NULL past the end */

enum manage_what {
    MANAGE_POLICY_GET,
    MANAGE_POLICY_SET,
    MANAGE_POLICY_RESET,
    MANAGE_SIGNERS_GET,
    MANAGE_SIGNERS_ADD,
    MANAGE_SIGNERS_REMOVE,
    MANAGE_BASELINES_GET,
    MANAGE_PROVIDER_CREATE, /* a key for a new provider, and its signers: the body is a JWKS, or empty (api.md 7) */
    MANAGE_KEY_EVIDENCE, /* the certificate of its key anew, with the evidence in the body (core/key_evidence.h); kind "next": of the
                            key that is published */
    MANAGE_PROVIDER_UPDATE, /* its resource alone */
    MANAGE_PROVIDER_DELETE, /* its policies and signers go, its key retires */
    /* Its signing keys (core/key_life.h). */
    MANAGE_KEY_PUBLISH, /* a new one is listed */
    MANAGE_KEY_SWITCH,  /* which signs from now on */
    MANAGE_KEY_REPLACE, /* both at once: clients that did not look since refuse tokens until they do */
    MANAGE_KEY_REVOKE,  /* the one of a kid is listed no more, and where it signs it is replaced */
    /* Inputs of its decisions (core/keeping.h). */
    MANAGE_KEEPING_GET,
    MANAGE_KEEPING_SET, /* the body is the host's: a struct keep_request */
    MANAGE_KEEPING_STOP,
    /* 2018-09-01-preview (api.md 2.10). */
    MANAGE_LEGACY_POLICY_GET,
    MANAGE_LEGACY_POLICY_UPDATE, /* keeps a policy, not in force, under its hash */
    MANAGE_LEGACY_POLICY_SET,    /* puts it in force */
    MANAGE_LEGACY_POLICY_RESET,
    MANAGE_LEGACY_SIGNERS_GET,
    MANAGE_LEGACY_SIGNERS_ADD,
    MANAGE_LEGACY_SIGNERS_REMOVE,
    MANAGE_COUNT,
};

struct manage_request {
    enum manage_what what;
    enum policy_slot slot; /* SLOT_ACTIVE or SLOT_SHADOW, for the first three */
    bool only_selected;    /* baselines: only the one that the policy selects */
    struct bytes issuer;   /* which provider */
    struct bytes kind;     /* of the policy, any letter case; empty for signers */
    struct bytes body;
    struct bytes
        resource; /* creation, update: body of the record "provider", in which the core reads nothing; empty: none */
    struct bytes caller; /* for the record */
    /* Where a key is made: the records "key" and "revoked" of the provider's region, whole, as FRAME_RECORD has them. Empty: it is to
     * have a key of its own; there never was a record of that kind. */
    struct bytes region_key, region_revoked;
    struct bytes
        regional; /* the sealed key of region_key, once providers_regional has judged both; the host sends none */
    bool first;   /* creation: no record of a provider of this name is known */
    int64_t time;
};

/* What must be durable before the answer goes out. */
struct change {
    struct bytes
        kind; /* "policy/SgxEnclave", "shadow/SgxEnclave", "pending/SgxEnclave", "signers", "key", "provider", "retired", "keeping" */
    struct bytes body;   /* the JWS, or the JWKS of registered certificates; empty: reset */
    struct bytes hash;   /* x-ms-policy-token-hash */
    struct bytes signer; /* SHA-1 of the signing certificate; empty: unsigned */
    /* core_manage fills these in (core/record_seal.h). */
    uint64_t version;
    int64_t time;
    struct bytes caller; /* the request's */
    struct bytes seal;   /* empty where the mint seals none */
};

/* All of them or none. */
enum { CHANGES_MAX = 64 }; /* a deletion has one for each kind of record */
struct changes {
    struct change v[CHANGES_MAX];
    size_t count; /* 0: nothing changes */
};

/* The current record of this kind, or NULL. */
const struct state_record *provider_record(const struct provider *p, struct bytes kind);

void core_manage(struct arena *a, const struct snapshot *snapshot, const struct manage_request *request,
                 const struct mint *mint, struct answer *answer, struct changes *changes);

/* The state that a change left, from what was stored: fills the policy's slot, text, signer and jws, or the provider's signers.
 * kind is that of the record: "policy/SgxEnclave". */
bool provider_policy_load(struct arena *a, struct bytes kind, struct bytes jws, struct provider_policy *out,
                          struct fault *fault);
/* Is this a kind of record that provider_policy_load takes? */
bool provider_policy_kind(struct bytes kind);
/* Each such kind that there is, from 0; false past the end. */
bool provider_policy_kind_at(struct arena *a, size_t i, struct bytes *out);
/* A policy text as payload of a JWS (policy.md 10): {"AttestationPolicy": base64url}. */
struct bytes policy_payload(struct arena *a, struct bytes text);
/* The JWS of a payload that nobody signs: a default, or the upload of who has no key. An empty payload resets. */
struct bytes policy_jws_unsigned(struct arena *a, struct bytes payload);
/* The registered certificates as they are stored. */
struct bytes signers_jwks(struct arena *a, const struct certificate *list);
bool provider_signers_load(struct arena *a, struct bytes jwks, const struct certificate **out, struct fault *fault);

#endif
