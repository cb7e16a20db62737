/* Copies of whole stores: into one file and back, and from one store into another. Every record is taken, in order of sequence,
 * with its whole history; what is written is all there or not at all. */
#ifndef ASSAY_STORE_COPY_H
#define ASSAY_STORE_COPY_H

#include <stdio.h>

#include "crypto/digest.h"
#include "store/store.h"

/* Told now and then how many records of how many are done; total is 0 where nobody knows. */
struct copy_progress {
    void (*report)(void *context, uint64_t done, uint64_t total); /* NULL: nobody listens */
    void *context;
};

/* A backup: "assay backup 2\n"; for each record 'r', then sequence, version and time as 8 bytes, then provider, kind, body, hash,
 * signer, caller and seal with their lengths as 4 bytes before them; at the end 'e', the number of records as 8 bytes, and the SHA-256 of all
 * that stands before it. Numbers are little-endian.
 *
 * The file is new, for its owner alone, and on the disk when this returns true; it must not exist yet. */
bool backup_write(struct store *s, const char *path, struct copy_progress progress, uint64_t *count,
                  struct fault *fault);
/* The same into a stream; on false without a fault the stream could not be written. */
bool backup_stream(struct store *s, FILE *file, struct copy_progress progress, uint64_t *count, struct fault *fault);
/* Into a store that is empty. A file that is damaged, cut short, or of a newer form changes nothing. */
bool backup_restore(struct store *s, const char *path, struct copy_progress progress, uint64_t *count,
                    struct fault *fault);
/* From one store into another, empty one; nobody may write to the first meanwhile. The copy is read again and compared. */
bool store_migrate(struct store *from, struct store *to, struct copy_progress progress, uint64_t *count,
                   struct fault *fault);

/* The reader of backups, by itself. */
struct backup_reader {
    FILE *file;
    const char *name; /* for messages */
    struct arena *arena;
    struct digest_stream digest;
    struct record record;
    bool sealed; /* its records have seals: all but those of form 1 */
    uint64_t records;
    struct copy_progress progress;
};
bool backup_open(struct backup_reader *b, FILE *file, const char *name, struct arena *a, struct fault *fault);
/* The next record, in the arena until the next call; *out = NULL at the end, once the digest was found to be right. */
bool backup_next(void *reader, const struct record **out, struct fault *fault);
void backup_close(struct backup_reader *b);

#endif
