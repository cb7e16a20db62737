#include "agent/gramine.h"

#include "agent/file.h"
#include "base/limits.h"
#include "base/text.h"

static bool read_type(const char *root, struct arena *a, struct bytes *type, struct fault *fault)
{
    bool ok = agent_read(a, arena_printf(a, "%s/attestation_type", root), LIMIT_TSM_TEXT, type, fault);

    *type = bytes_trim_end(*type);
    return ok;
}

bool agent_gramine_there(const char *root, struct arena *a)
{
    struct bytes type;

    return read_type(root, a, &type, NULL) && bytes_is(type, "dcap");
}

bool agent_gramine_quote(const char *root, const uint8_t data[AGENT_REPORT_DATA], struct arena *a, struct bytes *quote,
                         struct fault *fault)
{
    struct bytes type;

    if (!read_type(root, a, &type, fault))
        return false;
    if (!bytes_is(type, "dcap"))
        return fault_set(fault, FAULT_SYSTEM,
                         "%s: attestation of type %.*s; set sgx.remote_attestation = \"dcap\" in the manifest", root,
                         (int)bytes_first(type, 16).n, (const char *)type.p);
    return agent_write_attribute(arena_printf(a, "%s/user_report_data", root), bytes_make(data, AGENT_REPORT_DATA),
                                 fault) &&
           agent_read(a, arena_printf(a, "%s/quote", root), LIMIT_QUOTE, quote, fault) &&
           (quote->n != 0 || fault_set(fault, FAULT_SYSTEM, "%s: an empty quote", root));
}
