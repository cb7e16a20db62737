/* The files of a log's folder: each appears whole, under its name, or not at all. For logs, and for what a
 * witness knows of them. */
#ifndef ASSAY_MERKLE_DISK_H
#define ASSAY_MERKLE_DISK_H

#include "merkle/tile.h"

struct disk {
    char *folder;
    bool sync; /* wait for the disk */
};

/* Make the folder where it is not there, durably, and keep others from appending: *lock is a descriptor that holds them off. */
bool disk_begin(const struct disk *d, int *lock, struct fault *fault);
/* Write a file beside, then give it its name. */
bool disk_put(const struct disk *d, const char *name, struct bytes content, struct fault *fault);
bool disk_put_tile(const struct disk *d, struct arena *a, const struct tile *t, struct bytes content,
                   struct fault *fault);
/* The partial tiles of one that is whole. */
void disk_drop_partial(const struct disk *d, struct arena *a, const struct tile *t);
/* `optional`: where there is none it is empty. */
bool disk_read(const struct disk *d, struct arena *a, const char *name, size_t limit, bool optional, struct bytes *out,
               struct fault *fault);
/* Gone for good once it returns. */
bool disk_remove(const struct disk *d, const char *name, struct fault *fault);
bool disk_has(const struct disk *d, const char *name);
int disk_open(const struct disk *d, const char *name, int flags, struct fault *fault);
/* By errno; always false. */
bool disk_fault(const struct disk *d, const char *name, struct fault *fault);

#endif
