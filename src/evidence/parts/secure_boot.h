/* What a boot log says of UEFI Secure Boot (tpm-vbs.md 3.4). Worth something only when the log replays to the TPM's PCR 7. */
#ifndef ASSAY_EVIDENCE_PARTS_SECURE_BOOT_H
#define ASSAY_EVIDENCE_PARTS_SECURE_BOOT_H

#include "evidence/parts/event_log.h"

enum { PCR_SECURE_BOOT = 7 };

enum secure_boot {
    SECURE_BOOT_NOT_MEASURED, /* there is no such event */
    SECURE_BOOT_ON,
    SECURE_BOOT_OFF,
    SECURE_BOOT_EMPTY,   /* the variable has no value: a machine without keys */
    SECURE_BOOT_INVALID, /* said twice, not before the one separator, or not what the digest was made of */
};
const char *secure_boot_name(enum secure_boot s); /* "on", "off", "empty", "not measured", "invalid" */
/* By the digests of this bank. */
enum secure_boot secure_boot_state(const struct event_log *log, const struct event_bank *bank);

#endif
