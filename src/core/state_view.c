#include "core/state_view.h"

#include <pthread.h>
#include <stdlib.h>

#include "merkle/tree.h"

enum {
    FIRST_SLOTS = 1024, /* a power of two, as every number of them after it */
    KEY = 16,           /* beginnings of digests */
    KNOWN = 16,
    MESSAGE_MEMORY = 512 * 1024 * 1024, /* of the largest record */
};

struct version {
    uint64_t number; /* 0: none */
    uint8_t leaf[KNOWN];
};

struct slot {
    bool used;
    uint8_t key[KEY];
    struct version read, served;
};

struct state_view {
    pthread_mutex_t lock; /* of all below */
    struct slot *slots;
    size_t cap, count;
    uint64_t differing;
    bool whole;
    struct arena scratch;
};

static struct slot *new_slots(size_t n)
{
    struct slot *slots = calloc(n, sizeof *slots);

    if (!slots)
        abort();
    return slots;
}

struct state_view *state_view_new(void)
{
    struct state_view *v = calloc(1, sizeof *v);

    if (!v)
        abort();
    pthread_mutex_init(&v->lock, NULL);
    v->slots = new_slots(v->cap = FIRST_SLOTS);
    arena_init(&v->scratch, MESSAGE_MEMORY);
    return v;
}

void state_view_free(struct state_view *v)
{
    if (!v)
        return;
    arena_free(&v->scratch);
    pthread_mutex_destroy(&v->lock);
    free(v->slots);
    free(v);
}

/* Its slot, or the free one that would be. */
static struct slot *find(struct slot *slots, size_t cap, const uint8_t key[KEY])
{
    uint64_t at;

    memcpy(&at, key, sizeof at);
    for (;; at++) {
        struct slot *s = &slots[at & (cap - 1)];

        if (!s->used || memcmp(s->key, key, KEY) == 0)
            return s;
    }
}

static void grow(struct state_view *v)
{
    struct slot *grown = new_slots(2 * v->cap);

    for (size_t i = 0; i < v->cap; i++)
        if (v->slots[i].used)
            *find(grown, 2 * v->cap, v->slots[i].key) = v->slots[i];
    free(v->slots);
    v->slots = grown;
    v->cap *= 2;
}

static struct slot *slot_of(struct state_view *v, const struct state_record *r)
{
    const uint8_t between = 0; /* which neither holds (store/store.h) */
    const struct bytes parts[] = {r->provider, bytes_make(&between, 1), r->kind};
    uint8_t key[SHA256_SIZE];

    if (4 * v->count >= 3 * v->cap)
        grow(v);
    digest_parts(DIGEST_SHA256, parts, 3, key);
    struct slot *s = find(v->slots, v->cap, key);
    if (!s->used) {
        s->used = true;
        memcpy(s->key, key, KEY);
        v->count++;
    }
    return s;
}

static bool differs(const struct slot *s)
{
    return s->served.number < s->read.number ||
           (s->served.number == s->read.number && memcmp(s->served.leaf, s->read.leaf, KNOWN) != 0);
}

/* One side of a slot is this record now. */
static void set(struct state_view *v, struct slot *s, struct version *side, uint64_t number, struct bytes message)
{
    struct merkle_hash leaf;

    v->differing -= differs(s);
    merkle_leaf(message, &leaf);
    side->number = number;
    memcpy(side->leaf, leaf.v, KNOWN);
    v->differing += differs(s);
}

void state_view_read(struct state_view *v, const struct state_record *r, struct bytes message)
{
    pthread_mutex_lock(&v->lock);
    struct slot *s = slot_of(v, r);
    if (r->version >= s->read.number)
        set(v, s, &s->read, r->version, message);
    pthread_mutex_unlock(&v->lock);
}

/* Also an older one than before: it is what counts. */
void state_view_serve(struct state_view *v, const struct state_record *r)
{
    pthread_mutex_lock(&v->lock);
    struct slot *s = slot_of(v, r);
    set(v, s, &s->served, r->version, record_message(&v->scratch, r));
    arena_reset(&v->scratch);
    pthread_mutex_unlock(&v->lock);
}

void state_view_whole(struct state_view *v)
{
    pthread_mutex_lock(&v->lock);
    v->whole = true;
    pthread_mutex_unlock(&v->lock);
}

bool state_view_is_whole(struct state_view *v)
{
    pthread_mutex_lock(&v->lock);
    bool whole = v->whole;
    pthread_mutex_unlock(&v->lock);
    return whole;
}

uint64_t state_view_differing(struct state_view *v)
{
    pthread_mutex_lock(&v->lock);
    uint64_t differing = v->differing;
    pthread_mutex_unlock(&v->lock);
    return differing;
}
