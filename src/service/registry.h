/* Every provider of this node in memory, as the store's records left it: by authority for requests, by its place for the control
 * plane. No request waits for the database (DESIGN 7).
 *
 * Used by the event loop alone. A tenant stays where it is: one that was deleted answers for its keys until the last of its
 * tokens has expired, and for nothing after that. A few kilobytes of it stay: whoever has its name next goes on from the versions of
 * its records. */
#ifndef ASSAY_SERVICE_REGISTRY_H
#define ASSAY_SERVICE_REGISTRY_H

#include "core/message.h"
#include "core/record_seal.h"
#include "service/quota.h"
#include "store/store.h"

/* Whether the core sealed a record: found out when it is first used, for it costs a signature's verification. */
enum held_seal { SEAL_UNKNOWN, SEAL_GOOD, SEAL_BAD };

/* The highest version of one kind of record, in one piece: there may be 100,000 providers. */
struct held_record {
    struct held_record *next;
    struct bytes kind, body; /* both in `bytes`, as what follows them there: hash, signer, caller, seal */
    uint32_t hash_size, signer_size, caller_size, seal_size;
    enum held_seal seal;
    uint64_t version;
    int64_t time;
    uint64_t sequence; /* in the store */
    uint8_t bytes[];
};

/* Where a provider is in the control plane (api.md 7). Letter case does not count. */
struct place {
    struct bytes subscription, group, name;
};

struct tenant {
    struct bytes issuer;    /* "https://authority" */
    struct bytes authority; /* lower case, without https's own port */
    struct held_record *records;
    struct provider_key key;  /* views into its record; no kid: none was made yet, or it is retired */
    struct provider_key next; /* the one that will sign and is listed already; no kid: there is none */
    int64_t key_pause;        /* until then its keys are left alone: a change of them failed (service/rotation.h) */
    size_t index;             /* dense, for tables beside the registry */
    uint64_t stamp;           /* another after each change of what a verifier needs to know; never 0 */
    struct bucket bucket;     /* of its requests */
    bool fixed;               /* by the configuration */
    bool closed;              /* its public network access is disabled */
    bool tpm_open;            /* TPM evidence may come without signing in */
    bool listed;              /* it is found by its place */
    bool isolated;            /* its record in the control plane says that it has signers */
    struct place place;       /* in the control plane; views into its record. No name: nowhere */
    bool shared;              /* its policies cannot be changed */
    uint64_t judged;          /* the stamp of when its seals were last looked at */
    const struct held_record *refused; /* then: a record that the core did not seal; NULL: none */
    enum check_id failed;
};

struct registry;

struct registry *registry_new(void); /* NULL without memory */
void registry_free(struct registry *r);
/* What the store says. A record that is older than what is held changes nothing. */
void registry_apply(struct registry *r, const struct record *record);
/* Much will be applied; and: all of it was. */
void registry_expect(struct registry *r);
void registry_settle(struct registry *r);
/* A provider of the configuration; later calls for the same issuer change nothing but `shared`. */
struct tenant *registry_fix(struct registry *r, struct bytes issuer, bool shared);
struct tenant *registry_by_issuer(const struct registry *r, struct bytes issuer);
/* The public half of the record key, by which seals are judged from now on. */
void registry_use_key(struct registry *r, const uint8_t key[ED25519_PUBLIC]);
/* Does any record of it carry no good seal of the core? Then nothing of it may be believed: *why, in the arena, says which and
 * what to do, and t->failed which check it was. False without a key: nobody is answered yet. */
bool registry_refuses(struct registry *r, struct tenant *t, struct arena *a, struct bytes *why);
/* How many records were applied, and how many of them had a seal. */
struct registry_seals {
    uint64_t records, sealed;
};
struct registry_seals registry_seals(const struct registry *r);
/* Is any record sealed by the key? One is enough to tell that the root key is the store's. False without a key. */
bool registry_knows_key(struct registry *r);
/* Lower case, with the port where it is not 443. */
struct tenant *registry_by_authority(const struct registry *r, struct bytes authority);
/* NULL: none is there. */
struct tenant *registry_by_place(const struct registry *r, const struct place *place);
/* Calls each for those of a subscription, or of a group of it (empty: of all groups), in the order of their names. */
typedef void registry_visit(void *context, const struct tenant *t);
void registry_each(const struct registry *r, struct bytes subscription, struct bytes group, registry_visit *each,
                   void *context);
size_t registry_count(const struct registry *r);
/* By number, below registry_count; a tenant keeps its number. */
struct tenant *registry_at(const struct registry *r, size_t i);

/* It exists, its records read, and it has a key: it attests. */
bool tenant_serves(const struct tenant *t);
/* The keys that relying parties must know: the one that signs, the one that will, then those whose tokens may not have expired. */
enum { TENANT_LISTED_MAX = 2 * RETIRED_KEYS_MAX, TENANT_KEYS_MAX = TENANT_LISTED_MAX + 2 };
size_t tenant_keys(const struct tenant *t, int64_t now, struct key_record out[TENANT_KEYS_MAX]);
/* The last of these alone. */
size_t tenant_listed(const struct tenant *t, int64_t now, struct retired_key out[TENANT_LISTED_MAX]);
/* When the one that signs began to. */
int64_t tenant_key_since(const struct tenant *t);
/* NULL: none was ever stored. */
const struct held_record *tenant_record(const struct tenant *t, struct bytes kind);
/* The same whole, with its seal, as FRAME_RECORD has it, in the arena; empty where there is none. */
struct bytes tenant_sealed_record(const struct tenant *t, struct arena *a, struct bytes kind);
/* The sequence of the record behind which all is of the tenant that is there now: what is before it was of one of the same name that
 * was deleted, perhaps another's. 0: there was none. */
uint64_t tenant_begin(const struct tenant *t);
/* The version that the next record of this kind must have. */
uint64_t tenant_next_version(const struct tenant *t, struct bytes kind);
/* What a verifier must know, as frames. */
typedef void tenant_frame(void *context, enum frame_kind kind, struct bytes body);
void tenant_frames(const struct tenant *t, struct arena *a, tenant_frame *each, void *context);

#endif
