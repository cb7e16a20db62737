/* The whole history of a store in one number: a hash chain over every record that there ever was, in the order of their sequence.
 * A store that lost its newest records, or in which any was exchanged, has another one. */
#ifndef ASSAY_CORE_RECORD_CHAIN_H
#define ASSAY_CORE_RECORD_CHAIN_H

#include "core/record_seal.h"
#include "crypto/digest.h"

/* {0}: of no record. */
struct record_chain {
    uint64_t sequence;
    uint8_t head[SHA256_SIZE];
};
/* The next record: head becomes SHA-256(head, sequence, SHA-256 of record_message). Seals are left out: what they vouch for is all there. */
void record_chain_add(struct record_chain *c, struct arena *scratch, const struct state_record *r);

#endif
