#include <stdlib.h>

#include "base/limits.h"
#include "endorsement/intel/document.h"

enum { MRSIGNER_TDX = 48, ATTRIBUTES_TDX = 8 };

/* sgxtcbcomp01svn … sgxtcbcomp16svn of version 2. */
static void components_v2(struct document_reader *r, const struct json *tcb, uint8_t out[TCB_COMPONENTS])
{
    for (unsigned i = 0; i < TCB_COMPONENTS; i++)
        out[i] = (uint8_t)document_number(r, tcb, arena_printf(r->arena, "sgxtcbcomp%02usvn", i + 1), UINT8_MAX);
}

/* An array of {svn} of version 3. */
static void components_v3(struct document_reader *r, const struct json *tcb, const char *member,
                          uint8_t out[TCB_COMPONENTS])
{
    const struct json *list = document_array(r, tcb, member, TCB_COMPONENTS);
    size_t n = 0;

    if (list && list->count != TCB_COMPONENTS)
        document_fail(r, member, "not 16 components");
    JSON_EACH (component, list)
        if (!r->failed)
            out[n++] = (uint8_t)document_number(r, component, "svn", UINT8_MAX);
}

/* Descending by SGX components, PCESVN, TDX components (sgx-tdx.md 7 F 2). */
static int highest_first(const void *a, const void *b)
{
    const struct tcb_level *x = a, *y = b;
    int d = memcmp(y->sgx, x->sgx, TCB_COMPONENTS);

    if (d == 0)
        d = y->pce_svn - x->pce_svn;
    return d ? d : memcmp(y->tdx, x->tdx, TCB_COMPONENTS);
}

static void read_levels(struct document_reader *r, const struct json *inner, struct tcb_info *info)
{
    const struct json *levels = document_array(r, inner, "tcbLevels", LIMIT_TCB_LEVELS);
    struct tcb_level *list = levels ? ARENA_ARRAY(r->arena, struct tcb_level, levels->count) : NULL;

    JSON_EACH (level, levels) {
        struct tcb_level *l = &list[info->level_count++];
        const struct json *tcb = json_member(level, "tcb");

        if (info->version == 2)
            components_v2(r, tcb, l->sgx);
        else
            components_v3(r, tcb, "sgxtcbcomponents", l->sgx);
        if (info->tee == TEE_TDX)
            components_v3(r, tcb, "tdxtcbcomponents", l->tdx);
        l->pce_svn = (uint16_t)document_number(r, tcb, "pcesvn", UINT16_MAX);
        document_level(r, level, &l->status, &l->date, &l->advisories, &l->advisory_count);
    }
    if (r->failed)
        return;
    qsort(list, info->level_count, sizeof *list, highest_first);
    for (size_t i = 1; i < info->level_count; i++)
        if (highest_first(&list[i - 1], &list[i]) == 0)
            document_fail(r, "tcbLevels", "a level stands twice");
    info->levels = list;
}

static void read_module(struct document_reader *r, const struct json *object, struct tdx_module *out)
{
    out->mrsigner = document_hex(r, object, "mrsigner", MRSIGNER_TDX);
    out->attributes = document_hex(r, object, "attributes", ATTRIBUTES_TDX);
    out->attributes_mask = document_hex(r, object, "attributesMask", ATTRIBUTES_TDX);
}

static void read_tdx(struct document_reader *r, const struct json *inner, struct tcb_info *info)
{
    const struct json *module = json_member(inner, "tdxModule"), *list = json_member(inner, "tdxModuleIdentities");

    if (info->tee == TEE_SGX) {
        if (module || list)
            document_fail(r, "tdxModule", "does not belong into TCB info of SGX");
        return;
    }
    info->has_module = true;
    read_module(r, module, &info->module);
    if (!list || r->failed)
        return;
    list = document_array(r, inner, "tdxModuleIdentities", LIMIT_MODULE_IDENTITIES);
    struct tdx_module *modules = list ? ARENA_ARRAY(r->arena, struct tdx_module, list->count) : NULL;
    JSON_EACH (item, list) {
        struct tdx_module *m = &modules[info->module_identity_count++];

        m->id = document_text(r, item, "id");
        read_module(r, item, m);
        m->levels = document_svn_levels(r, item, &m->level_count);
    }
    info->module_identities = modules;
}

static void read_tee(struct document_reader *r, const struct json *inner, struct tcb_info *info)
{
    info->version = (unsigned)document_number(r, inner, "version", UINT16_MAX);
    if (r->failed)
        return;
    if (info->version != 2 && info->version != 3) {
        document_fail(r, "version",
                      info->version == 1 ? "version 1 ended with PCS v2; fetch version 3" : "neither 2 nor 3");
        return;
    }
    if (info->version == 2)
        return; /* SGX alone */
    struct bytes id = document_text(r, inner, "id");
    if (bytes_is(id, "TDX"))
        info->tee = TEE_TDX;
    else if (!r->failed && !bytes_is(id, "SGX"))
        document_fail(r, "id", "neither SGX nor TDX");
}

bool tcb_info_decode(struct arena *a, const char *name, struct bytes text, const struct tcb_info **out,
                     struct fault *fault)
{
    struct document_reader r = {.arena = a, .name = name, .fault = fault};
    struct tcb_info *info = ARENA_NEW(a, struct tcb_info);
    const struct json *inner = document_open(&r, text, "tcbInfo", &info->document);

    *out = NULL;
    if (!inner)
        return false;
    read_tee(&r, inner, info);
    info->fmspc = document_hex(&r, inner, "fmspc", FMSPC_SIZE);
    info->pce_id = document_hex(&r, inner, "pceId", PCEID_SIZE);
    if (document_number(&r, inner, "tcbType", UINT16_MAX) != 0)
        document_fail(&r, "tcbType", "not 0, the only type whose components can be compared");
    info->document.evaluation = (uint32_t)document_number(&r, inner, "tcbEvaluationDataNumber", UINT32_MAX);
    if (!r.failed)
        read_levels(&r, inner, info);
    if (!r.failed)
        read_tdx(&r, inner, info);
    if (r.failed)
        return false;
    *out = info;
    return true;
}
