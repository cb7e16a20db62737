/* Boot logs of the corpus beside the registers that they replay to, as if a TPM had quoted them. */
#ifndef ASSAY_TESTS_BOOT_SAMPLE_H
#define ASSAY_TESTS_BOOT_SAMPLE_H

#include "arena_test.h"

#include "evidence/parts/boot_facts.h"

struct boot_sample {
    struct exam exam;
    struct measured logs;
    struct tpm_selection selection;
    struct tpm_pcrs pcrs;
    enum digest_alg bank;
    uint32_t quoted;
};

static inline uint16_t bank_id(enum digest_alg alg)
{
    static const uint16_t ids[] = {
        [DIGEST_SHA1] = 0x04, [DIGEST_SHA256] = 0x0b, [DIGEST_SHA384] = 0x0c, [DIGEST_SHA512] = 0x0d};

    return ids[alg];
}

/* One bank of a TPM, all registers. */
static inline void sample_quote(struct boot_sample *s, enum digest_alg alg, const struct event_registers *r,
                                uint32_t mask)
{
    struct event_registers *kept = ARENA_NEW(&arena, struct event_registers);
    size_t n = s->pcrs.count++;

    *kept = *r;
    s->selection.banks[s->selection.count].id = bank_id(alg);
    s->selection.banks[s->selection.count++].mask = mask;
    s->pcrs.banks[n].id = bank_id(alg);
    s->pcrs.banks[n].known = true;
    s->pcrs.banks[n].alg = alg;
    for (int i = 0; i < TPM_PCRS; i++)
        s->pcrs.banks[n].value[i] = bytes_make(kept->value[i], kept->size);
}

static inline void sample_open(struct boot_sample *s)
{
    *s = (struct boot_sample){.exam = {.arena = &arena, .trace = trace_new(&arena)}};
}

static inline void sample_add(struct boot_sample *s, struct bytes text, bool is_ima)
{
    s->exam.trace = trace_new(&arena); /* one that failed before would refuse everything */
    if (!measured_add(&s->exam, &s->logs, text, is_ima))
        fail_msg("%s", arena_string(&arena, trace_message(s->exam.trace, &arena)));
}

/* A TCG log of the corpus; quoted is SHA-256, or else the log's first known bank. */
static inline void sample_read(struct boot_sample *s, const char *file)
{
    struct event_registers r;

    sample_open(s);
    sample_add(s, read_shared(&arena, arena_printf(&arena, "evidence/%s", file)), false);
    const struct event_log *log = &s->logs.logs[0].tcg;
    const struct event_bank *bank = event_log_bank(log, DIGEST_SHA256);
    bank = bank ? bank : event_log_bank(log, DIGEST_SHA1);
    assert_non_null(bank);
    event_log_replay(log, bank, &r);
    sample_quote(s, bank->alg, &r, 0xffffff);
    assert_true(measured_bank(&s->logs, &s->selection, &s->bank, &s->quoted));
}

static inline const char *sample_refused_by(struct boot_sample *s)
{
    s->exam.trace = trace_new(&arena);
    if (measured_verify(&s->exam, &s->logs, &s->selection, &s->pcrs))
        return NULL;
    return check_table[trace_failure(s->exam.trace)->id].id;
}

static inline void sample_good(struct boot_sample *s, const char *file)
{
    if (sample_refused_by(s))
        fail_msg("%s: %s", file, arena_string(&arena, trace_message(s->exam.trace, &arena)));
}

#endif
