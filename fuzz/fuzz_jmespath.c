/* A query, a NUL, a document: whatever they are, the search ends within its budget. */
#include "policy/jmespath.h"

enum { STEPS = 10000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    size_t query_size = nul ? (size_t)(nul - data) : size, budget = STEPS;
    const struct jmespath *query;
    const struct json *document, *found;
    struct arena a;

    arena_init(&a, 1u << 30);
    if (!json_parse(&a, nul ? bytes_make(nul + 1, size - query_size - 1) : BYTES_LIT("{}"), NULL, &document, NULL))
        document = json_new(&a, JSON_OBJECT);
    if (jmespath_compile(&a, bytes_make(data, query_size), &query, NULL) &&
        jmespath_search(query, document, &a, &budget, &found, NULL))
        json_print(&a, found, JSON_IN_ORDER);
    arena_free(&a);
    return 0;
}
