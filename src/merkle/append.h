/* A log that grows, in a folder of files that any web server may serve as they are (merkle/tile.h): what is added is on the disk
 * before the call returns, many entries with one write to it. It goes on where it ended, also behind kill -9 and a loss of power:
 *
 *     tail                entries that fill no bundle yet, each with the bundle's number and its leaf's hash: what is cut short at
 *                         its end is dropped, and what is behind it is of the bundle before
 *     tile/…              whole tiles and bundles, and partial ones of the size that was settled last
 *     checkpoint          the newest signed one
 *
 * One process alone appends, from one thread. */
#ifndef ASSAY_MERKLE_APPEND_H
#define ASSAY_MERKLE_APPEND_H

#include "merkle/note.h"
#include "merkle/tile.h"

struct log_append;

/* Made where there is none. NULL with a fault: it cannot be read or written, is another process's, is shorter than its checkpoint or
 * does not lead to it, or the checkpoint is not of `origin`. `sync`: wait for the disk; without it a loss of power may take
 * entries away, an end of the process never. The origin must live as long as the log. */
struct log_append *log_append_open(const char *folder, struct bytes origin, bool sync, struct fault *fault);
void log_append_close(struct log_append *l);
uint64_t log_append_size(const struct log_append *l);
/* Whether entries that were not whole were dropped when it was opened. */
bool log_append_dropped(const struct log_append *l);
/* *added of them, from the first, are in the log from its size before on, also when it is false. */
bool log_append_add(struct log_append *l, const struct bytes *entries, size_t count, size_t *added,
                    struct fault *fault);
/* Write what a checkpoint of the present size needs; gives its root, and that it goes on from one of `old` entries. */
bool log_append_settle(struct log_append *l, uint64_t old, struct checkpoint *out, struct merkle_path *growth,
                       struct fault *fault);
/* The note of the last checkpoint, into the arena; empty: there is none. */
bool log_append_last(const struct log_append *l, struct arena *a, struct bytes *note, struct fault *fault);
/* A checkpoint that was signed, of what was settled. */
bool log_append_publish(struct log_append *l, struct bytes note, struct fault *fault);

/* A small file beside the log, under a name that tells its content: one that is there already stays. From the same thread. */
bool log_append_keep(struct log_append *l, const char *name, struct bytes content, struct fault *fault);

/* For a log_reader whose context is the folder's path (const char *). */
bool log_folder_read(void *folder, struct arena *a, const char *path, size_t limit, struct bytes *out,
                     struct fault *fault);

#endif
