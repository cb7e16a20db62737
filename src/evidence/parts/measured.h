/* Logs beside the registers that they claim to explain: of one boot, in the order of measurement, TCG logs and IMA lists
 * (tpm-vbs.md 1.5 step 7, 3.5). */
#ifndef ASSAY_EVIDENCE_PARTS_MEASURED_H
#define ASSAY_EVIDENCE_PARTS_MEASURED_H

#include "endorsement/exam.h"
#include "evidence/parts/event_log.h"
#include "evidence/parts/ima_log.h"
#include "evidence/parts/tpm.h"

enum { MEASURED_LOGS = 8 };

struct measured_log {
    bool is_ima;
    struct event_log tcg;
    struct ima_log ima;
};
struct measured {
    struct measured_log logs[MEASURED_LOGS];
    size_t count;
};
#define MEASURED_CHECKS CHECK_BOOT_LOG_SHAPE, CHECK_BOOT_LOG_REPLAY

/* Reads one more log (BOOT_LOG_SHAPE). */
bool measured_add(struct exam *x, struct measured *m, struct bytes text, bool is_ima);
/* States BOOT_LOG_REPLAY: in every bank that the quote selects, each register of which a log tells holds what the logs replay to,
 * and each other one its value after reset. The note names register and event where they part. `selection` and `pcrs` must be a
 * verified quote's. Skipped where there is no log. */
bool measured_verify(struct exam *x, const struct measured *m, const struct tpm_selection *selection,
                     const struct tpm_pcrs *pcrs);

#endif
