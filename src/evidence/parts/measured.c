#include "evidence/parts/measured.h"

#include "base/text.h"
#include "evidence/parts/boot_walk.h"

enum { PCR_DEBUG = 16, PCR_IMA = 10, PCR_SYSTEMD = 15 };

/* ---------------------------------------------------------------------------------------------------------- reading */

static bool read_log(struct exam *x, struct measured_log *log, struct bytes text, struct fault *fault)
{
    if (log->is_ima)
        return ima_log_read(x->arena, text, &log->ima, fault);
    if (!event_log_read(x->arena, text, &log->tcg, fault))
        return false;
    log->known = arena_alloc(x->arena, log->tcg.count);
    return true;
}

bool measured_add(struct exam *x, struct measured *m, struct bytes text, bool is_ima)
{
    struct measured_log log = {.is_ima = is_ima};
    struct fault fault = {0};

    bool room = m->count < MEASURED_LOGS;
    if (!check_that(x, BOOT_LOG_SHAPE, room && read_log(x, &log, text, &fault))) {
        check_note(x->trace, "log %zu: %s", m->count + 1, room ? fault.text : "more than eight logs");
        return false;
    }
    if (room)
        m->logs[m->count++] = log;
    return true;
}

bool measured_covers(const struct measured_log *log, size_t event, enum digest_alg bank)
{
    const struct event_bank *b = event_log_bank(&log->tcg, bank);

    if (!b)
        return false;
    uint8_t *known = &log->known[event];
    if (!(*known & (MEASURED_COVERED | MEASURED_NOT_COVERED)))
        *known |= event_data_measured(&log->tcg, &log->tcg.events[event], b) ? MEASURED_COVERED : MEASURED_NOT_COVERED;
    return *known & MEASURED_COVERED;
}

/* ------------------------------------------------------------------------------------------------------------ banks */

bool measured_has_tcg(const struct measured *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (!m->logs[i].is_ima)
            return true;
    return false;
}

static bool tells_of(const struct measured *m, enum digest_alg alg)
{
    for (size_t i = 0; i < m->count; i++)
        if (!m->logs[i].is_ima && !event_log_bank(&m->logs[i].tcg, alg))
            return false;
    return true;
}

bool measured_bank(const struct measured *m, const struct tpm_selection *selection, enum digest_alg *bank,
                   uint32_t *quoted)
{
    static const enum digest_alg order[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGEST_SHA1};

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        *bank = order[i];
        *quoted = 0;
        for (size_t n = 0; n < selection->count && tells_of(m, *bank); n++) {
            struct event_bank b = event_bank_of(selection->banks[n].id);

            if (b.known && b.alg == *bank)
                *quoted |= selection->banks[n].mask;
        }
        if (*quoted)
            return true;
    }
    return false;
}

/* ----------------------------------------------------------------------------------------------------------- replay */

/* One bank while it is compared. */
struct comparison {
    const struct measured *m;
    enum digest_alg alg;
    uint32_t mask; /* registers that were quoted */
    struct bytes value[TPM_PCRS];
    bool padded; /* how IMA's entries are extended */
    struct event_registers r;
};

/* An item of a log in turn: an event, or an entry of IMA's. False: it extends nothing. */
static bool step(const struct comparison *c, const struct measured_log *log, size_t item, struct event_registers *r)
{
    if (log->is_ima) {
        ima_log_step(&log->ima.entries[item], c->alg, c->padded, r);
        return true;
    }
    const struct event_bank *bank = event_log_bank(&log->tcg, c->alg);
    return bank && event_log_step(&log->tcg, bank, item, r);
}

static size_t items(const struct measured_log *log)
{
    return log->is_ima ? log->ima.count : log->tcg.count;
}

static uint32_t item_register(const struct measured_log *log, size_t item)
{
    return log->is_ima ? log->ima.entries[item].pcr : log->tcg.events[item].reg;
}

static void start(const struct comparison *c, const struct measured_log *log, struct event_registers *r)
{
    if (!log->is_ima && event_log_bank(&log->tcg, c->alg))
        event_log_start(&log->tcg, r);
}

static void replay(struct comparison *c)
{
    event_registers_reset(&c->r, c->alg);
    for (size_t i = 0; i < c->m->count; i++) {
        const struct measured_log *log = &c->m->logs[i];

        start(c, log, &c->r);
        for (size_t n = 0; n < items(log); n++)
            step(c, log, n, &c->r);
    }
}

