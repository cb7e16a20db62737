/* Checkpoints of the store: what is read is written again as it was; a signature that nobody made is refused, whatever stands above it. */
#include <stdlib.h>

#include "core/state_checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct log_key key = {.name = {(const uint8_t *)"fuzz/records", 12}, .key = {1}};
    const struct bytes input = bytes_make(data, size);
    struct state_mark mark;
    struct arena a;

    arena_init(&a, 1u << 26);
    if (state_mark_read(input, &mark) && !bytes_equal(state_mark_write(&a, &mark), input))
        abort();
    struct state_exam x = {.arena = &a, .trace = trace_new(&a), .key = &key};
    if (state_judge_note(&x, input) || !trace_failure(x.trace))
        abort();
    arena_free(&a);
    return 0;
}
