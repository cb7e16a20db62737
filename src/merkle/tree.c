#include "merkle/tree.h"

static const uint8_t leaf_mark = 0, node_mark = 1;

void merkle_leaf(struct bytes entry, struct merkle_hash *out)
{
    const struct bytes parts[] = {bytes_make(&leaf_mark, 1), entry};

    digest_parts(DIGEST_SHA256, parts, 2, out->v);
}

void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *out)
{
    uint8_t joined[1 + 2 * SHA256_SIZE] = {node_mark};

    memcpy(joined + 1, left->v, SHA256_SIZE);
    memcpy(joined + 1 + SHA256_SIZE, right->v, SHA256_SIZE);
    sha256(BYTES_OF(joined), out->v);
}

void merkle_fold(const struct merkle_hash *hashes, unsigned k, struct merkle_hash *out)
{
    struct merkle_hash left, right;

    if (k == 0) {
        *out = *hashes;
        return;
    }
    merkle_fold(hashes, k - 1, &left);
    merkle_fold(hashes + ((size_t)1 << (k - 1)), k - 1, &right);
    merkle_node(&left, &right, out);
}

bool merkle_same(const struct merkle_hash *a, const struct merkle_hash *b)
{
    return memcmp(a->v, b->v, SHA256_SIZE) == 0;
}

/* k with 2^k the largest power of two below n, which is at least 2. */
static unsigned split(uint64_t n)
{
    return 63 - (unsigned)__builtin_clzll(n - 1);
}

/* The hash over the leaves [begin, end) of a tree: those parts of it that are whole are asked for, from the right. */
static bool range(const struct merkle_source *s, uint64_t begin, uint64_t end, struct merkle_hash *out,
                  struct fault *fault)
{
    bool first = true;

    while (begin < end) {
        unsigned level = (unsigned)__builtin_ctzll(end - begin); /* of the last whole subtree */
        struct merkle_hash part;

        end -= (uint64_t)1 << level;
        if (!s->get(s->context, level, end >> level, &part, fault))
            return false;
        if (first)
            *out = part;
        else
            merkle_node(&part, out, out);
        first = false;
    }
    return true;
}

bool merkle_root(const struct merkle_source *s, uint64_t size, struct merkle_hash *out, struct fault *fault)
{
    if (size > LOG_SIZE_MOST)
        return fault_set(fault, FAULT_LIMIT, "a log of more entries than one may have");
    sha256(BYTES_NONE, out->v);
    return range(s, 0, size, out, fault);
}

static void turn(struct merkle_path *p)
{
    for (size_t i = 0; i < p->n / 2; i++) {
        struct merkle_hash kept = p->v[i];

        p->v[i] = p->v[p->n - 1 - i];
        p->v[p->n - 1 - i] = kept;
    }
}

bool merkle_prove_inclusion(const struct merkle_source *s, uint64_t index, uint64_t size, struct merkle_path *out,
                            struct fault *fault)
{
    uint64_t begin = 0, end = size;

    out->n = 0;
    if (index >= size || size > LOG_SIZE_MOST)
        return fault_set(fault, FAULT_USAGE, "entry %llu is not in a log of %llu", (unsigned long long)index,
                         (unsigned long long)size);
    while (end - begin > 1) {
        uint64_t middle = begin + ((uint64_t)1 << split(end - begin));
        bool left = index < middle;

        if (!range(s, left ? middle : begin, left ? end : middle, &out->v[out->n++], fault))
            return false;
        *(left ? &end : &begin) = middle;
    }
    turn(out);
    return true;
}

bool merkle_prove_consistency(const struct merkle_source *s, uint64_t old, uint64_t size, struct merkle_path *out,
                              struct fault *fault)
{
    uint64_t begin = 0, end = size;

    out->n = 0;
    if (old > size || size > LOG_SIZE_MOST)
        return fault_set(fault, FAULT_USAGE, "a log of %llu entries does not go on from one of %llu",
                         (unsigned long long)size, (unsigned long long)old);
    if (old == 0)
        return true;
    while (end != old) {
        uint64_t middle = begin + ((uint64_t)1 << split(end - begin));
        bool left = old <= middle;

        if (!range(s, left ? middle : begin, left ? end : middle, &out->v[out->n++], fault))
            return false;
        *(left ? &end : &begin) = middle;
    }
    if (begin > 0 && !range(s, begin, end, &out->v[out->n++], fault))
        return false;
    turn(out);
    return true;
}

/* One level up, or more where this node has no brother on its way. */
static void climb(uint64_t *node, uint64_t *last)
{
    while (!(*node & 1) && *node) {
        *node >>= 1;
        *last >>= 1;
    }
    *node >>= 1;
    *last >>= 1;
}

bool merkle_included(const struct merkle_hash *leaf, uint64_t index, uint64_t size, const struct merkle_path *path,
                     const struct merkle_hash *root)
{
    struct merkle_hash hash = *leaf;

    if (index >= size || size > LOG_SIZE_MOST)
        return false;
    uint64_t node = index, last = size - 1;
    for (size_t i = 0; i < path->n; i++) {
        if (last == 0)
            return false;
        if (node & 1 || node == last) {
            merkle_node(&path->v[i], &hash, &hash);
            climb(&node, &last);
        } else {
            merkle_node(&hash, &path->v[i], &hash);
            node >>= 1;
            last >>= 1;
        }
    }
    return last == 0 && merkle_same(&hash, root);
}

bool merkle_consistent(uint64_t old, const struct merkle_hash *old_root, uint64_t size, const struct merkle_hash *root,
                       const struct merkle_path *path)
{
    size_t used = 0;

    if (old > size || size > LOG_SIZE_MOST)
        return false;
    if (old == size)
        return path->n == 0 && merkle_same(old_root, root);
    if (old == 0)
        return path->n == 0; /* a log of nothing begins every log */
    uint64_t node = old - 1, last = size - 1;
    while (node & 1) {
        node >>= 1;
        last >>= 1;
    }
    if (node && path->n == 0)
        return false;
    struct merkle_hash before = node ? path->v[used++] : *old_root, now = before;
    for (; used < path->n; used++) {
        if (last == 0)
            return false;
        if (node & 1 || node == last) {
            merkle_node(&path->v[used], &before, &before);
            merkle_node(&path->v[used], &now, &now);
            climb(&node, &last);
        } else {
            merkle_node(&now, &path->v[used], &now);
            node >>= 1;
            last >>= 1;
        }
    }
    return last == 0 && merkle_same(&before, old_root) && merkle_same(&now, root);
}