static struct bytes replayed(const struct comparison *c, uint32_t reg)
{
    return bytes_make(c->r.value[reg], c->r.size);
}

/* A register of a dynamic launch holds ones before the launch and zeros after it; both say that nothing was measured. */
static bool holds_reset(struct bytes value, uint32_t reg)
{
    bool ones = event_register_dynamic(reg);

    for (size_t i = 0; i < value.n && ones; i++)
        ones = value.p[i] == 0xff;
    return ones || bytes_all_zero(value);
}

static bool holds(const struct comparison *c, uint32_t reg)
{
    if (c->r.incomplete[reg])
        return false;
    if (!c->r.told[reg])
        return c->value[reg].n == c->r.size && holds_reset(c->value[reg], reg);
    return bytes_equal(c->value[reg], replayed(c, reg));
}

/* Registers that do not hold what they should. */
static uint32_t differing(const struct comparison *c)
{
    uint32_t mask = 0;

    for (uint32_t reg = 0; reg < TPM_PCRS; reg++)
        if (c->mask >> reg & 1 && !holds(c, reg))
            mask |= 1u << reg;
    return mask;
}

static uint32_t lists_tell_of(const struct measured *m)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < m->count; i++)
        for (size_t n = 0; m->logs[i].is_ima && n < m->logs[i].ima.count; n++)
            mask |= 1u << m->logs[i].ima.entries[n].pcr;
    return mask;
}

/* Kernels before 5.8 extended other banks than that of SHA-1 with SHA-1 hashes, filled up (tpm-vbs.md 3.6): where the newer way
 * leaves registers of IMA's that differ, the older one is tried. */
static uint32_t compare(struct comparison *c)
{
    replay(c);
    uint32_t differ = differing(c);

    if (c->alg == DIGEST_SHA1 || !(differ & lists_tell_of(c->m)))
        return differ;
    c->padded = true;
    replay(c);
    uint32_t older = differing(c);
    if (older != differ)
        return older;
    c->padded = false;
    replay(c);
    return differ;
}

/* ------------------------------------------------------------------------------------------------- where they part */

/* Where the replay passes a register's value. */
struct parting {
    bool found, at_start;
    size_t log, item, more; /* how many follow that extend the register */
};

static struct parting find_parting(const struct comparison *c, uint32_t reg)
{
    struct event_registers r;
    struct parting p = {0};

    event_registers_reset(&r, c->alg);
    for (size_t i = 0; i < c->m->count; i++) {
        const struct measured_log *log = &c->m->logs[i];

        start(c, log, &r);
        if (i == 0 && bytes_equal(c->value[reg], bytes_make(r.value[reg], r.size)))
            p = (struct parting){.found = true, .at_start = true};
        for (size_t n = 0; n < items(log); n++) {
            if (!step(c, log, n, &r) || item_register(log, n) != reg)
                continue;
            p.more++;
            if (bytes_equal(c->value[reg], bytes_make(r.value[reg], r.size)))
                p = (struct parting){.found = true, .log = i, .item = n};
        }
    }
    return p;
}

static const char *missing_log(uint32_t reg)
{
    if (reg == PCR_IMA)
        return "it is IMA's, whose measurement list was not sent";
    if (event_register_dynamic(reg))
        return "it is one of a dynamic launch, whose log was not sent";
    if (reg == PCR_DEBUG || reg == EVENT_LOG_REGISTERS - 1)
        return "any program may extend it: leave it out of the quote";
    return reg > PCR_IMA && reg <= PCR_SYSTEMD
               ? "an operating system measured after it was loaded: leave it out of the quote"
               : "a log of this boot was not sent";
}

static const char *item_name(const struct comparison *c, const struct parting *p, struct arena *a)
{
    const struct measured_log *log = &c->m->logs[p->log];
    const char *type = log->is_ima ? NULL : event_type_name(log->tcg.events[p->item].type);

    return arena_printf(a, "%s %zu%s%s%s of log %zu", log->is_ima ? "entry" : "event", p->item, type ? " (" : "",
                        type ? type : "", type ? ")" : "", p->log + 1);
}

static const char *why(const struct comparison *c, uint32_t reg, struct arena *a)
{
    if (c->value[reg].n != c->r.size)
        return "its value was not sent";
    if (c->r.incomplete[reg])
        return "an event of it has no digest of this bank";
    if (!c->r.told[reg])
        return arena_printf(a, "no log tells of it, and it does not hold its value after reset; %s", missing_log(reg));
    struct parting p = find_parting(c, reg);
    if (!p.found)
        return "no prefix of the logs gives it";
    return arena_printf(a, "the register's value is that %s, %zu more follow",
                        p.at_start ? "before the first event" : arena_printf(a, "after %s", item_name(c, &p, a)),
                        p.more);
}

