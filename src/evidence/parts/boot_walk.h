/* A walk over the events of all TCG logs of a boot, in the order of measurement, which tells of each what may be believed. Digests
 * are measured; types are not, and data are only where the digest covers them. So separators are known by their digests. */
#ifndef ASSAY_EVIDENCE_PARTS_BOOT_WALK_H
#define ASSAY_EVIDENCE_PARTS_BOOT_WALK_H

#include "evidence/parts/measured.h"

/* Registers that Windows measures itself into, until its loader closes them (tpm-vbs.md 3.7); 19 and 20 after a dynamic launch. */
#define BOOT_WINDOWS_REGISTERS (1u << 12 | 1u << 13 | 1u << 14 | 1u << 19 | 1u << 20)

struct boot_walk {
    const struct measured *m;
    enum digest_alg bank;
    uint32_t quoted;
    const struct event_separators *separators;
    size_t log, item, seq; /* of the next event */
    uint32_t closed;       /* registers whose separator was met */
};
struct boot_event {
    const struct measured_log *log;
    size_t index;                  /* in the log */
    size_t seq;                    /* over all logs, entries of IMA's too */
    const struct event *event;     /* NULL: an entry of IMA's */
    const struct ima_entry *entry; /* NULL: an event */
    bool separator;                /* by its digest */
    bool open;                     /* no separator of its register came before */
};
void boot_walk_begin(struct boot_walk *w, const struct measured *m, enum digest_alg bank, uint32_t quoted);
/* The next event of a TCG log that extends a quoted register; false at the end. Lists of IMA's are passed over, but counted. */
bool boot_walk_next(struct boot_walk *w, struct boot_event *e);
/* The same with entries of IMA's. */
bool boot_walk_any(struct boot_walk *w, struct boot_event *e);
/* Does its digest cover its data? */
bool boot_event_covered(const struct boot_walk *w, const struct boot_event *e);
/* Events of Windows in a register of Windows, before its separator, covered, whose lengths fit (wbcl.h). */
bool boot_event_of_windows(const struct boot_walk *w, const struct boot_event *e);

/* States BOOT_LOG_SEPARATOR and BOOT_LOG_DATA, for logs that replay. Whoever was booted can label events anew, so that a hidden
 * one seems never to have been; these two see that nothing was. */
bool boot_walk_verify(struct exam *x, const struct measured *m, enum digest_alg bank, uint32_t quoted);

#endif
