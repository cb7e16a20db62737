/* Providers as a verifier keeps them: each comes from the host before the first request that needs it, is replaced whole when it
 * changed, and may be dropped for others, for it can be asked for again. */
#ifndef ASSAY_CORE_PROVIDERS_H
#define ASSAY_CORE_PROVIDERS_H

#include "core/message.h"

struct providers;

struct kept_provider {
    struct arena arena;
    struct provider provider; /* without settings: they are the snapshot's */
    struct provider_policy *policies;
    size_t policy_count, policy_cap;
    struct fault fault; /* why the state cannot be used; requests are answered with it */
};

struct providers *providers_new(size_t memory); /* what all of them together may take */
void providers_free(struct providers *t);
/* FRAME_PROVIDER, its FRAME_POLICYs, FRAME_PROVIDER_END. False: not in this order. */
bool providers_take(struct providers *t, enum frame_kind kind, struct bytes body);
/* NULL: it is not here. */
const struct kept_provider *providers_find(const struct providers *t, struct bytes issuer);

#endif
