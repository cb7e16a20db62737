#include "service/slab.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { CHUNK = 2 * 1024 * 1024, ALIGNMENT = 16, LARGE = CHUNK / 8 }; /* a chunk is a huge page, and aligned as one */

struct slab_chunk {
    size_t used, live; /* bytes, and those of pieces that are not freed */
    _Alignas(ALIGNMENT) uint8_t bytes[];
};

static size_t rounded(size_t n)
{
    return (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static struct slab_chunk *new_chunk(void)
{
    struct slab_chunk *c = aligned_alloc(CHUNK, CHUNK);

    if (!c)
        abort();
    (void)madvise(c, CHUNK, MADV_HUGEPAGE); /* where it fails, pages are small: slower, no more */
    *c = (struct slab_chunk){0};
    return c;
}

void slab_end(struct slab *s)
{
    if (s->filling && s->filling->live == 0)
        free(s->filling);
    s->filling = NULL;
}

void *slab_alloc(struct slab *s, size_t n)
{
    size_t size = rounded(n);

    if (size > LARGE) { /* a policy may have a megabyte: not for a chunk */
        void *p = malloc(n);

        if (!p)
            abort();
        return p;
    }
    if (s->filling && s->filling->used + size > CHUNK - sizeof(struct slab_chunk))
        slab_end(s);
    if (!s->filling)
        s->filling = new_chunk();
    uint8_t *p = s->filling->bytes + s->filling->used;
    s->filling->used += size;
    s->filling->live += size;
    return p;
}

void slab_free(struct slab *s, void *p, size_t n)
{
    size_t size = rounded(n);

    if (!p)
        return;
    if (size > LARGE) {
        free(p);
        return;
    }
    struct slab_chunk *c = (struct slab_chunk *)((uintptr_t)p & ~(uintptr_t)(CHUNK - 1));
    c->live -= size;
    if (c->live == 0 && c != s->filling)
        free(c);
}
