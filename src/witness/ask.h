/* Asking a witness to cosign a checkpoint. Blocking, bounded in time and size: for a thread off the event loop. */
#ifndef ASSAY_WITNESS_ASK_H
#define ASSAY_WITNESS_ASK_H

#include <stdatomic.h>

#include "witness/submission.h"

/* That the log of the checkpoint's size goes on from its first `old` entries; called at most twice for one asking. False with a fault. */
typedef bool witness_prove(void *context, uint64_t old, uint64_t size, struct merkle_path *out, struct fault *fault);

struct witness_order {
    const char *url; /* of the witness, without the path: https, or http to loopback and link-local addresses alone */
    const char *ca_file; /* PEM: trust these besides the system's; NULL: none */
    struct log_key key;  /* the witness's: witness_key_parse */
    struct bytes note;   /* signed by the log */
    uint64_t old;        /* the size that the witness is thought to know; 0 will do: it tells */
    witness_prove *prove;
    void *context;
    unsigned seconds;        /* for each of the two exchanges; 0: WITNESS_SECONDS */
    const atomic_bool *stop; /* set: end soon, as failed; NULL */
};
enum { WITNESS_SECONDS = 10 };

enum witness_outcome {
    WITNESS_COSIGNED,
    WITNESS_REFUSED, /* it knows a history of this log that this checkpoint does not go on from: the fault says which */
    WITNESS_FAILED, /* it cannot be reached, does not know the log or its key, or answers what is none: ask again later */
};
/* COSIGNED: *cosigned is the note with the witness's line behind the others, which has been verified. *known is the size that the witness
 * knows: that of the note, or the one that it told; 0 where it told none. FAILED with one: others had it cosign meanwhile. When its size is not `old` it is asked a second time,
 * from that size. */
enum witness_outcome witness_ask(const struct witness_order *o, struct arena *a, struct bytes *cosigned,
                                 uint64_t *known, struct fault *fault);

#endif
