/* Memory of one request, or of one long-lived snapshot: taken piece by piece, released all at once.
 *
 * An arena has a limit. Passing it, or a machine without memory, calls `exhausted`, which must not return:
 * so no allocation gives NULL and no caller has a path for it that was never run. The default handler writes
 * one line to standard error and aborts; a verifier process answers "over its memory limit" and exits. */
#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include "base/bytes.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* newest first */
    size_t used, limit;        /* bytes taken from the system, and how many may be */
    void (*exhausted)(struct arena *) __attribute__((noreturn));
};

void arena_init(struct arena *a, size_t limit);
/* Give back what was taken. The memory of an ordinary request is kept for the next one. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);
void *arena_alloc(struct arena *a, size_t n); /* zeroed, aligned for any type, never NULL */
void *arena_raw(struct arena *a, size_t n);   /* the same, but not zeroed: for what is written whole */
/* Resize what arena_alloc gave, from old_n to new_n bytes; the old bytes stay, the new ones are not set. */
void *arena_grow(struct arena *a, void *p, size_t old_n, size_t new_n);
struct bytes arena_copy(struct arena *a, struct bytes b);
char *arena_string(struct arena *a,
                   struct bytes b); /* a copy with a NUL behind; cut at an embedded NUL by its reader */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3), nonnull(2)));

#define ARENA_NEW(a, type)          ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_array((a), sizeof(type), (count)))
void *arena_array(struct arena *a, size_t size, size_t count);
/* Make room for one more element of an array of *cap elements holding n. */
#define ARENA_ROOM(a, array, n, cap) ((n) < *(cap) ? (array) : arena_more((a), (array), sizeof *(array), (cap)))
void *arena_more(struct arena *a, void *array, size_t size, size_t *cap);

#endif
