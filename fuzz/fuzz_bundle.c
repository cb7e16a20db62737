/* Any bytes as a bundle, and as a file of a folder: refused with a reason, or a bundle whose objects are all of what stands behind
 * its manifest, and which reads the same when it is written again. Whatever is recognised can be judged and has a plain name. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "collateral/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void again(struct arena *a, const struct bundle *b)
{
    struct bundle copy;
    struct bytes text;

    must(bundle_write(a, b, NULL, &text, NULL));
    must(bundle_read(a, text, &copy, NULL) && !copy.is_signed);
    must(copy.sequence == b->sequence && copy.time == b->time && copy.count == b->count);
    for (size_t i = 0; i < b->count; i++)
        must(strcmp(copy.objects[i].name, b->objects[i].name) == 0 &&
             bytes_equal(copy.objects[i].content, b->objects[i].content));
}

static void judge(struct arena *a, struct bytes text)
{
    struct catalogue c;

    catalogue_init(&c, a);
    bool ok = catalogue_add(&c, "fuzz", text);
    must(ok || c.foreign_count > 0);
    for (size_t i = 0; i < c.n; i++) {
        must(c.v[i].name && !strchr(c.v[i].name, '/') && c.v[i].name[0] != '.');
        must(c.v[i].content.n > 0);
        collateral_judge(&c, &c.v[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size);
    struct fault fault = {0};
    struct bundle b;
    struct arena a;

    arena_init(&a, LIMIT_TOOL_MEMORY);
    if (bundle_read(&a, text, &b, &fault)) {
        size_t sum = 0;

        for (size_t i = 0; i < b.count; i++)
            sum += b.objects[i].content.n;
        must(b.count > 0 && sum < size &&
             b.objects[b.count - 1].content.p + b.objects[b.count - 1].content.n == data + size);
        again(&a, &b);
    } else {
        must(fault.code != FAULT_NONE);
    }
    judge(&a, text);
    arena_free(&a);
    return 0;
}
