/* Records of decisions, and what the core is asked to sign of their log: what is read is written again as it was, and can be shown. */
#include <stdlib.h>

#include "core/checkpoint.h"
#include "core/decision.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_make(data, size);
    const struct json *shown;
    struct checkpoint_message m;
    struct decision d;
    struct arena a;

    arena_init(&a, 1u << 26);
    if (decision_read(input, &d)) {
        if (!bytes_equal(decision_record(&a, decision_core(&a, &d), d.id), input) ||
            !json_parse(&a, json_print(&a, decision_json(&a, &d), JSON_IN_ORDER), NULL, &shown, NULL))
            abort();
    }
    if (read_checkpoint(input, &m) && !bytes_equal(write_checkpoint(&a, &m), input))
        abort();
    arena_free(&a);
    return 0;
}
