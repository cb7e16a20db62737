/* Any text as TCB info: refused with a reason, or levels in strict order, of which a platform that has all matches the first. */
#include "intel.h"

#include "endorsement/intel/intel.h"

static int order(const struct tcb_level *a, const struct tcb_level *b)
{
    int d = memcmp(a->sgx, b->sgx, TCB_COMPONENTS);

    if (d == 0)
        d = a->pce_svn - b->pce_svn;
    return d ? d : memcmp(a->tdx, b->tdx, TCB_COMPONENTS);
}

static void judge(const struct tcb_info *info, struct bytes text)
{
    static const struct enclave_identity none;
    struct tcb_platform best = {.tee = info->tee, .pce_svn = UINT16_MAX}, least = {.tee = info->tee};
    struct tcb_verdict high, low;

    must(info->level_count > 0 && info->fmspc.n == FMSPC_SIZE && info->pce_id.n == PCEID_SIZE);
    must(info->document.inner.p > text.p && info->document.inner.p + info->document.inner.n < text.p + text.n);
    for (size_t i = 1; i < info->level_count; i++)
        must(order(&info->levels[i - 1], &info->levels[i]) > 0);
    memset(best.components, UINT8_MAX, sizeof best.components);
    memset(best.tee_tcb_svn, UINT8_MAX, sizeof best.tee_tcb_svn);
    tcb_judge(info, &none, &best, &high);
    tcb_judge(info, &none, &least, &low);
    must(high.level == &info->levels[0] && high.sgx_level == high.level);
    must(!low.level || (low.level->pce_svn == 0 && bytes_all_zero(BYTES_OF(low.level->sgx))));
    must(high.status == TCB_NOT_SUPPORTED && low.status == TCB_NOT_SUPPORTED);
    must((info->tee == TEE_TDX) == info->has_module);
    for (size_t i = 0; i < info->module_identity_count; i++)
        must(info->module_identities[i].level_count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size);
    struct endorsements *e = endorsements_new(LIMIT_REQUEST_MEMORY);
    const struct tcb_info *info;
    struct fault fault = {0};
    struct arena a;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    if (tcb_info_decode(&a, "fuzz", text, &info, &fault))
        judge(info, text);
    else
        must(fault.code != FAULT_NONE && !info);
    endorsements_add(e, "fuzz", text, NULL);
    endorsements_seal(e);
    endorsements_free(e);
    arena_free(&a);
    return 0;
}
