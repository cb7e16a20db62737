/* The service's own evidence before a certificate is issued with it: the input as a quote and as a report of each kind of TEE. */
#include <stdlib.h>

#include "core/key_evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;

    arena_init(&a, 16 * 1024 * 1024);
    for (int tee = KEY_NO_TEE; tee < KEY_TEES; tee++) {
        struct key_evidence e = {.tee = (enum key_tee)tee, .report = bytes_make(data, size)}, again;
        struct key_evidence_exam x = {&a, trace_new(&a)};
        struct bytes found;

        if (key_evidence_report_data(&a, &e, &found) && (found.n != KEY_REPORT_DATA || e.report.n > size))
            abort();
        /* A kid that it is not bound to, but for luck. */
        if (key_evidence_judge(&x, &e, BYTES_LIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")) &&
            !bytes_all_zero(found))
            abort();
        if (!read_key_evidence(write_key_evidence(&a, &e), &again) || !bytes_equal(again.report, e.report))
            abort();
    }
    arena_free(&a);
    return 0;
}
