/* Any bytes as a boot log and as a measurement list: what is read lies in them, and replays alike each time. */
#include <stdlib.h>

#include "evidence/parts/ima_log.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;

    arena_init(&a, 1u << 30);
    boot_log(&a, bytes_make(data, size));
    measurement_list(&a, bytes_make(data, size));
    arena_free(&a);
    return 0;
}
