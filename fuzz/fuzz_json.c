/* Any bytes: parse, print sorted, parse again, print the same. */
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    const struct json *v, *again;

    arena_init(&a, 1u << 30);
    if (json_parse(&a, bytes_make(data, size), NULL, &v, NULL)) {
        struct bytes text = json_print(&a, v, JSON_SORTED);

        if (!json_parse(&a, text, NULL, &again, NULL) || !bytes_equal(text, json_print(&a, again, JSON_SORTED)))
            abort();
        struct writer w = wr_open(&a);
        wr_json_pretty(&w, v, JSON_IN_ORDER);
    }
    arena_free(&a);
    return 0;
}
