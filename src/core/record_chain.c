#include "core/record_chain.h"

void record_chain_add(struct record_chain *c, struct arena *scratch, const struct state_record *r)
{
    struct writer w = wr_open(scratch);

    wr_put(&w, BYTES_OF(c->head));
    wr_u64le(&w, ++c->sequence);
    wr_put(&w, sha256_of(scratch, record_message(scratch, r)));
    sha256(wr_done(&w), c->head);
}
