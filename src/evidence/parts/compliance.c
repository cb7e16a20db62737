#include "evidence/parts/compliance.h"

/* A key that the paravisor made: the guest cannot have another bound at its level. */
static bool has_hcl_key(const struct json *keys)
{
    struct bytes kid;

    JSON_EACH (key, keys)
        if (json_text(json_member(key, "kid"), &kid) && (bytes_is(kid, "HCLAkPub") || bytes_is(kid, "HCLTransferKey")))
            return true;
    return false;
}

static bool is_of_paravisor(const struct json *runtime)
{
    const struct json *vm = json_member(runtime, "vm-configuration");

    return json_member(vm, "secure-boot") && json_member(vm, "tpm-enabled") && json_member(vm, "vmUniqueId") &&
           has_hcl_key(json_member(runtime, "keys"));
}

const char *compliance_of_snp(const struct reference_values *r, const struct snp_compliance *s)
{
    const char *status = s->uvm ? uvm_compliance(s->uvm) : NULL;

    if (status)
        return status;
    return s->vmpl == 0 && !s->debuggable && !s->migratable &&
                   reference_has(r, REFERENCE_AZURE_ID_KEYS, s->id_key_digest) && is_of_paravisor(s->runtime)
               ? "azure-compliant-cvm"
               : NULL;
}

const char *compliance_of_tdx(const struct reference_values *r, bool under_test, struct bytes mrtd)
{
    return !under_test && reference_has(r, REFERENCE_AZURE_MRTDS, mrtd) ? "azure-compliant-cvm" : NULL;
}

void compliance_claim(struct claims *incoming, const char *status)
{
    if (status)
        claims_text(incoming, "x-ms-compliance-status", bytes_text(status), CLAIM_POLICY | CLAIM_TOKEN);
}
