#include "evidence/snp_claims.h"

#include "evidence/parts/compliance.h"

enum { BOTH = CLAIM_POLICY | CLAIM_TOKEN };

/* SVNs are those of the reported TCB, which the key certifies; the current one may be higher (snp-cvm.md 1.4). */
void snp_report_claims(struct claims *out, const struct snp_report *r, const struct snp_tcb *reported)
{
    claims_hex(out, "x-ms-sevsnpvm-authorkeydigest", r->author_key_digest, BOTH);
    claims_integer(out, "x-ms-sevsnpvm-bootloader-svn", reported->bootloader, BOTH);
    claims_hex(out, "x-ms-sevsnpvm-familyId", r->family_id, BOTH);
    claims_integer(out, "x-ms-sevsnpvm-guestsvn", r->guest_svn, BOTH);
    claims_hex(out, "x-ms-sevsnpvm-hostdata", r->host_data, BOTH);
    claims_hex(out, "x-ms-sevsnpvm-idkeydigest", r->id_key_digest, BOTH);
    claims_hex(out, "x-ms-sevsnpvm-imageId", r->image_id, BOTH);
    claims_boolean(out, "x-ms-sevsnpvm-is-debuggable", snp_policy_has(r, SNP_POLICY_DEBUG), BOTH);
    claims_hex(out, "x-ms-sevsnpvm-launchmeasurement", r->measurement, BOTH);
    claims_integer(out, "x-ms-sevsnpvm-microcode-svn", reported->microcode, BOTH);
    claims_boolean(out, "x-ms-sevsnpvm-migration-allowed", snp_policy_has(r, SNP_POLICY_MIGRATION), BOTH);
    claims_hex(out, "x-ms-sevsnpvm-reportdata", r->report_data, BOTH);
    claims_hex(out, "x-ms-sevsnpvm-reportid", r->report_id, BOTH);
    claims_boolean(out, "x-ms-sevsnpvm-smt-allowed", snp_policy_has(r, SNP_POLICY_SMT), BOTH);
    claims_integer(out, "x-ms-sevsnpvm-snpfw-svn", reported->snp, BOTH);
    claims_integer(out, "x-ms-sevsnpvm-tee-svn", reported->tee, BOTH);
    claims_integer(out, "x-ms-sevsnpvm-vmpl", r->vmpl, BOTH);
}

/* Names that tokens have had since 2025-2026. */
static void recent_claims(struct claims *out, const struct snp_report *r, enum snp_product product)
{
    static const struct {
        const char *name;
        unsigned bit;
    } bits[] = {
        {"x-ms-sevsnpvm-singlesocket", SNP_POLICY_SINGLE_SOCKET},
        {"x-ms-sevsnpvm-cxl-allowed", SNP_POLICY_CXL},
        {"x-ms-sevsnpvm-mem-aes256-xts-required", SNP_POLICY_AES_256_XTS},
        {"x-ms-sevsnpvm-rapl-disabled", SNP_POLICY_RAPL_DISABLED},
        {"x-ms-sevsnpvm-ciphertext-hiding-dram-enabled", SNP_POLICY_CIPHERTEXT_HIDING},
        {"x-ms-sevsnpvm-page-swap-disabled", SNP_POLICY_PAGE_SWAP_DISABLED},
    };

    if (r->version >= SNP_VERSION_CPUID)
        claims_text(out, "x-ms-sevsnpvm-chip-family", bytes_text(snp_product_name(product)), BOTH);
    claims_hex(out, "x-ms-sevsnpvm-chipid", r->chip_id, BOTH);
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        claims_boolean(out, bits[i].name, snp_policy_has(r, bits[i].bit), BOTH);
}

void snp_claims(struct exam *x, const struct snp_evidence *e)
{
    struct claims *out = &x->incoming;
    const struct snp_compliance compliance = {.vmpl = e->report.vmpl,
                                              .debuggable = snp_policy_has(&e->report, SNP_POLICY_DEBUG),
                                              .migratable = snp_policy_has(&e->report, SNP_POLICY_MIGRATION),
                                              .id_key_digest = e->report.id_key_digest,
                                              .runtime = e->runtime.type == DATA_JSON ? e->runtime.json : NULL,
                                              .uvm = &e->uvm};

    claims_text(out, "x-ms-attestation-type", BYTES_LIT("sevsnpvm"), CLAIM_POLICY);
    snp_report_claims(out, &e->report, &e->basis.reported);
    compliance_claim(out, compliance_of_snp(x->settings->reference, &compliance));
    if (x->settings->claim_recent)
        recent_claims(out, &e->report, e->basis.product);
    if (x->settings->claim_extensions && e->basis.product == SNP_TURIN)
        claims_integer(out, "x-ms-sevsnpvm-fmc-svn", e->basis.reported.fmc, BOTH);
    if (e->runtime.type == DATA_JSON)
        claims_json(out, "x-ms-runtime", e->runtime.json, CLAIM_TOKEN);
    if (e->init.type == DATA_JSON)
        claims_json(out, "x-ms-inittime", e->init.json, CLAIM_TOKEN);
}
