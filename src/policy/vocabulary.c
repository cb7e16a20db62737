#include "policy/vocabulary.h"

#define SGX    (TYPE_SGX | TYPE_OE)
#define SNP    (TYPE_SNP | TYPE_AZURE_GUEST) /* of a confidential VM's hardware: conditions see them there too */
#define TDX    (TYPE_TDX | TYPE_AZURE_GUEST)
#define AZURE  TYPE_AZURE_GUEST
#define TPM    TYPE_TPM
#define NO_TPM (TYPE_ALL & ~TYPE_TPM)

static const struct {
    const char *name;
    unsigned type;
} types[] = {
    {"SgxEnclave", TYPE_SGX},         {"OpenEnclave", TYPE_OE}, {"SevSnpVm", TYPE_SNP},   {"TdxVm", TYPE_TDX},
    {"AzureGuest", TYPE_AZURE_GUEST}, {"Tpm", TYPE_TPM},        {"VbsEnclave", TYPE_TPM},
};

static const struct known_claim claims[] = {
    /* claims.md 1.3 and 2: of every token */
    {"iss", CLAIM_STRING, 0, TYPE_ALL, false},
    {"iat", CLAIM_INTEGER, 0, TYPE_ALL, false},
    {"nbf", CLAIM_INTEGER, 0, TYPE_ALL, false},
    {"exp", CLAIM_INTEGER, 0, TYPE_ALL, false},
    {"jti", CLAIM_STRING, 0, TYPE_ALL, false},
    {"x-ms-ver", CLAIM_STRING, 0, TYPE_ALL, false},
    {"x-ms-attestation-type", CLAIM_STRING, TYPE_ALL, TYPE_ALL, false},
    {"x-ms-policy-hash", CLAIM_STRING, 0, TYPE_ALL, false},
    {"x-ms-policy-signer", CLAIM_JSON, 0, TYPE_ALL, false},
    {"x-ms-policy", CLAIM_JSON, 0, TYPE_ALL, false},
    {"nonce", CLAIM_STRING, 0, TYPE_ALL, false},
    {"x-ms-runtime", CLAIM_JSON, 0, NO_TPM, false},
    {"x-ms-inittime", CLAIM_JSON, 0, NO_TPM & ~TYPE_AZURE_GUEST, false},
    {"x-assay-development", CLAIM_BOOLEAN, TYPE_ALL, TYPE_ALL, false},
    {"x-ms-compliance-status", CLAIM_STRING, SNP | TDX, TYPE_ALL, false},
    /* claims.md 3 */
    {"x-ms-sgx-is-debuggable", CLAIM_BOOLEAN, SGX, SGX, false},
    {"x-ms-sgx-product-id", CLAIM_INTEGER, SGX, SGX, false},
    {"x-ms-sgx-mrsigner", CLAIM_STRING, SGX, SGX, false},
    {"x-ms-sgx-mrenclave", CLAIM_STRING, SGX, SGX, false},
    {"x-ms-sgx-svn", CLAIM_INTEGER, SGX, SGX, false},
    {"x-ms-sgx-report-data", CLAIM_STRING, SGX, SGX, false},
    {"x-ms-sgx-config-id", CLAIM_STRING, SGX, SGX, false},
    {"x-ms-sgx-config-svn", CLAIM_INTEGER, SGX, SGX, false},
    {"x-ms-sgx-isv-extended-product-id", CLAIM_STRING, SGX, SGX, false},
    {"x-ms-sgx-isv-family-id", CLAIM_STRING, SGX, SGX, false},
    {"x-ms-sgx-tcbidentifier", CLAIM_STRING, 0, SGX, false},
    {"x-ms-sgx-ehd", CLAIM_STRING, 0, SGX, false},
    {"maa-ehd", CLAIM_STRING, 0, SGX, false},
    {"aas-ehd", CLAIM_STRING, TPM, SGX, false},
    {"x-ms-sgx-collateral", CLAIM_JSON, 0, SGX, false},
    {"maa-attestationcollateral", CLAIM_JSON, 0, SGX, false},
    {"$is-debuggable", CLAIM_BOOLEAN, SGX, 0, false},
    {"$product-id", CLAIM_INTEGER, SGX, 0, false},
    {"$sgx-mrsigner", CLAIM_STRING, SGX, 0, false},
    {"$sgx-mrenclave", CLAIM_STRING, SGX, 0, false},
    {"$svn", CLAIM_INTEGER, SGX, 0, false},
    {"$tee", CLAIM_STRING, SGX, 0, false},
    /* claims.md 4 */
    {"x-ms-sevsnpvm-authorkeydigest", CLAIM_STRING, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-bootloader-svn", CLAIM_INTEGER, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-familyId", CLAIM_STRING, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-guestsvn", CLAIM_INTEGER, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-hostdata", CLAIM_STRING, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-idkeydigest", CLAIM_STRING, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-imageId", CLAIM_STRING, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-is-debuggable", CLAIM_BOOLEAN, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-launchmeasurement", CLAIM_STRING, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-microcode-svn", CLAIM_INTEGER, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-migration-allowed", CLAIM_BOOLEAN, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-reportdata", CLAIM_STRING, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-reportid", CLAIM_STRING, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-smt-allowed", CLAIM_BOOLEAN, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-snpfw-svn", CLAIM_INTEGER, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-tee-svn", CLAIM_INTEGER, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-vmpl", CLAIM_INTEGER, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-chip-family", CLAIM_STRING, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-chipid", CLAIM_STRING, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-singlesocket", CLAIM_BOOLEAN, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-cxl-allowed", CLAIM_BOOLEAN, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-mem-aes256-xts-required", CLAIM_BOOLEAN, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-rapl-disabled", CLAIM_BOOLEAN, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-ciphertext-hiding-dram-enabled", CLAIM_BOOLEAN, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-page-swap-disabled", CLAIM_BOOLEAN, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-fmc-svn", CLAIM_INTEGER, SNP, TYPE_SNP, false},
    {"x-ms-sevsnpvm-uvm-endorsement", CLAIM_JSON, 0, TYPE_SNP, false},
    /* claims.md 5 */
    {"eat_profile", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"dbgstat", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"intuse", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"attester_tcb_status", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_mrsignerseam", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_mrseam", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_mrtd", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_rtmr0", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_rtmr1", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_rtmr2", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_rtmr3", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_mrconfigid", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_mrowner", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_mrownerconfig", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_mrservicetd", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_report_data", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_seam_attributes", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_td_attributes", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_xfam", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_tee_tcb_svn", CLAIM_STRING, TDX, TYPE_TDX, false},
    {"tdx_seamsvn", CLAIM_INTEGER, TDX, TYPE_TDX, false},
    {"tdx_td_attributes_debug", CLAIM_BOOLEAN, TDX, TYPE_TDX, false},
    {"tdx_td_attributes_septve_disable", CLAIM_BOOLEAN, TDX, TYPE_TDX, false},
    {"tdx_td_attributes_protection_keys", CLAIM_BOOLEAN, TDX, TYPE_TDX, false},
    {"tdx_td_attributes_key_locker", CLAIM_BOOLEAN, TDX, TYPE_TDX, false},
    {"tdx_td_attributes_perfmon", CLAIM_BOOLEAN, TDX, TYPE_TDX, false},
    /* claims.md 6 */
    {"secureboot", CLAIM_BOOLEAN, AZURE, AZURE, false},
    {"x-ms-azurevm-attestation-protocol-ver", CLAIM_STRING, AZURE, AZURE, false},
    {"x-ms-azurevm-bootdebug-enabled", CLAIM_BOOLEAN, AZURE, AZURE, false},
    {"x-ms-azurevm-dbvalidated", CLAIM_BOOLEAN, AZURE, AZURE, false},
    {"x-ms-azurevm-dbxvalidated", CLAIM_BOOLEAN, AZURE, AZURE, false},
    {"x-ms-azurevm-debuggersdisabled", CLAIM_BOOLEAN, AZURE, AZURE, false},
    {"x-ms-azurevm-default-securebootkeysvalidated", CLAIM_BOOLEAN, AZURE, AZURE, false},
    {"x-ms-azurevm-elam-enabled", CLAIM_BOOLEAN, AZURE, AZURE, false},
    {"x-ms-azurevm-flightsigning-enabled", CLAIM_BOOLEAN, AZURE, AZURE, false},
    {"x-ms-azurevm-hypervisordebug-enabled", CLAIM_BOOLEAN, AZURE, AZURE, false},
    {"x-ms-azurevm-is-windows", CLAIM_BOOLEAN, AZURE, AZURE, false},
    {"x-ms-azurevm-kerneldebug-enabled", CLAIM_BOOLEAN, AZURE, AZURE, false},
    {"x-ms-azurevm-signingdisabled", CLAIM_BOOLEAN, AZURE, AZURE, false},
    {"x-ms-azurevm-testsigning-enabled", CLAIM_BOOLEAN, AZURE, AZURE, false},
    {"x-ms-azurevm-hvci-policy", CLAIM_INTEGER, AZURE, AZURE, false},
    {"x-ms-azurevm-osbuild", CLAIM_STRING, AZURE, AZURE, false},
    {"x-ms-azurevm-osdistro", CLAIM_STRING, AZURE, AZURE, false},
    {"x-ms-azurevm-ostype", CLAIM_STRING, AZURE, AZURE, false},
    {"x-ms-azurevm-osversion-major", CLAIM_INTEGER, AZURE, AZURE, false},
    {"x-ms-azurevm-osversion-minor", CLAIM_INTEGER, AZURE, AZURE, false},
    {"x-ms-azurevm-vmid", CLAIM_STRING, AZURE, AZURE, false},
    {"x-ms-azurevm-attested-pcrs", CLAIM_JSON, 0, AZURE, false},
    {"x-ms-azurevm-attested-pcr-values", CLAIM_JSON, 0, AZURE, false},
    {"x-ms-azurevm-os-provisioning", CLAIM_JSON, 0, AZURE, false},
    {"x-ms-isolation-tee", CLAIM_JSON, 0, AZURE, false},
    /* claims.md 8 */
    {"aikValidated", CLAIM_BOOLEAN, TPM, 0, false},
    {"aikPubHash", CLAIM_STRING, TPM, 0, false},
    {"tpmVersion", CLAIM_INTEGER, TPM, 0, false},
    {"secureBootEnabled", CLAIM_BOOLEAN, TPM, 0, false},
    {"iommuEnabled", CLAIM_BOOLEAN, TPM, 0, false},
    {"bootDebuggingDisabled", CLAIM_BOOLEAN, TPM, 0, false},
    {"notSafeMode", CLAIM_BOOLEAN, TPM, 0, false},
    {"notWinPE", CLAIM_BOOLEAN, TPM, 0, false},
    {"vbsEnabled", CLAIM_BOOLEAN, TPM, 0, false},
    {"vbsReportPresent", CLAIM_BOOLEAN, TPM, 0, false},
    {"vsmReportPresent", CLAIM_BOOLEAN, TPM, 0, false},
    {"enclaveAuthorId", CLAIM_STRING, TPM, 0, false},
    {"enclaveImageId", CLAIM_STRING, TPM, 0, false},
    {"enclaveOwnerId", CLAIM_STRING, TPM, 0, false},
    {"enclaveFamilyId", CLAIM_STRING, TPM, 0, false},
    {"enclaveSvn", CLAIM_INTEGER, TPM, 0, false},
    {"enclavePlatformSvn", CLAIM_INTEGER, TPM, 0, false},
    {"enclaveFlags", CLAIM_INTEGER, TPM, 0, false},
    {"events", CLAIM_STRING, TPM, 0, true},
    {"bootEvents", CLAIM_STRING, TPM, 0, true},
    {"pcrs", CLAIM_STRING, TPM, 0, true},
    {"x-ms-tpm-request-key", CLAIM_STRING, TPM, TPM, true},
    {"x-ms-tpm-other-keys", CLAIM_STRING, TPM, TPM, true},
    {"ver", CLAIM_STRING, 0, TPM, false},
    {"rp_data", CLAIM_STRING, 0, TPM, false},
    {"cnf", CLAIM_JSON, 0, TPM, false},
};

/* policy.md 5.5 */
static const struct known_property properties[] = {
    {"require_valid_aik_cert", CLAIM_BOOLEAN, SECTION_CONFIGURATION, TPM},
    {"required_pcr_mask", CLAIM_INTEGER, SECTION_CONFIGURATION, TPM},
    {"x-ms-sgx-tcbidentifier", CLAIM_STRING, SECTION_CONFIGURATION, SGX},
    {"report_validity_in_minutes", CLAIM_INTEGER, SECTION_ISSUANCE, TPM},
    {"omit_x5c", CLAIM_BOOLEAN, SECTION_ISSUANCE, TPM},
};

enum {
    TYPES = sizeof types / sizeof *types,
    CLAIMS = sizeof claims / sizeof *claims,
    PROPERTIES = sizeof properties / sizeof *properties,
};

unsigned vocabulary_type(struct bytes name)
{
    for (size_t i = 0; i < TYPES; i++)
        if (bytes_is_nocase(name, types[i].name))
            return types[i].type;
    return 0;
}

const char *vocabulary_type_name(size_t i)
{
    return i < TYPES ? types[i].name : NULL;
}

const struct known_claim *vocabulary_claim_at(size_t i)
{
    return i < CLAIMS ? &claims[i] : NULL;
}

const struct known_claim *vocabulary_claim(struct bytes name)
{
    for (size_t i = 0; i < CLAIMS; i++)
        if (bytes_is(name, claims[i].name))
            return &claims[i];
    return NULL;
}

const struct known_property *vocabulary_property_at(size_t i)
{
    return i < PROPERTIES ? &properties[i] : NULL;
}

const struct known_property *vocabulary_property(struct bytes name)
{
    for (size_t i = 0; i < PROPERTIES; i++)
        if (bytes_is(name, properties[i].name))
            return &properties[i];
    return NULL;
}
