/* Building and finding chains; for the endorsement floor and its tests. */
#ifndef ASSAY_ENDORSEMENT_AMD_CHAIN_H
#define ASSAY_ENDORSEMENT_AMD_CHAIN_H

#include "endorsement/store.h"

/* Certificates among which issuers are looked for. */
struct amd_pool {
    const struct certificate *const *v;
    size_t count;
};
/* From the built-in authorities where one signed the leaf, else from the pool. Its signatures' verdict is in the chain. */
void amd_chain_build(struct arena *a, const struct amd_leaf *leaf, const struct amd_pool *others,
                     struct amd_chain *out);
/* A VCEK for chip and TCB, or a VLEK for the TCB, that was loaded; NULL when there is none. */
const struct amd_chain *amd_chain_find(const struct endorsements *e, const struct amd_query *q, int64_t time);

#endif
