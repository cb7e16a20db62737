/* Inputs of decisions, encrypted (core/keeping.h), by the index of the decision's record: a SQLite file of its own, whose rows go when
 * their time is over, and leave nothing behind in it (of the disk under it see store/kept.c). Used by one thread. */
#ifndef ASSAY_STORE_KEPT_H
#define ASSAY_STORE_KEPT_H

#include "base/arena.h"
#include "base/fault.h"

struct kept_store;

enum kept_room {
    KEPT_ROOM,
    KEPT_FULL,  /* all of it is taken */
    KEPT_SHARE, /* what is free is for other providers */
};

struct kept_row {
    uint64_t index;        /* of the record in the log */
    struct bytes provider; /* issuer */
    uint64_t
        begin; /* the sequence of the store behind which all is of that provider, and not of one of its name before */
    int64_t expires;
    struct bytes body;
    enum kept_room room; /* which it found: kept_store_add */
};

/* Creates what is missing, for its owner's eyes alone. All bodies take `most` bytes at most. */
struct kept_store *kept_store_open(const char *path, uint64_t most, struct fault *fault);
void kept_store_close(struct kept_store *s);
/* Bytes of all bodies; never less. */
uint64_t kept_store_size(const struct kept_store *s);
/* Several in one transaction: all that find room, or none. What stood at an index goes: the log began anew. */
bool kept_store_add(struct kept_store *s, struct kept_row *rows, size_t count, struct fault *fault);
/* Of this provider and no other, and not over at `now`; *body is empty where there is none. */
bool kept_store_find(struct kept_store *s, uint64_t index, struct bytes provider, uint64_t begin, int64_t now,
                     struct arena *a, struct bytes *body, struct fault *fault);
enum {
    KEPT_SWEEP_ROWS = 16 /* at once: the journal of a deletion is as large as they are, and the volume may be full */
};
/* Deletes what is over. *gone: how many rows; as many as there may be at once: there may be more. */
bool kept_store_sweep(struct kept_store *s, int64_t now, uint64_t *gone, struct fault *fault);
/* Deletes what was a provider's until it was deleted, at this sequence. */
bool kept_store_forget(struct kept_store *s, struct bytes provider, uint64_t deleted, struct fault *fault);

#endif
