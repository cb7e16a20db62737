#include "merkle/growth.h"

#include <stdlib.h>

void merkle_growth_add(struct merkle_growth *g, struct bytes entry)
{
    if (g->count == g->cap) {
        size_t cap = 2 * g->cap + 64;
        struct merkle_hash *grown = realloc(g->leaves, cap * sizeof *grown);

        if (!grown)
            abort();
        g->leaves = grown;
        g->cap = cap;
    }
    merkle_leaf(entry, &g->leaves[g->count++]);
}

uint64_t merkle_growth_size(const struct merkle_growth *g)
{
    return g->part + g->count;
}

void merkle_growth_settle(struct merkle_growth *g)
{
    for (size_t i = 0; i < g->count; i++) {
        struct merkle_hash hash = g->leaves[i];
        unsigned level = 0;

        for (; g->part >> level & 1; level++)
            merkle_node(&g->whole[level], &hash, &hash);
        g->whole[level] = hash;
        g->part++;
    }
    g->count = 0;
}

static bool get(void *context, unsigned level, uint64_t index, struct merkle_hash *out, struct fault *fault)
{
    const struct merkle_growth *g = context;
    uint64_t begin = index << level, end = begin + ((uint64_t)1 << level);
    struct merkle_hash left, right;

    if (level >= MERKLE_LEVELS || end > merkle_growth_size(g))
        return fault_set(fault, FAULT_USAGE, "a part of the log that is not there");
    if (begin >= g->part) {
        merkle_fold(g->leaves + (begin - g->part), level, out);
        return true;
    }
    if (end <= g->part) {
        *out = g->whole[level];
        return (g->part >> level & 1 && index == (g->part >> level) - 1) ||
               fault_set(fault, FAULT_USAGE, "a part of the log of which nothing is known any more");
    }
    if (!get(context, level - 1, 2 * index, &left, fault) || !get(context, level - 1, 2 * index + 1, &right, fault))
        return false;
    merkle_node(&left, &right, out);
    return true;
}

struct merkle_source merkle_growth_source(struct merkle_growth *g)
{
    return (struct merkle_source){get, g};
}

void merkle_growth_free(struct merkle_growth *g)
{
    free(g->leaves);
    *g = (struct merkle_growth){0};
}
