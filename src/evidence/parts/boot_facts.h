/* What a boot that was measured says of a machine: facts of its firmware and of Windows, and the events as policies see them
 * (tpm-vbs.md 1.6, 3.4, 3.7; snp-cvm.md 3.7). Rests only on logs that replay to quoted registers, and of an event's data only
 * on those that its digest covers. */
#ifndef ASSAY_EVIDENCE_PARTS_BOOT_FACTS_H
#define ASSAY_EVIDENCE_PARTS_BOOT_FACTS_H

#include "base/json.h"
#include "evidence/parts/measured.h"
#include "evidence/parts/secure_boot.h"

/* An event of Windows that may be absent. */
enum fact { FACT_ABSENT, FACT_FALSE, FACT_TRUE /* all that were measured say so */, FACT_MIXED };

struct boot_facts {
    enum secure_boot secure_boot;
    bool secure_boot_on;
    /* Data of the Secure Boot variables in PCR 7, measured; p NULL where there is none. */
    struct bytes pk, kek, db, dbx;
    enum fact boot_debugging, kernel_debug, hypervisor_debug, test_signing, flight_signing, code_integrity, safe_mode,
        winpe, vsm_required, vbs_mandatory, iommu_required, elam;
    uint64_t hvci_policy;   /* 0 where it is absent */
    struct public_key idks; /* newest VSM_IDKS_INFO before the separator; kind KEY_NONE: none (tpm-vbs.md 4.2) */
};
/* By the digests of one bank; `quoted` has a bit for each register that a quote covers in that bank. */
void boot_facts_read(struct arena *a, const struct measured *m, enum digest_alg bank, uint32_t quoted,
                     struct boot_facts *out);

/* {"Events":[…]} of tpm-vbs.md 1.6, for policies of 1.2: only events of quoted registers. */
struct bytes boot_events_json(struct arena *a, const struct measured *m, enum digest_alg bank, uint32_t quoted);
/* {"PCRs":[…]} of the same. */
struct bytes boot_pcrs_json(struct arena *a, const struct tpm_selection *selection, const struct tpm_pcrs *pcrs);
/* The six plain claims: secureBootEnabled, iommuEnabled, bootDebuggingDisabled, notSafeMode, notWinPE, vbsEnabled. */
void boot_plain_claims(struct claims *incoming, const struct boot_facts *f);

#endif
