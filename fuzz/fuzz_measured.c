/* Any bytes as a boot log and as a measurement list: what is read lies in them, and replays alike each time; and as if a TPM had
 * quoted what they replay to: judged without a crash, with events that are JSON. */
#include <stdlib.h>

#include "evidence/parts/boot_facts.h"
#include "evidence/parts/ima_log.h"
#include "evidence/parts/linux_boot.h"
#include "evidence/parts/secure_boot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void inside(struct bytes whole, struct bytes part)
{
    must(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void boot_log(struct arena *a, struct bytes whole)
{
    struct event_registers once, again;
    struct event_log log;
    struct fault fault = {0};

    if (!event_log_read(a, whole, &log, &fault)) {
        must(fault.code != FAULT_NONE);
        return;
    }
    must(log.count > 0 && log.tail.n <= whole.n);
    for (size_t i = 0; i < log.count; i++)
        inside(whole, log.events[i].data);
    for (size_t b = 0; b < log.bank_count; b++) {
        if (!log.banks[b].known)
            continue;
        event_log_replay(&log, &log.banks[b], &once);
        event_log_replay(&log, &log.banks[b], &again);
        must(memcmp(&once, &again, sizeof once) == 0);
        secure_boot_state(&log, &log.banks[b]);
        for (size_t i = 0; i < log.count; i++)
            event_data_measured(&log, &log.events[i], &log.banks[b]);
    }
}

static void measurement_list(struct arena *a, struct bytes whole)
{
    struct event_registers r = {0};
    struct fault fault = {0};
    struct ima_log log;

    if (!ima_log_read(a, whole, &log, &fault)) {
        must(fault.code != FAULT_NONE);
        return;
    }
    for (size_t i = 0; i < log.count; i++) {
        must(log.entries[i].hash.n == SHA1_SIZE && log.entries[i].pcr < EVENT_LOG_REGISTERS);
        ima_hash_holds(&log.entries[i]);
    }
    ima_log_replay(&log, DIGEST_SHA1, false, &r);
    ima_log_replay(&log, DIGEST_SHA256, true, &r);
}

/* What a TPM would hold, were the logs true: its quote of the bank. */
static void quote(struct arena *a, const struct measured *m, enum digest_alg alg, struct tpm_selection *selection,
                  struct tpm_pcrs *pcrs)
{
    static const uint16_t ids[] = {
        [DIGEST_SHA1] = 0x04, [DIGEST_SHA256] = 0x0b, [DIGEST_SHA384] = 0x0c, [DIGEST_SHA512] = 0x0d};
    struct event_registers *r = ARENA_NEW(a, struct event_registers);
    const struct measured_log *log = &m->logs[0];

    if (log->is_ima) {
        event_registers_reset(r, alg);
        ima_log_replay(&log->ima, alg, false, r);
    } else if (event_log_bank(&log->tcg, alg)) {
        event_log_replay(&log->tcg, event_log_bank(&log->tcg, alg), r);
    } else {
        event_registers_reset(r, alg);
    }
    *selection = (struct tpm_selection){.banks = {{ids[alg], 0xffffff}}, .count = 1};
    *pcrs = (struct tpm_pcrs){.banks = {{.id = ids[alg], .known = true, .alg = alg}}, .count = 1};
    for (int i = 0; i < TPM_PCRS; i++)
        pcrs->banks[0].value[i] = bytes_make(r->value[i], r->size);
}

static void judged(struct arena *a, struct bytes whole, bool is_ima, enum digest_alg alg)
{
    struct exam x = {.arena = a, .trace = trace_new(a)};
    struct measured m = {.count = 0};
    struct tpm_selection selection;
    struct tpm_pcrs pcrs;
    struct boot_facts facts;
    const struct json *tree;
    struct linux_event text;
    enum digest_alg bank;
    uint32_t quoted;

    if (!measured_add(&x, &m, whole, is_ima))
        return;
    quote(a, &m, alg, &selection, &pcrs);
    bool ok = measured_verify(&x, &m, &selection, &pcrs);
    must(ok || trace_failure(x.trace)->id != CHECK_BOOT_LOG_REPLAY || !measured_bank(&m, &selection, &bank, &quoted) ||
         trace_failure(x.trace)->note);
    if (!measured_bank(&m, &selection, &bank, &quoted))
        return;
    boot_facts_read(&m, bank, quoted, &reference_builtin, &facts);
    struct fault fault = {0};
    must(json_parse(a, boot_events_json(a, &m, bank, quoted), NULL, &tree, &fault) || fault.code == FAULT_LIMIT);
    for (size_t i = 0; !is_ima && i < m.logs[0].tcg.count; i++)
        linux_event_read(a, &m.logs[0].tcg.events[i], &text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;

    arena_init(&a, 1u << 30);
    boot_log(&a, bytes_make(data, size));
    measurement_list(&a, bytes_make(data, size));
    judged(&a, bytes_make(data, size), false, DIGEST_SHA256);
    judged(&a, bytes_make(data, size), false, DIGEST_SHA1);
    judged(&a, bytes_make(data, size), true, DIGEST_SHA256);
    arena_free(&a);
    return 0;
}
