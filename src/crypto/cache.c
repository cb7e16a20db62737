#include "crypto/cache.h"

#include <stdlib.h>

/* Open hashing over the keys (they are digests already), a doubly linked list by use. */
struct entry {
    uint8_t key[SHA256_SIZE];
    struct arena arena;
    const void *object;
    struct entry *newer, *older; /* by use; in limbo: older links the list */
    struct entry *chain;         /* of one bucket */
};

struct cache {
    size_t entries, bytes; /* limits */
    size_t count, used;
    size_t bucket_count;
    struct entry **buckets;
    struct entry *newest, *oldest;
    struct entry *limbo; /* evicted, but a request may still hold views */
};

struct cache *cache_new(size_t entries, size_t bytes)
{
    struct cache *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->entries = entries;
    c->bytes = bytes;
    c->bucket_count = entries;
    c->buckets = calloc(entries, sizeof(struct entry *));
    if (c->buckets)
        return c;
    free(c);
    return NULL;
}

static void free_entry(struct entry *e)
{
    arena_free(&e->arena);
    free(e);
}

void cache_settle(struct cache *c)
{
    while (c && c->limbo) {
        struct entry *e = c->limbo;

        c->limbo = e->older;
        free_entry(e);
    }
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    cache_settle(c);
    while (c->newest) {
        struct entry *e = c->newest;

        c->newest = e->older;
        free_entry(e);
    }
    free(c->buckets);
    free(c);
}

void cache_key(const char *kind, const struct bytes *parts, size_t count, uint8_t key[SHA256_SIZE])
{
    enum { PARTS_MAX = 8 };
    struct bytes framed[2 * PARTS_MAX + 1];
    uint64_t lengths[PARTS_MAX];
    size_t n = 0;

    framed[n++] = bytes_make(kind, strlen(kind) + 1);
    if (count > PARTS_MAX)
        abort(); /* a key of some of its parts would be the key of other things too */
    for (size_t i = 0; i < count; i++) {
        lengths[i] = parts[i].n;
        framed[n++] = bytes_make(&lengths[i], sizeof lengths[i]);
        framed[n++] = parts[i];
    }
    digest_parts(DIGEST_SHA256, framed, n, key);
}

static struct entry **bucket_of(struct cache *c, const uint8_t key[SHA256_SIZE])
{
    uint64_t h;

    memcpy(&h, key, sizeof h);
    return &c->buckets[h % c->bucket_count];
}

static void unlink_use(struct cache *c, struct entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void link_newest(struct cache *c, struct entry *e)
{
    e->older = c->newest;
    e->newer = NULL;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static struct entry *find(struct cache *c, const uint8_t key[SHA256_SIZE])
{
    for (struct entry *e = *bucket_of(c, key); e; e = e->chain)
        if (memcmp(e->key, key, SHA256_SIZE) == 0)
            return e;
    return NULL;
}

const void *cache_find(struct cache *c, const uint8_t key[SHA256_SIZE])
{
    struct entry *e = c ? find(c, key) : NULL;

    if (!e)
        return NULL;
    unlink_use(c, e);
    link_newest(c, e);
    return e->object;
}

static void evict(struct cache *c, struct entry *e)
{
    struct entry **link = bucket_of(c, e->key);

    while (*link != e)
        link = &(*link)->chain;
    *link = e->chain;
    unlink_use(c, e);
    c->count--;
    c->used -= e->arena.used;
    e->older = c->limbo;
    c->limbo = e;
}

void cache_forget(struct cache *c, const uint8_t key[SHA256_SIZE])
{
    struct entry *e = c ? find(c, key) : NULL;

    if (e)
        evict(c, e);
}

struct arena *cache_arena(struct cache *c, struct arena *request)
{
    if (!c)
        return request;
    struct entry *e = calloc(1, sizeof *e);
    if (!e)
        request->exhausted(request);
    arena_init(&e->arena, request->limit);
    e->arena.exhausted = request->exhausted;
    return &e->arena;
}

/* The entry around an arena that cache_arena gave; NULL for the request's own. */
static struct entry *entry_of(struct cache *c, struct arena *built)
{
    return c && built ? (struct entry *)(void *)((uint8_t *)built - offsetof(struct entry, arena)) : NULL;
}

void cache_keep(struct cache *c, const uint8_t key[SHA256_SIZE], struct arena *built, const void *object)
{
    struct entry *e = entry_of(c, built), *twin = e ? find(c, key) : NULL;

    if (!e)
        return;
    if (e->arena.used > c->bytes) {
        cache_discard(c, built);
        return;
    }
    if (twin)
        evict(c, twin);
    memcpy(e->key, key, SHA256_SIZE);
    e->object = object;
    c->used += e->arena.used;
    c->count++;
    while (c->oldest && (c->count > c->entries || c->used > c->bytes))
        evict(c, c->oldest);
    struct entry **bucket = bucket_of(c, key);
    e->chain = *bucket;
    *bucket = e;
    link_newest(c, e);
}

void cache_discard(struct cache *c, struct arena *built)
{
    struct entry *e = entry_of(c, built);

    if (!e)
        return;
    e->older = c->limbo; /* the request may still look at what failed to be built */
    c->limbo = e;
}
