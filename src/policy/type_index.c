#include "policy/type_index.h"

enum { BUCKETS_FIRST = 64, ENDS_HASHED = 16 };

struct bucket {
    uint32_t first, last;
};

struct type_index {
    struct arena *arena;
    struct bucket *buckets; /* a power of two of them */
    uint32_t *next;         /* by place in the set */
    size_t bucket_count, n, cap;
};

/* Of both ends and the length: a bound on its cost, whatever the names. That many can be made to collide costs no more than
 * going without an index. */
static size_t hash(struct bytes type)
{
    uint64_t h = 0xcbf29ce484222325 ^ type.n; /* FNV-1a */
    size_t head = type.n < ENDS_HASHED ? type.n : ENDS_HASHED,
           tail = type.n - head < ENDS_HASHED ? type.n - head : ENDS_HASHED;

    for (size_t i = 0; i < head; i++)
        h = (h ^ type.p[i]) * 0x100000001b3;
    for (size_t i = type.n - tail; i < type.n; i++)
        h = (h ^ type.p[i]) * 0x100000001b3;
    return (size_t)(h ^ h >> 32);
}

static struct bucket *bucket_of(const struct type_index *t, struct bytes type)
{
    return &t->buckets[hash(type) & (t->bucket_count - 1)];
}

static void set_buckets(struct type_index *t, size_t count)
{
    t->buckets = ARENA_ARRAY(t->arena, struct bucket, count);
    t->bucket_count = count;
    for (size_t i = 0; i < count; i++)
        t->buckets[i] = (struct bucket){TYPE_INDEX_END, TYPE_INDEX_END};
}

struct type_index *type_index_new(struct arena *a)
{
    struct type_index *t = ARENA_NEW(a, struct type_index);

    t->arena = a;
    set_buckets(t, BUCKETS_FIRST);
    return t;
}

static void take_in(struct type_index *t, const struct claims *set, size_t place)
{
    struct bucket *b = bucket_of(t, set->v[place].type);

    t->next[place] = TYPE_INDEX_END;
    if (b->first == TYPE_INDEX_END)
        b->first = (uint32_t)place;
    else
        t->next[b->last] = (uint32_t)place;
    b->last = (uint32_t)place;
}

static void catch_up(struct type_index *t, const struct claims *set)
{
    if (set->n > t->bucket_count) { /* twice what is needed, so that growing costs as much as what it holds */
        size_t count = t->bucket_count;

        while (count < 2 * set->n)
            count *= 2;
        set_buckets(t, count);
        for (size_t i = 0; i < t->n; i++)
            take_in(t, set, i);
    }
    while (t->n < set->n) {
        t->next = ARENA_ROOM(t->arena, t->next, t->n, &t->cap);
        take_in(t, set, t->n);
        t->n++;
    }
}

uint32_t type_index_first(struct type_index *t, const struct claims *set, struct bytes type)
{
    catch_up(t, set);
    return bucket_of(t, type)->first;
}

uint32_t type_index_next(const struct type_index *t, uint32_t place)
{
    return t->next[place];
}
