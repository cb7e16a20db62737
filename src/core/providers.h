/* Providers as a verifier keeps them: each comes from the host before the first request that needs it, is replaced whole when it
 * changed, and may be dropped for others, for it can be asked for again. Nothing of it is believed but what the core sealed, and no
 * record that is older than one that this process has seen. */
#ifndef ASSAY_CORE_PROVIDERS_H
#define ASSAY_CORE_PROVIDERS_H

#include "core/message.h"
#include "core/record_memory.h"
#include "core/record_seal.h"

struct providers;

struct kept_provider {
    struct arena arena;
    struct provider provider; /* without settings: they are the snapshot's */
    struct provider_policy *policies;
    size_t policy_count, policy_cap;
    struct state_record *records;
    size_t record_count, record_cap;
    /* Why the state cannot be used, and the check that says so; requests are answered with it. Empty: it can. No check: every record is
     * the core's, but one of them does not read, as that of a later release; such a provider can be deleted. */
    struct bytes refusal;
    const char *failed_check;
};

/* memory: what all of them together may take; key: the public half of the record key. NULL without memory. */
struct providers *providers_new(size_t memory, const uint8_t key[ED25519_PUBLIC]);
void providers_free(struct providers *t);
/* Was any record of this provider seen? */
bool providers_seen(const struct providers *t, struct bytes issuer);
/* FRAME_PROVIDER, its FRAME_RECORDs, FRAME_PROVIDER_END. False: not in this order, not well formed, or a kind of record twice. */
bool providers_take(struct providers *t, enum frame_kind kind, struct bytes body);
/* The key that a provider is to share with its region, out of the region's records that came with the request (core/manage.h): they are
 * the core's, of that region, no older than what was seen of it, and the key is not among the revoked. False: the check that failed, and
 * why, in the arena. */
struct regional_refusal {
    const char *failed_check;
    struct bytes why;
};
bool providers_regional(struct providers *t, struct arena *a, const struct manage_request *request,
                        struct bytes *sealed, struct regional_refusal *refusal);
/* NULL: it is not here. */
const struct kept_provider *providers_find(const struct providers *t, struct bytes issuer);

#endif
