/* What a boot that was measured says of a machine: facts of its firmware and of Windows, and the events as policies see them
 * (tpm-vbs.md 1.6, 3.4, 3.7; snp-cvm.md 3.7). Rests only on logs that replay to quoted registers, and of an event's data only
 * on those that its digest covers. */
#ifndef ASSAY_EVIDENCE_PARTS_BOOT_FACTS_H
#define ASSAY_EVIDENCE_PARTS_BOOT_FACTS_H

#include "base/json.h"
#include "endorsement/reference.h"
#include "evidence/parts/measured.h"
#include "evidence/parts/secure_boot.h"

/* An event of Windows that may be absent. */
enum fact { FACT_ABSENT, FACT_FALSE, FACT_TRUE /* all that were measured say so */, FACT_MIXED };

struct boot_facts {
    enum secure_boot secure_boot;
    bool secure_boot_on;
    /* With Secure Boot on, by the certificates that let programs start (PCR 7): all are of Windows; the first one is not. Whoever runs
     * another system can measure into PCRs 12 to 14 what Windows would have said, so without `windows` what speaks for the machine
     * counts as not said: boot debugging off, VBS, HVCI, ELAM, the identity key. */
    bool windows, other_system;
    /* Data of the Secure Boot variables in PCR 7, measured; p NULL where there is none. */
    struct bytes pk, kek, db, dbx;
    enum fact boot_debugging, kernel_debug, hypervisor_debug, test_signing, flight_signing, code_integrity, safe_mode,
        winpe, vsm_required, vbs_mandatory, iommu_required, elam;
    uint64_t hvci_policy;   /* 0 where it is absent, or not the same everywhere */
    bool whole;             /* PCRs 12 and 13 were quoted, and nothing stands there that is not read: absent means that
                               Windows did not say it */
    struct public_key idks; /* newest VSM_IDKS_INFO before the separator; kind KEY_NONE: none (tpm-vbs.md 4.2) */
};
/* By the digests of one bank; `quoted` has a bit for each register that a quote covers in that bank. `reference` names who signs what
 * boots Windows. */
void boot_facts_read(const struct measured *m, enum digest_alg bank, uint32_t quoted,
                     const struct reference_values *reference, struct boot_facts *out);

/* {"Events":[…]} of tpm-vbs.md 1.6, for policies of 1.2: only events that extend quoted registers. EventSeq counts all events of all
 * logs, also those that are left out. ProcessedData is null unless the digest covers the data and they were measured while only those
 * could write that the event speaks for: variables of the firmware before the separator of their register, events of Windows before
 * that of theirs. RawData are the data as sent, which nothing measures where ProcessedData is null. Digests are of the one bank. */
struct bytes boot_events_json(struct arena *a, const struct measured *m, enum digest_alg bank, uint32_t quoted);
/* {"PCRs":[…]} of the same: every quoted register, in each quoted bank, as base64url and in DigestsHex as hexadecimal text. */
struct bytes boot_pcrs_json(struct arena *a, const struct tpm_selection *selection, const struct tpm_pcrs *pcrs);
/* The six plain claims: secureBootEnabled, iommuEnabled, bootDebuggingDisabled, notSafeMode, notWinPE, vbsEnabled. */
void boot_plain_claims(struct claims *incoming, const struct boot_facts *f);

#endif
