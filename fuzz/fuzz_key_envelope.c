/* Files of sealed keys: what is read holds together, and without its key nothing opens. */
#include <stdlib.h>

#include "core/key_envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t key[ROOT_KEY_SIZE] = {0};
    uint8_t secret[ROOT_KEY_SIZE];
    struct fault fault = {0};
    struct key_envelope e;
    struct bytes value;
    struct arena a;

    arena_init(&a, 1u << 26);
    if (!key_envelope_read(&a, bytes_make(data, size), &e, &fault)) {
        if (!fault.code)
            abort();
    } else {
        if (e.head.n > size || e.count > KEY_ENVELOPE_FIELDS || key_envelope_open(&a, &e, key, secret, NULL))
            abort();
        key_envelope_hex(&a, &e, "object", &value, NULL);
        key_envelope_open(&a, &e, NULL, secret, NULL);
    }
    arena_free(&a);
    return 0;
}
