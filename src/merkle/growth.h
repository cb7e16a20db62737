/* The tree of a log whose entries are kept elsewhere and read in their order: what a root needs of the first part, and every leaf
 * behind it. So it takes little memory, gives the root of the part and of the whole, and proves that the whole goes on from the part. */
#ifndef ASSAY_MERKLE_GROWTH_H
#define ASSAY_MERKLE_GROWTH_H

#include "merkle/tree.h"

enum { MERKLE_LEVELS = 41 /* of a tree of LOG_SIZE_MOST leaves */ };

/* {0}: of no entry. */
struct merkle_growth {
    uint64_t part;                           /* leaves of which no more is known than: */
    struct merkle_hash whole[MERKLE_LEVELS]; /* for each bit of that, the subtree of so many leaves */
    struct merkle_hash *leaves;              /* behind it */
    size_t count, cap;
};

void merkle_growth_add(struct merkle_growth *g, struct bytes entry);
uint64_t merkle_growth_size(const struct merkle_growth *g);
/* All that is there is the first part from now on. */
void merkle_growth_settle(struct merkle_growth *g);
/* Gives the roots of sizes from the part's on, and proofs from the part to any of them; what else is asked for fails. It must live as
 * long as the source. */
struct merkle_source merkle_growth_source(struct merkle_growth *g);
/* Back to no entry. */
void merkle_growth_free(struct merkle_growth *g);

#endif
