/* Any bytes through `assay inspect`: recognised, shown as a tree, printed both ways. */
#include <stdlib.h>

#include "cli/show_intel.h"
#include "cli/terminal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    struct arena a;

    if (!nowhere)
        nowhere = fopen("/dev/null", "wb");
    if (!nowhere)
        abort();
    arena_init(&a, 1u << 30);
    for (int for_people = 0; for_people < 2; for_people++) {
        struct fault fault = {0};
        const struct json *again;
        struct json *tree = show_file(&a, bytes_make(data, size), for_people, &fault);

        if (!tree && fault.code == FAULT_NONE)
            abort(); /* refused without a reason */
        if (!tree)
            continue;
        put_tree(nowhere, tree, 0);
        /* What is printed is JSON that anybody can read: nothing in it twice, nothing that is no UTF-8. */
        if (!json_parse(&a, json_print(&a, tree, JSON_IN_ORDER), &(struct json_rules){.depth = 300}, &again, &fault))
            abort();
    }
    arena_free(&a);
    return 0;
}
