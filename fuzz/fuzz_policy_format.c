/* Any text that parses: its layout parses to the same program, and is its own layout; and warnings about it are in order,
 * within it, and few. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "policy/format.h"
#include "policy/lint.h"
#include "policy/vocabulary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void lint(struct arena *a, const struct policy *policy, unsigned types)
{
    struct policy_warnings w;

    policy_lint(a, policy, types, &w);
    must(w.n <= LIMIT_POLICY_WARNINGS && (w.n == LIMIT_POLICY_WARNINGS || w.more == 0));
    for (size_t i = 0; i < w.n; i++) {
        must(w.v[i].id && w.v[i].message.n && utf8_valid(w.v[i].message));
        must(w.v[i].line > 0 && (i == 0 || w.v[i].line >= w.v[i - 1].line));
    }
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
        lint(&a, before, TYPE_ALL);
        lint(&a, before, TYPE_SGX);
    }
    arena_free(&a);
    return 0;
}
