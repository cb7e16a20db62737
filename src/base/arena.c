#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CHUNK_MIN = 32 * 1024,
    KEPT_MOST = 2 * 1024 * 1024, /* from one request to the next: one with two long boot logs takes that */
    ALIGNMENT = 16
};

struct arena_chunk {
    struct arena_chunk *next;
    size_t size, used; /* of data */
    _Alignas(ALIGNMENT) uint8_t data[];
};

static __attribute__((noreturn)) void abort_exhausted(struct arena *a)
{
    fprintf(stderr, "assay: memory limit of %zu bytes reached\n", a->limit);
    abort();
}

void arena_init(struct arena *a, size_t limit)
{
    *a = (struct arena){.limit = limit, .exhausted = abort_exhausted};
}

void arena_free(struct arena *a)
{
    while (a->chunk) {
        struct arena_chunk *c = a->chunk;

        a->chunk = c->next;
        free(c);
    }
    a->used = 0;
}

static struct arena_chunk *new_chunk(struct arena *a, size_t n)
{
    size_t size = n > CHUNK_MIN ? n : CHUNK_MIN;

    if (size > a->limit - a->used)
        a->exhausted(a);
    struct arena_chunk *c = malloc(sizeof *c + size);
    if (!c)
        a->exhausted(a);
    *c = (struct arena_chunk){.next = a->chunk, .size = size};
    a->used += size;
    return a->chunk = c;
}

/* The system takes back what is freed, and gives each page anew: as dear as verifying a signature. So what a request took is kept,
 * as one chunk, which holds the next one of its size. */
void arena_reset(struct arena *a)
{
    size_t kept = a->used < KEPT_MOST ? a->used : KEPT_MOST;

    if (!a->chunk)
        return;
    if (a->chunk->next || a->chunk->size > KEPT_MOST) {
        arena_free(a);
        new_chunk(a, kept);
    }
    a->chunk->used = 0;
}

static size_t rounded(struct arena *a, size_t n)
{
    if (n > SIZE_MAX - ALIGNMENT)
        a->exhausted(a);
    return (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

void *arena_raw(struct arena *a, size_t n)
{
    struct arena_chunk *c = a->chunk;
    size_t size = rounded(a, n ? n : 1);

    if (!c || c->size - c->used < size)
        c = new_chunk(a, size);
    uint8_t *p = c->data + c->used;
    c->used += size;
    return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
    return memset(arena_raw(a, n), 0, n);
}

void *arena_grow(struct arena *a, void *p, size_t old_n, size_t new_n)
{
    uint8_t *q = arena_raw(a, new_n);

    if (old_n)
        memcpy(q, p, old_n < new_n ? old_n : new_n);
    return q;
}

void *arena_array(struct arena *a, size_t size, size_t count)
{
    size_t n;

    if (__builtin_mul_overflow(size, count, &n))
        a->exhausted(a);
    return arena_alloc(a, n);
}

void *arena_more(struct arena *a, void *array, size_t size, size_t *cap)
{
    size_t old = *cap;

    *cap = old ? old * 2 : 8;
    void *p = arena_array(a, size, *cap);
    if (old)
        memcpy(p, array, size * old);
    return p;
}

struct bytes arena_copy(struct arena *a, struct bytes b)
{
    uint8_t *p = arena_raw(a, b.n);

    if (b.n)
        memcpy(p, b.p, b.n);
    return (struct bytes){p, b.n};
}

char *arena_string(struct arena *a, struct bytes b)
{
    char *s = arena_alloc(a, b.n + 1);

    if (b.n)
        memcpy(s, b.p, b.n);
    return s;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t size = n < 0 ? 1 : (size_t)n + 1;
    char *s = arena_alloc(a, size);
    if (n > 0)
        vsnprintf(s, size, format, again);
    va_end(again);
    return s;
}
