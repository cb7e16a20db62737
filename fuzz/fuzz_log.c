/* Audit logs: whatever the bytes, and however they come, judging ends in the same verdict; what is whole but for a torn end
 * is whole again with one more record by a writer's rules. A verdict of "not whole" has a place and a reason. */
#include <stdlib.h>

#include "crypto/log_chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct log_walk walk;

/* The line of a failure, 0 when whole; UINT64_MAX: the verdict contradicts itself. */
static uint64_t judge(struct bytes text, size_t piece)
{
    struct fault fault = {0};
    bool ok = log_walk_open(&walk, LOG_CHAIN_START) && log_walk_file(&walk, &fault);

    for (; ok && text.n; text = bytes_after(text, piece))
        ok = log_walk_bytes(&walk, bytes_first(text, piece), &fault);
    ok = ok && log_walk_end(&walk, &fault);
    if (ok != !fault.code || (!ok && (walk.bad_line == 0 || walk.bad_file != 1)))
        abort();
    uint64_t where = ok ? 0 : walk.bad_line;
    log_walk_free(&walk);
    return where;
}

static void go_on(struct bytes text)
{
    struct arena a;

    arena_init(&a, 1u << 26);
    struct writer record = wr_open(&a), whole = wr_open(&a);
    struct log_end end = log_chain_end(text);
    wr_put(&whole, text);
    if (end.open)
        wr_u8(&whole, '\n');
    wr_text(&record, "{\"n\":1");
    if (end.torn.n) {
        struct log_value torn = log_digest(end.torn, end.open ? BYTES_LIT("\n") : BYTES_NONE);
        wr_printf(&record, ",\"recovered\":\"%s\"", torn.hex);
    }
    log_chain_seal(&end.value, wr_done(&record), &whole);
    if (judge(wr_done(&whole), whole.n) != 0)
        abort();
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size);
    uint64_t where = judge(text, size + 1);

    if (judge(text, 1) != where || judge(text, 61) != where)
        abort();
    struct bytes torn = log_chain_end(text).torn;
    if (judge(bytes_first(text, size - torn.n), size + 1) == 0)
        go_on(text); /* also behind what was cut short */
    return 0;
}
