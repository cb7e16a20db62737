#include "core/record_memory.h"

#include <stdlib.h>

#include "crypto/digest.h"

/* Half a million records, of 100,000 providers as they usually are. Memory that no record fell into is never touched. Where more
 * fall into one set than it holds, the one that came first is forgotten. */
enum { SETS = 65536, WAYS = 8, KEY = 16, KNOWN = 16 };

struct seen {
    uint8_t key[KEY], message[KNOWN]; /* beginnings of digests */
    uint64_t version;                 /* 0: free */
};

struct set {
    struct seen ways[WAYS];
    size_t next; /* which is given up next */
};

struct record_memory {
    struct set sets[SETS];
};

struct record_memory *record_memory_new(void)
{
    return calloc(1, sizeof(struct record_memory));
}

void record_memory_free(struct record_memory *m)
{
    free(m);
}

static size_t key_of(struct bytes provider, struct bytes kind, uint8_t out[SHA256_SIZE])
{
    const uint8_t between = 0; /* which neither holds (store/store.h) */
    const struct bytes parts[] = {provider, bytes_make(&between, 1), kind};

    digest_parts(DIGEST_SHA256, parts, 3, out);
    return (size_t)(out[KEY] | out[KEY + 1] << 8) % SETS;
}

static const struct seen *find(const struct set *s, const uint8_t key[KEY])
{
    for (size_t i = 0; i < WAYS; i++)
        if (s->ways[i].version && memcmp(s->ways[i].key, key, KEY) == 0)
            return &s->ways[i];
    return NULL;
}

static struct seen *room(struct set *s)
{
    for (size_t i = 0; i < WAYS; i++)
        if (!s->ways[i].version)
            return &s->ways[i];
    return &s->ways[s->next++ % WAYS];
}

bool record_memory_take(struct record_memory *m, struct bytes provider, struct bytes kind, uint64_t version,
                        struct bytes message)
{
    uint8_t key[SHA256_SIZE], digest[SHA256_SIZE];
    struct set *s = &m->sets[key_of(provider, kind, key)];
    struct seen *known = (struct seen *)(uintptr_t)find(s, key);

    sha256(message, digest);
    if (version == 0 || (known && (known->version > version ||
                                   (known->version == version && memcmp(known->message, digest, KNOWN) != 0))))
        return false;
    if (!known)
        known = room(s);
    memcpy(known->key, key, KEY);
    memcpy(known->message, digest, KNOWN);
    known->version = version;
    return true;
}

uint64_t record_memory_version(const struct record_memory *m, struct bytes provider, struct bytes kind)
{
    uint8_t key[SHA256_SIZE];
    const struct seen *known = find(&m->sets[key_of(provider, kind, key)], key);

    return known ? known->version : 0;
}
