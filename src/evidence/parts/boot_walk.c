#include "evidence/parts/boot_walk.h"

#include "evidence/parts/secure_boot.h"
#include "evidence/parts/wbcl.h"

/* Into these only Windows measures: where it was booted, nothing else may stand there. PCR 14 is shim's too. */
#define WINDOWS_ALONE (1u << 12 | 1u << 13 | 1u << 19 | 1u << 20)

void boot_walk_begin(struct boot_walk *w, const struct measured *m, enum digest_alg bank, uint32_t quoted)
{
    *w = (struct boot_walk){.m = m, .bank = bank, .quoted = quoted, .separators = event_separators_of(bank)};
}

/* The next event of the log; false where it has no more. */
static bool next_of_log(struct boot_walk *w, const struct measured_log *log, struct boot_event *e)
{
    const struct event_bank *bank = event_log_bank(&log->tcg, w->bank);

    while (w->item < log->tcg.count) {
        const struct event *event = &log->tcg.events[w->item];
        size_t index = w->item++, seq = w->seq++;

        if (!bank || !event_extends(event) || !(w->quoted >> event->reg & 1))
            continue;
        *e = (struct boot_event){.log = log, .index = index, .seq = seq, .event = event};
        e->open = !(w->closed >> event->reg & 1);
        e->separator = event_separates(&log->tcg, event, bank, w->separators);
        if (e->separator)
            w->closed |= 1u << event->reg;
        return true;
    }
    return false;
}

static bool next_of_list(struct boot_walk *w, const struct measured_log *log, struct boot_event *e)
{
    while (w->item < log->ima.count) {
        const struct ima_entry *entry = &log->ima.entries[w->item];
        size_t index = w->item++, seq = w->seq++;

        if (!(w->quoted >> entry->pcr & 1))
            continue;
        *e = (struct boot_event){.log = log, .index = index, .seq = seq, .entry = entry};
        return true;
    }
    return false;
}

bool boot_walk_any(struct boot_walk *w, struct boot_event *e)
{
    for (; w->log < w->m->count; w->log++, w->item = 0) {
        const struct measured_log *log = &w->m->logs[w->log];

        if (log->is_ima ? next_of_list(w, log, e) : next_of_log(w, log, e))
            return true;
    }
    return false;
}

bool boot_walk_next(struct boot_walk *w, struct boot_event *e)
{
    while (boot_walk_any(w, e))
        if (e->event)
            return true;
    return false;
}

bool boot_event_covered(const struct boot_walk *w, const struct boot_event *e)
{
    return measured_covers(e->log, e->index, w->bank);
}

bool boot_event_of_windows(const struct boot_walk *w, const struct boot_event *e)
{
    if (!e->open || e->event->type != EV_EVENT_TAG || !(BOOT_WINDOWS_REGISTERS >> e->event->reg & 1))
        return false;
    uint8_t *known = &e->log->known[e->index];
    if (!(*known & (MEASURED_WINDOWS | MEASURED_NOT_WINDOWS)))
        *known |= boot_event_covered(w, e) && wbcl_fits(e->event->data) ? MEASURED_WINDOWS : MEASURED_NOT_WINDOWS;
    return *known & MEASURED_WINDOWS;
}

/* ------------------------------------------------------------------------------------------------------------ checks */

static const char *event_place(struct exam *x, const struct boot_event *e)
{
    const char *type = event_type_name(e->event->type);

    return arena_printf(x->arena, "PCR %u: event %zu (%s)", (unsigned)e->event->reg, e->seq, type ? type : "unknown");
}

static bool verify_separators(struct exam *x, const struct measured *m, enum digest_alg bank, uint32_t quoted)
{
    struct boot_walk w;
    struct boot_event e;

    boot_walk_begin(&w, m, bank, quoted & (BOOT_WINDOWS_REGISTERS | 1u << PCR_SECURE_BOOT));
    while (boot_walk_next(&w, &e)) {
        bool labelled = e.event->type == EV_SEPARATOR;

        if (e.separator == labelled && (e.open || !e.separator))
            continue;
        if (check_that(x, BOOT_LOG_SEPARATOR, false))
            return true;
        check_note(x->trace, "%s is %s", event_place(x, &e),
                   !e.separator ? "called a separator, and its digest is that of none"
                   : labelled   ? "a second separator"
                                : "a separator by its digest, and called another thing");
        return false;
    }
    return check_that(x, BOOT_LOG_SEPARATOR, true);
}

/* Windows tells of itself, or closed its registers: by a digest that cannot be called another thing. */
static bool booted_windows(const struct measured *m, enum digest_alg bank, uint32_t quoted)
{
    struct boot_walk w;
    struct boot_event e;

    boot_walk_begin(&w, m, bank, quoted & BOOT_WINDOWS_REGISTERS);
    while (boot_walk_next(&w, &e))
        if (e.separator || boot_event_of_windows(&w, &e))
            return true;
    return false;
}

static bool verify_data(struct exam *x, const struct measured *m, enum digest_alg bank, uint32_t quoted)
{
    struct boot_walk w;
    struct boot_event e;

    if (!booted_windows(m, bank, quoted)) {
        check_skip(x, BOOT_LOG_DATA, "no Windows was booted");
        return true;
    }
    boot_walk_begin(&w, m, bank, quoted & WINDOWS_ALONE);
    while (boot_walk_next(&w, &e)) {
        if (!e.open || e.separator || boot_event_of_windows(&w, &e))
            continue;
        if (check_that(x, BOOT_LOG_DATA, false))
            return true;
        check_note(x->trace, "%s is none of Windows whose data its digest covers", event_place(x, &e));
        return false;
    }
    return check_that(x, BOOT_LOG_DATA, true);
}

bool boot_walk_verify(struct exam *x, const struct measured *m, enum digest_alg bank, uint32_t quoted)
{
    return verify_separators(x, m, bank, quoted) && verify_data(x, m, bank, quoted);
}
