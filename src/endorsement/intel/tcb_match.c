#include "endorsement/intel/intel.h"

/* Within TEE_TCB_SVN, and among the TDX components of a level (sgx-tdx.md 3.1). */
enum { MODULE_SVN, MODULE_VERSION, MODULE_LOADER };

static const char *const names[TCB_STATUS_COUNT] = {
    [TCB_UP_TO_DATE] = "UpToDate",
    [TCB_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
    [TCB_OUT_OF_DATE] = "OutOfDate",
    [TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
    [TCB_REVOKED] = "Revoked",
    [TCB_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
    [TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
    [TCB_TD_RELAUNCH_ADVISED] = "TDRelaunchAdvised",
    [TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = "TDRelaunchAdvisedConfigurationNeeded",
    [TCB_NOT_SUPPORTED] = "TCB_NOT_SUPPORTED",
};

const char *tcb_status_name(enum tcb_status s)
{
    return names[s];
}

bool tcb_status_by_name(struct bytes name, enum tcb_status *out)
{
    for (size_t i = 0; i < TCB_STATUS_COUNT; i++)
        if (bytes_is(name, names[i])) {
            *out = (enum tcb_status)i;
            return true;
        }
    return false;
}

struct tcb_platform tcb_platform_of(enum intel_tee tee, const struct pck_chain *chain, uint16_t qe_svn)
{
    struct tcb_platform p = {.tee = tee, .pce_svn = chain->pce_svn, .qe_svn = qe_svn};

    memcpy(p.components, chain->components, sizeof p.components);
    return p;
}

/* Every component of the platform is at least the level's. */
static bool reaches_sgx(const struct tcb_platform *p, const struct tcb_level *level)
{
    for (size_t i = 0; i < TCB_COMPONENTS; i++)
        if (p->components[i] < level->sgx[i])
            return false;
    return p->pce_svn >= level->pce_svn;
}

unsigned tcb_first_tdx_component(const struct tcb_platform *p)
{
    return p->tee_tcb_svn[MODULE_VERSION] ? MODULE_VERSION + 1 : 0;
}

static bool reaches_tdx(const struct tcb_platform *p, const struct tcb_level *level)
{
    for (size_t i = tcb_first_tdx_component(p); i < TCB_COMPONENTS; i++)
        if (p->tee_tcb_svn[i] < level->tdx[i])
            return false;
    return true;
}

static void match_levels(const struct tcb_info *info, const struct tcb_platform *p, struct tcb_verdict *v)
{
    for (size_t i = 0; i < info->level_count && !v->level; i++) {
        const struct tcb_level *level = &info->levels[i];

        if (!reaches_sgx(p, level))
            continue;
        if (!v->sgx_level)
            v->sgx_level = level;
        if (p->tee == TEE_SGX || reaches_tdx(p, level))
            v->level = level;
    }
    v->sgx_status = v->sgx_level ? v->sgx_level->status : TCB_NOT_SUPPORTED;
}

const struct svn_level *svn_match(const struct svn_level *levels, size_t count, uint16_t isv_svn)
{
    for (size_t i = 0; i < count; i++)
        if (levels[i].isv_svn <= isv_svn)
            return &levels[i];
    return NULL;
}

enum tcb_status tcb_converge(enum tcb_status platform, enum tcb_status other)
{
    switch (other) {
    case TCB_OUT_OF_DATE:
        if (platform == TCB_UP_TO_DATE || platform == TCB_SW_HARDENING_NEEDED)
            return TCB_OUT_OF_DATE;
        if (platform == TCB_CONFIGURATION_NEEDED || platform == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED)
            return TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
        return platform;
    case TCB_REVOKED: return platform == TCB_NOT_SUPPORTED ? platform : TCB_REVOKED;
    case TCB_NOT_SUPPORTED: return TCB_NOT_SUPPORTED;
    default: return platform;
    }
}

/* "TDX_03" for version 3, letter case ignored; NULL when Intel knows no such version. */
static const struct tdx_module *module_of(const struct tcb_info *info, uint8_t version)
{
    static const char digit[] = "0123456789ABCDEF";
    const char id[] = {'T', 'D', 'X', '_', digit[version >> 4], digit[version & 15], 0};

    if (version == 0)
        return info->has_module ? &info->module : NULL;
    for (size_t i = 0; i < info->module_identity_count; i++)
        if (bytes_is_nocase(info->module_identities[i].id, id))
            return &info->module_identities[i];
    return NULL;
}

static void judge_module(const struct tcb_info *info, const struct tcb_platform *p, struct tcb_verdict *v)
{
    const struct tdx_module *m = module_of(info, p->tee_tcb_svn[MODULE_VERSION]);

    v->module = m;
    v->module_status = TCB_NOT_SUPPORTED;
    if (!m)
        return;
    if (p->tee_tcb_svn[MODULE_VERSION] == 0) {
        v->module_status = TCB_UP_TO_DATE; /* such a module has no levels: the TDX components judge it */
        return;
    }
    v->module_level = svn_match(m->levels, m->level_count, p->tee_tcb_svn[MODULE_SVN]);
    if (v->module_level)
        v->module_status = v->module_level->status;
}

/* Is what is loaded now (its identity: m), after an update beneath the running TD, at the newest level? */
static bool is_newest(const struct tcb_info *info, const struct tdx_module *m, const uint8_t svn[TCB_COMPONENTS])
{
    const struct tcb_level *top = &info->levels[0];

    if (svn[MODULE_LOADER] < top->tdx[MODULE_LOADER])
        return false;
    if (svn[MODULE_VERSION] == 0)
        return svn[MODULE_SVN] >= top->tdx[MODULE_SVN];
    return m->level_count && svn[MODULE_SVN] >= m->levels[0].isv_svn;
}

static bool needs_configuration(enum tcb_status s)
{
    return s == TCB_CONFIGURATION_NEEDED || s == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED ||
           s == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

/* sgx-tdx.md 7 F 8: a TD that was started under an old module, on a platform that has the newest now, is better started
 * again; nothing else about the platform may be old. */
static enum tcb_status relaunch(const struct tcb_info *info, const struct tcb_platform *p, const struct tcb_verdict *v,
                                enum tcb_status s)
{
    bool qe_good = v->qe_status != TCB_OUT_OF_DATE && v->qe_status != TCB_REVOKED && v->qe_status != TCB_NOT_SUPPORTED;
    bool platform_good = v->sgx_status == TCB_UP_TO_DATE || v->sgx_status == TCB_SW_HARDENING_NEEDED ||
                         v->sgx_status == TCB_CONFIGURATION_NEEDED ||
                         v->sgx_status == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED;
    bool old = s == TCB_OUT_OF_DATE || s == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;

    if (!p->has_current || !qe_good || !platform_good || !old || v->module_status != TCB_OUT_OF_DATE)
        return s;
    const struct tdx_module *current = module_of(info, p->current_tcb_svn[MODULE_VERSION]);
    if (!current)
        return TCB_NOT_SUPPORTED; /* Intel vouches for nothing about what runs now */
    if (!is_newest(info, current, p->current_tcb_svn))
        return s;
    return needs_configuration(v->sgx_status) || needs_configuration(s) ? TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
                                                                        : TCB_TD_RELAUNCH_ADVISED;
}

void tcb_judge(const struct tcb_info *info, const struct enclave_identity *identity,
               const struct tcb_platform *platform, struct tcb_verdict *out)
{
    *out = (struct tcb_verdict){.tdx_status = TCB_NOT_SUPPORTED, .module_status = TCB_NOT_SUPPORTED};
    out->qe_level = svn_match(identity->levels, identity->level_count, platform->qe_svn);
    out->qe_status = out->qe_level ? out->qe_level->status : TCB_NOT_SUPPORTED;
    match_levels(info, platform, out);
    if (platform->tee == TEE_SGX) {
        out->status = tcb_converge(out->sgx_status, out->qe_status);
        return;
    }
    out->tdx_status = out->level ? out->level->status : TCB_NOT_SUPPORTED;
    judge_module(info, platform, out);
    out->status =
        tcb_converge(relaunch(info, platform, out, tcb_converge(out->tdx_status, out->module_status)), out->qe_status);
}