static const char *list_registers(uint32_t mask, struct arena *a)
{
    struct writer w = wr_open(a);

    for (uint32_t reg = 0; reg < TPM_PCRS; reg++)
        if (mask >> reg & 1)
            wr_printf(&w, "%s%u", w.n ? ", " : "", (unsigned)reg);
    return arena_string(a, wr_done(&w));
}

/* ------------------------------------------------------------------------------------------------------------ checks */

static bool refuse(struct exam *x, const char *note)
{
    check_that(x, BOOT_LOG_REPLAY, false);
    check_note(x->trace, "%s", note);
    return !x->trace->failed; /* a mutant goes on */
}

/* One bank. True leaves the row to the others; false has stated it. */
static bool verify_bank(struct exam *x, const struct measured *m, uint16_t id, uint32_t mask,
                        const struct tpm_pcrs *pcrs)
{
    struct event_bank bank = event_bank_of(id);
    struct comparison c = {.m = m, .alg = bank.alg, .mask = mask};

    if (mask == 0)
        return true;
    if (!bank.known)
        return refuse(x, "a bank was quoted that cannot be replayed here: quote SHA-1, SHA-256, SHA-384 or SHA-512");
    for (unsigned i = 0; i < TPM_PCRS; i++)
        c.value[i] = tpm_pcrs_value(pcrs, id, i);
    uint32_t differ = compare(&c), reg = 0;
    if (!differ)
        return true;
    while (!(differ >> reg & 1))
        reg++;
    struct bytes expected = replayed(&c, reg);
    check_found(x, BOOT_LOG_REPLAY, false, c.value[reg], arena_copy(x->arena, expected));
    check_note(x->trace, "PCR %u of %s: %s; PCRs that differ: %s", (unsigned)reg, event_bank_name(&bank),
               why(&c, reg, x->arena), list_registers(differ, x->arena));
    return !x->trace->failed;
}

static bool verify_hashes(struct exam *x, const struct measured *m)
{
    bool any = false;

    for (size_t i = 0; i < m->count; i++) {
        const struct ima_log *list = &m->logs[i].ima;
        size_t first = 0;

        if (!m->logs[i].is_ima)
            continue;
        any = true;
        while (first < list->count && ima_hash_holds(&list->entries[first]))
            first++;
        if (check_that(x, IMA_TEMPLATE_HASH, first == list->count))
            continue;
        check_note(x->trace, "log %zu, entry %zu", i + 1, first);
        return false;
    }
    if (!any)
        check_skip(x, IMA_TEMPLATE_HASH, "no measurement list was sent");
    return true;
}

static void skip_all(struct exam *x)
{
    static const char why[] = "no log was sent";

    check_skip(x, BOOT_LOG_SHAPE, why);
    check_skip(x, IMA_TEMPLATE_HASH, why);
    check_skip(x, BOOT_LOG_REPLAY, why);
    check_skip(x, BOOT_LOG_SEPARATOR, why);
    check_skip(x, BOOT_LOG_DATA, why);
}

static bool verify_banks(struct exam *x, const struct measured *m, const struct tpm_selection *selection,
                         const struct tpm_pcrs *pcrs)
{
    for (size_t i = 0; i < selection->count; i++)
        if (!verify_bank(x, m, selection->banks[i].id, selection->banks[i].mask, pcrs))
            return false;
    return check_that(x, BOOT_LOG_REPLAY, true);
}

bool measured_verify(struct exam *x, const struct measured *m, const struct tpm_selection *selection,
                     const struct tpm_pcrs *pcrs)
{
    enum digest_alg bank;
    uint32_t quoted;

    if (m->count == 0 && m->needed)
        check_skip(x, BOOT_LOG_SHAPE, "no log was sent");
    else if (m->count == 0) {
        skip_all(x);
        return true;
    }
    bool has_bank = measured_bank(m, selection, &bank, &quoted);
    if (!verify_hashes(x, m) ||
        (!has_bank && measured_has_tcg(m) && !refuse(x, "the logs hold no digests of any bank that was quoted")))
        return false;
    return verify_banks(x, m, selection, pcrs) && boot_walk_verify(x, m, bank, has_bank ? quoted : 0);
}
