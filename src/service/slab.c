#include "service/slab.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "service/thread.h"

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

static struct slab_chunk *new_chunk_with_pages(void)
{
    enum { PAGE = 4096 };
    struct slab_chunk *c = new_chunk();

    for (size_t at = 0; at < CHUNK - sizeof *c; at += PAGE)
        c->bytes[at] = 0;
    return c;
}

static void *run_ahead(void *slab)
{
    struct slab *s = slab;

    while (!atomic_load(&s->rested)) {
        for (size_t i = 0; i < SLAB_AHEAD; i++)
            if (!atomic_load(&s->ahead[i]))
                atomic_store(&s->ahead[i], new_chunk_with_pages());
        while (sem_wait(&s->taken) != 0)
            ; /* a signal */
    }
    return NULL;
}

/* Without its thread it is slower, no more. */
void slab_hurry(struct slab *s)
{
    if (s->hurried || sem_init(&s->taken, 0, 0) != 0)
        return;
    atomic_store(&s->rested, false);
    s->hurried = thread_start(&s->thread, run_ahead, s);
    if (!s->hurried)
        sem_destroy(&s->taken);
}

void slab_rest(struct slab *s)
{
    if (!s->hurried)
        return;
    atomic_store(&s->rested, true);
    sem_post(&s->taken);
    pthread_join(s->thread, NULL);
    sem_destroy(&s->taken);
    s->hurried = false;
    for (size_t i = 0; i < SLAB_AHEAD; i++)
        free(atomic_exchange(&s->ahead[i], NULL));
}

static struct slab_chunk *take_chunk(struct slab *s)
{
    for (size_t i = 0; i < SLAB_AHEAD && s->hurried; i++) {
        struct slab_chunk *c = atomic_exchange(&s->ahead[i], NULL);

        sem_post(&s->taken);
        if (c)
            return c;
    }
    return new_chunk();
}

static void leave_chunk(struct slab *s)
{
    if (s->filling && s->filling->live == 0)
        free(s->filling);
    s->filling = NULL;
}

void slab_end(struct slab *s)
{
    slab_rest(s);
    leave_chunk(s);
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
        leave_chunk(s);
    if (!s->filling)
        s->filling = take_chunk(s);
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
