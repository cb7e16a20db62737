#include "endorsement/intel/intel.h"

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

/* Every component of the platform is at least the level's. */
static bool reaches(const struct pck_chain *chain, const struct tcb_level *level)
{
    for (size_t i = 0; i < TCB_COMPONENTS; i++)
        if (chain->components[i] < level->sgx[i])
            return false;
    return chain->pce_svn >= level->pce_svn;
}

const struct tcb_level *tcb_match_sgx(const struct tcb_info *info, const struct pck_chain *chain)
{
    for (size_t i = 0; i < info->level_count; i++)
        if (reaches(chain, &info->levels[i]))
            return &info->levels[i];
    return NULL;
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
