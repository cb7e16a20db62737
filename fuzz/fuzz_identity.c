/* Any text as an enclave identity: refused with a reason, or levels in strict order. */
#include "intel.h"

#include "endorsement/intel/intel.h"

static void judge(const struct enclave_identity *e)
{
    must(e->level_count > 0 && e->mrsigner.n == 32 && e->attributes.n == e->attributes_mask.n);
    must(e->miscselect.n == e->miscselect_mask.n && e->document.signature.n == 64);
    for (size_t i = 1; i < e->level_count; i++)
        must(e->levels[i - 1].isv_svn > e->levels[i].isv_svn);
    must(svn_match(e->levels, e->level_count, UINT16_MAX) == &e->levels[0]);
    const struct svn_level *lowest = svn_match(e->levels, e->level_count, 0);
    must(!lowest || lowest->isv_svn == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size);
    struct endorsements *set = endorsements_new(LIMIT_REQUEST_MEMORY);
    const struct enclave_identity *e;
    struct fault fault = {0};
    struct arena a;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    if (identity_decode(&a, "fuzz", text, &e, &fault))
        judge(e);
    else
        must(fault.code != FAULT_NONE && !e);
    endorsements_add(set, "fuzz", text, NULL);
    endorsements_seal(set);
    endorsements_free(set);
    arena_free(&a);
    return 0;
}
