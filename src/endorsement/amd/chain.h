/* Building and finding chains; for the endorsement floor and its tests. */
#ifndef ASSAY_ENDORSEMENT_AMD_CHAIN_H
#define ASSAY_ENDORSEMENT_AMD_CHAIN_H

#include "endorsement/store.h"

/* From the built-in authorities where one signed the leaf, else from the pool. Its signatures' verdict is in the chain; that of
 * each by itself is looked for in the cache, which may be NULL. */
void amd_chain_build(struct arena *a, struct cache *cache, const struct amd_leaf *leaf,
                     const struct certificate_pool *others, struct amd_chain *out);
/* A VCEK for chip and TCB, or a VLEK for the TCB, that was loaded; NULL when there is none. */
const struct amd_leaf *amd_leaf_find(const struct endorsements *e, const struct amd_query *q, int64_t time);

#endif
