/* Backups: whatever the bytes, reading ends in the end or in a reason, and what was read can be written as it stood. */
#include <stdlib.h>

#include "store/copy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FILE *file = size ? fmemopen((void *)(uintptr_t)data, size, "rb") : NULL;
    struct backup_reader reader;
    const struct record *record;
    struct fault fault = {0};
    struct arena a;
    size_t bytes = 0;

    if (!file)
        return 0;
    arena_init(&a, 1u << 29);
    bool ok = backup_open(&reader, file, "fuzz", &a, &fault);
    while (ok && (ok = backup_next(&reader, &record, &fault)) && record)
        bytes += 1 + 3 * 8 + (reader.sealed ? 7u : 6u) * 4 + record->provider.n + record->kind.n + record->body.n +
                 record->hash.n + record->signer.n + record->caller.n + record->seal.n;
    if (ok && bytes + sizeof "assay backup 2\n" - 1 + 9 + SHA256_SIZE != size)
        abort(); /* an accepted backup has nothing that is no record */
    if (!ok && !fault.code)
        abort();
    backup_close(&reader);
    arena_free(&a);
    fclose(file);
    return 0;
}
