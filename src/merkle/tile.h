/* A log as files that never change (C2SP tlog-tiles): a tile holds up to 256 hashes of one level, whose own hash is one of the level
 * above; a bundle holds the entries of as many leaves. What is not full yet is a partial one of its width. */
#ifndef ASSAY_MERKLE_TILE_H
#define ASSAY_MERKLE_TILE_H

#include "merkle/tree.h"

enum {
    TILE_HEIGHT = 8,
    TILE_WIDTH = 1 << TILE_HEIGHT,
    TILE_LEVELS = 5,         /* LOG_SIZE_MOST entries */
    LOG_ENTRY_MOST = 0xffff, /* bytes of one entry: its length has two */
    LOG_BUNDLE_MOST = TILE_WIDTH * (2 + LOG_ENTRY_MOST),
};

struct tile {
    bool entries;   /* a bundle; else */
    unsigned level; /* hashes over 256^level leaves */
    uint64_t index;
    unsigned width; /* 1 to TILE_WIDTH */
};
/* "tile/1/x001/234.p/17", "tile/entries/000". */
struct bytes tile_path(struct arena *a, const struct tile *t);
/* False for any text that tile_path would not write. */
bool tile_parse(struct bytes path, struct tile *out);
/* How many hashes, or entries, of a log of `size` stand in it; 0: there is no such tile. */
unsigned tile_width(const struct tile *t, uint64_t size);

/* An entry of a bundle, behind its length: two bytes, the high one first. */
void wr_entry(struct writer *w, struct bytes entry);
bool rd_entry(struct reader *r, struct bytes *entry);

/* A log that is read: its files from wherever they are. */
struct log_reader {
    /* The whole file of this path ("checkpoint", "tile/…") into the arena, which holds it until the next is read. */
    bool (*read)(void *context, struct arena *a, const char *path, size_t limit, struct bytes *out,
                 struct fault *fault);
    void *context;
    uint64_t size;                        /* of the log, by its checkpoint */
    struct arena arena;                   /* of one file */
    uint64_t held[TILE_LEVELS];           /* index and 1 of the tile of each level that is held; 0: none */
    struct merkle_hash *row[TILE_LEVELS]; /* its hashes */
};
/* With `read`, context and size set. */
void log_reader_open(struct log_reader *r);
void log_reader_free(struct log_reader *r);
/* Whole subtrees of it. */
struct merkle_source log_reader_source(struct log_reader *r);
/* The entries of a bundle that are in the log; the view lasts until the next file is read. */
bool log_reader_bundle(struct log_reader *r, uint64_t index, struct bytes *out, struct fault *fault);
/* Copied into `a`. False as well when the log is not so long. */
bool log_reader_entry(struct log_reader *r, struct arena *a, uint64_t index, struct bytes *out, struct fault *fault);

#endif
