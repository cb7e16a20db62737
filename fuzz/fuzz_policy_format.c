/* Any text that parses: its layout parses to the same program, and is its own layout. */
#include <stdlib.h>

#include "base/limits.h"
#include "policy/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct policy *before, *after;
    struct bytes once, twice;
    struct policy_error error;
    struct arena a;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    if (policy_parse(&a, bytes_make(data, size), &before, &error)) {
        if (policy_format(&a, policy_text(before), &once, &error)) {
            must(policy_parse(&a, once, &after, &error) && policy_same(before, after));
            must(policy_format(&a, once, &twice, &error) && bytes_equal(once, twice));
        } else {
            must(size > LIMIT_POLICY_TEXT / 16); /* refused for its length alone */
        }
    }
    arena_free(&a);
    return 0;
}
