/* Files of a log from a stranger: paths have one form, and whatever tiles and bundles hold, reading ends, in its bounds. */
#include <stdlib.h>

#include "merkle/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every file is the input. */
static bool read_input(void *context, struct arena *a, const char *path, size_t limit, struct bytes *out,
                       struct fault *fault)
{
    const struct bytes *input = context;
    struct tile t;

    if (!tile_parse(bytes_text(path), &t))
        abort();
    *out = arena_copy(a, *input);
    return input->n <= limit || fault_set(fault, FAULT_LIMIT, "too long");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_make(data, size), entry;
    struct log_reader r = {.read = read_input, .context = &input};
    struct fault fault = {0};
    struct merkle_path path;
    struct arena a;
    struct tile t;

    arena_init(&a, 1u << 26);
    if (tile_parse(input, &t) && !bytes_equal(tile_path(&a, &t), input))
        abort();
    struct reader number = rd_open(input);
    r.size = rd_u32le(&number) % 70000 + 1;
    uint64_t index = rd_u32le(&number) % r.size, old = rd_u32le(&number) % r.size;
    log_reader_open(&r);
    const struct merkle_source source = log_reader_source(&r);
    if (merkle_prove_inclusion(&source, index, r.size, &path, &fault) && path.n > MERKLE_PATH_MAX)
        abort();
    if (merkle_prove_consistency(&source, old, r.size, &path, &fault) && path.n > MERKLE_PATH_MAX)
        abort();
    if (log_reader_entry(&r, &a, index, &entry, &fault) && entry.n > LOG_ENTRY_MOST)
        abort();
    log_reader_free(&r);
    arena_free(&a);
    return 0;
}
