/* Merkle trees as logs have them (RFC 6962, 2.1; RFC 9162, 2.1): SHA-256, a leaf is hashed behind 00, two nodes behind 01. Proofs that
 * an entry is in a tree, and that one tree goes on from another, are made from hashes of whole subtrees and judged from nothing but
 * themselves. */
#ifndef ASSAY_MERKLE_TREE_H
#define ASSAY_MERKLE_TREE_H

#include "base/fault.h"
#include "crypto/digest.h"

enum { MERKLE_PATH_MAX = 64 /* hashes in a proof: a tree has at most LOG_SIZE_MOST leaves */ };
#define LOG_SIZE_MOST ((uint64_t)1 << 40) /* entries of one log: ten thousand a second for three years */

struct merkle_hash {
    uint8_t v[SHA256_SIZE];
};
/* A proof: hashes from the bottom to the top. */
struct merkle_path {
    struct merkle_hash v[MERKLE_PATH_MAX];
    size_t n;
};

void merkle_leaf(struct bytes entry, struct merkle_hash *out);
void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *out);
/* The root over 2^k hashes that stand side by side. */
void merkle_fold(const struct merkle_hash *hashes, unsigned k, struct merkle_hash *out);
bool merkle_same(const struct merkle_hash *a, const struct merkle_hash *b);

/* Where hashes come from. `get` gives the one over the leaves [index << level, (index + 1) << level), all of which are there. */
struct merkle_source {
    bool (*get)(void *context, unsigned level, uint64_t index, struct merkle_hash *out, struct fault *fault);
    void *context;
};
/* Of the tree of the first `size` leaves; of none, SHA-256 of nothing. False with the source's fault. */
bool merkle_root(const struct merkle_source *s, uint64_t size, struct merkle_hash *out, struct fault *fault);
/* That leaf `index` is in the tree of `size`; false also (FAULT_USAGE) when it cannot be. */
bool merkle_prove_inclusion(const struct merkle_source *s, uint64_t index, uint64_t size, struct merkle_path *out,
                            struct fault *fault);
/* That the tree of `size` begins with the leaves of the tree of `old`. */
bool merkle_prove_consistency(const struct merkle_source *s, uint64_t old, uint64_t size, struct merkle_path *out,
                              struct fault *fault);

/* The verdicts (RFC 9162, 2.1.3.2 and 2.1.4.2). */
bool merkle_included(const struct merkle_hash *leaf, uint64_t index, uint64_t size, const struct merkle_path *path,
                     const struct merkle_hash *root);
bool merkle_consistent(uint64_t old, const struct merkle_hash *old_root, uint64_t size, const struct merkle_hash *root,
                       const struct merkle_path *path);

#endif
