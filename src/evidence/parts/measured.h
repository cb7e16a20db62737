/* Logs beside the registers that they claim to explain: of one boot, in the order of measurement, TCG logs and IMA lists
 * (tpm-vbs.md 1.5 step 7, 3.5). */
#ifndef ASSAY_EVIDENCE_PARTS_MEASURED_H
#define ASSAY_EVIDENCE_PARTS_MEASURED_H

#include "endorsement/exam.h"
#include "evidence/parts/event_log.h"
#include "evidence/parts/ima_log.h"
#include "evidence/parts/tpm.h"

enum { MEASURED_LOGS = 8 };

/* Of an event's data: looked at once, asked for often. */
enum { MEASURED_COVERED = 1, MEASURED_NOT_COVERED = 2, MEASURED_WINDOWS = 4, MEASURED_NOT_WINDOWS = 8 };
struct measured_log {
    bool is_ima;
    struct event_log tcg;
    struct ima_log ima;
    uint8_t *known; /* of each event: what was found of its data before (MEASURED_ bits) */
};
struct measured {
    struct measured_log logs[MEASURED_LOGS];
    size_t count;
    bool needed; /* without a log registers must hold their values after reset; else there is nothing to compare */
};
#define MEASURED_CHECKS \
    CHECK_BOOT_LOG_SHAPE, CHECK_IMA_TEMPLATE_HASH, CHECK_BOOT_LOG_REPLAY, CHECK_BOOT_LOG_SEPARATOR, CHECK_BOOT_LOG_DATA

/* Reads one more log (BOOT_LOG_SHAPE). */
bool measured_add(struct exam *x, struct measured *m, struct bytes text, bool is_ima);
/* States BOOT_LOG_REPLAY: in every bank that the quote selects, each register of which a log tells holds what the logs replay to,
 * and each other one its value after reset. The note names register and event where they part. `selection` and `pcrs` must be a
 * verified quote's. Before it IMA_TEMPLATE_HASH: that what IMA's entries say is what their hashes are made of; after it BOOT_LOG_SEPARATOR
 * and BOOT_LOG_DATA (boot_walk.h). Where there is no log all are skipped, unless one
 * is needed. */
bool measured_verify(struct exam *x, const struct measured *m, const struct tpm_selection *selection,
                     const struct tpm_pcrs *pcrs);

bool measured_has_tcg(const struct measured *m); /* a log of the TCG, not IMA's alone */
/* The bank that decisions rest on, and its quoted registers: of those quoted the one that all TCG logs have digests of, SHA-256
 * before SHA-384, SHA-512 and SHA-1. False where there is none. */
bool measured_bank(const struct measured *m, const struct tpm_selection *selection, enum digest_alg *bank,
                   uint32_t *quoted);
/* Does the digest of that bank cover the data of this event of a TCG log (event_data_measured)? Hashed once for each event, so
 * always ask with the same bank. */
bool measured_covers(const struct measured_log *log, size_t event, enum digest_alg bank);

#endif
