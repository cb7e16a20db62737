/* The whole history of a store in one number: a hash chain over every record that there ever was, in the order of their sequence.
 * A store that lost its newest records, or in which any was exchanged, has another one; a checkpoint of it, kept where the owner of the
 * database cannot reach, shows that across restarts (DESIGN 5). */
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

/* What an anchor keeps: the chain as it was at a time, for a counter that only goes up (0: there is none). */
struct checkpoint {
    struct record_chain chain;
    uint64_t counter;
    int64_t time;
};
enum { CHECKPOINT_SIZE = 8 + SHA256_SIZE + 8 + 8 + ED25519_SIGNATURE };
/* What the core signs under its record key: a label of its own, then the fields. */
struct bytes checkpoint_message(struct arena *a, const struct checkpoint *c);
/* FRAME_CHECKPOINT, and one line of text, "assay checkpoint 1 SEQUENCE HEAD COUNTER TIME SIGNATURE\n", numbers in decimal and bytes in hex.
 * The time is a decimal of no sign: seconds since 1970. */
struct bytes write_checkpoint(struct arena *a, const struct checkpoint *c, struct bytes signature);
bool read_checkpoint(struct arena *a, struct bytes text, struct checkpoint *out, struct bytes *signature);

#endif
