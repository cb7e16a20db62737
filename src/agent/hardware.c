#include "agent/hardware.h"

#include <unistd.h>

#include "agent/file.h"
#include "agent/gramine.h"
#include "agent/sev_guest.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"

static const struct {
    const char *name, *path;
} ways[] = {
    [AGENT_WAY_NONE] = {"none", ""},
    [AGENT_WAY_TSM] = {"configfs-tsm", AGENT_TSM},
    [AGENT_WAY_SEV_GUEST] = {"sev-guest", AGENT_SEV_GUEST_DEVICE},
    [AGENT_WAY_GRAMINE] = {"Gramine", AGENT_GRAMINE},
};

const char *agent_way_name(enum agent_way way)
{
    return ways[way].name;
}

const char *agent_way_path(enum agent_way way)
{
    return ways[way].path;
}

enum agent_way agent_way_find(struct arena *a)
{
    if (agent_tsm_provider(AGENT_TSM, a) != AGENT_NO_PROVIDER)
        return AGENT_WAY_TSM;
    if (access(AGENT_SEV_GUEST_DEVICE, R_OK | W_OK) == 0)
        return AGENT_WAY_SEV_GUEST;
    return agent_gramine_there(AGENT_GRAMINE, a) ? AGENT_WAY_GRAMINE : AGENT_WAY_NONE;
}

static bool ask_guest(enum agent_way way, const char *path, const uint8_t data[AGENT_REPORT_DATA], struct arena *a,
                      struct agent_evidence *out, struct fault *fault)
{
    struct agent_report report;

    if (way == AGENT_WAY_TSM ? !agent_tsm_report(path, data, a, &report, fault)
                             : !agent_sev_guest_report(path, data, a, &report, fault))
        return false;
    out->tee = report.provider == AGENT_TDX_GUEST ? AGENT_TEE_TDX : AGENT_TEE_SNP;
    out->report = report.report;
    return out->tee == AGENT_TEE_TDX || agent_certificates(a, report.certificates, &out->certificates, fault);
}

bool agent_evidence_ask(enum agent_way way, const char *path, const uint8_t data[AGENT_REPORT_DATA], struct arena *a,
                        struct agent_evidence *out, struct fault *fault)
{
    *out = (struct agent_evidence){0};
    switch (way) {
    case AGENT_WAY_TSM:
    case AGENT_WAY_SEV_GUEST: return ask_guest(way, path, data, a, out, fault);
    case AGENT_WAY_GRAMINE: out->tee = AGENT_TEE_SGX; return agent_gramine_quote(path, data, a, &out->report, fault);
    default: return fault_set(fault, FAULT_USAGE, "there is no hardware to be asked");
    }
}

bool agent_uvm_endorsements(const char *folder, struct arena *a, struct bytes *out, struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY);
    struct bytes text, cose;
    bool there;

    *out = BYTES_NONE;
    if (!folder)
        return true;
    if (!agent_read_if_there(a, arena_printf(a, "%s/reference-info-base64", folder), 2 * LIMIT_COSE, &text, &there,
                             fault))
        return false;
    if (!there)
        return true;
    if (!base64_decode(a, bytes_trim_end(text), &cose, NULL))
        return fault_set(fault, FAULT_SYNTAX, "%s/reference-info-base64 is no base64", folder);
    json_append(list, json_new_text(a, base64url_encode(a, cose)));
    JSON_SET(o, "Uvm", list);
    *out = json_print(a, o, JSON_IN_ORDER);
    return true;
}
