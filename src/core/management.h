/* What the operations of core/manage.h share; for core alone. */
#ifndef ASSAY_CORE_MANAGEMENT_H
#define ASSAY_CORE_MANAGEMENT_H

#include "core/manage.h"
#include "core/upload.h"

/* One request under way. */
struct management {
    struct arena *arena;
    const struct snapshot *snapshot;
    const struct provider *provider;
    const struct manage_request *request;
    const struct policy_kind *kind; /* of the policy; NULL for signers */
    const struct mint *mint;
    struct answer *answer;
    struct changes *changes;
    struct upload_exam upload; /* where the request carries one */
};

/* Each operation fills the answer, and the change where there is one. */
typedef void manage_operation(struct management *m);
manage_operation policy_get, policy_set, policy_reset, signers_get, signers_add, signers_remove, baselines_get,
    legacy_policy_get, legacy_policy_update, legacy_policy_set, legacy_policy_reset, legacy_signers_get,
    legacy_signers_add, legacy_signers_remove, manage_provider_create, manage_provider_update, manage_provider_delete,
    provider_evidence, key_publish, key_switch, key_replace, key_revoke, keeping_get, keeping_set, keeping_stop;

struct provider_key;
struct retired_key;
/* Keys of a record like "retired" that still count at the time of the request; at most RETIRED_KEYS_MAX. */
size_t manage_keys_listed(struct management *m, struct bytes kind, struct retired_key *out);
/* Since when the key that signs does; 0: not known. */
int64_t manage_key_since(struct management *m);
/* A new key for the provider, put to use now. False: refused. */
bool manage_new_key(struct management *m, struct provider_key *out);
void manage_change(struct management *m, struct change change);
/* Gives every change its version, time and seal (core/record_seal.h). False: refused. */
bool manage_seal(struct management *m);
/* Refuse: nothing changes. */
void manage_refuse(struct management *m, int status, const char *code, struct bytes message);
void manage_refuse_as_said(struct management *m); /* by m->upload */
/* A token over the members of `result` and the envelope's (api.md 3.1). False: refused. */
bool manage_token(struct management *m, struct json *result, struct bytes *token);
void manage_give(struct management *m, struct json *result);        /* {"token": JWT} */
void manage_give_string(struct management *m, struct json *result); /* "JWT", as 2018-09-01-preview has it */
void manage_give_json(struct management *m, const struct json *body);
struct json *manage_text(struct management *m, const char *s);
/* The SHA-1 of the certificate that signed, as records name it. */
struct bytes manage_thumbprint(struct management *m, const struct upload *u);

/* What is stored in a slot of a type; NULL when nothing was. */
const struct provider_policy *policy_stored(const struct provider *p, enum policy_slot slot,
                                            const struct policy_kind *kind);
/* The JWS that GET answers with: as stored, else the type's default, else the empty one. */
struct bytes policy_jws(struct management *m, enum policy_slot slot);
/* Decode an uploaded policy, and judge who signed it and what it says. False: refused. */
bool policy_accept(struct management *m, struct upload *u);
/* A reset: a JWS with an empty payload. */
bool policy_accept_reset(struct management *m, struct upload *u);
void policy_change(struct management *m, enum policy_slot slot, const struct upload *u, struct bytes body,
                   struct bytes hash);
/* x-ms-policy-token-hash of a JWS. */
struct bytes policy_token_hash(struct arena *a, struct bytes jws);

/* The certificate an upload is to add or remove, and the set that results. False: refused. */
bool signers_added(struct management *m, const struct certificate **c, struct json **jwks);
bool signers_removed(struct management *m, const struct certificate **c, struct json **jwks);
/* {"keys":[…]} of certificates, each a chain of one, without `skip` (or NULL). */
struct json *signers_set(struct arena *a, const struct certificate *list, const struct certificate *skip);

#endif
