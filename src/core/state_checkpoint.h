/* What the store was, across restarts (DESIGN 5). All records of the store, in the order of their sequence, are the entries of a log
 * (record_message of each). Its checkpoint is a note signed by the core (state_key.h, STATE_STORE) with lines of its own behind the root:
 *
 *     counter 17 0f3c…        the value that the TPM's counter has while this checkpoint is the newest, and which counter; or no such line
 *     time 1764557680         when it was signed, seconds since 1970
 *
 * Each value of a counter is put in force once. So whoever puts an older store, and an older checkpoint with it, in the place of the present ones
 * would have to turn a counter of a TPM back. */
#ifndef ASSAY_CORE_STATE_CHECKPOINT_H
#define ASSAY_CORE_STATE_CHECKPOINT_H

#include "base/check.h"
#include "merkle/cosign.h"

enum {
    STATE_COUNTER_ID = 16,
    STATE_WITNESS_SECONDS = 300, /* between the clock of a witness and this one, in either direction */
    STATE_CLOCK_ALLOWANCE = 60,  /* seconds behind the checkpoint: what setting a clock right may take it back */
};

struct state_counter {
    uint64_t value;               /* 0: none counts */
    uint8_t id[STATE_COUNTER_ID]; /* of the counter: another one, of the same place, has another */
};
/* The further lines of a checkpoint. */
struct state_mark {
    struct state_counter counter;
    int64_t time;
};
struct bytes state_mark_write(struct arena *a, const struct state_mark *m);
/* False for what state_mark_write would not write. */
bool state_mark_read(struct bytes lines, struct state_mark *out);

/* What a TPM says of its counter. */
struct state_reading {
    bool there;    /* it counts: the value is one */
    bool in_force; /* a checkpoint was put in force with it, at some time */
    struct state_counter counter;
};

/* Judging, check by check (state.…). */
struct state_exam {
    struct arena *arena;
    struct trace *trace;
    const struct log_key *key;           /* of the log: its name, and the core's key */
    const struct state_reading *counter; /* NULL: switched off by a setting */
    int64_t time;                        /* the present */
    struct checkpoint checkpoint;        /* out: the newest one; without origin where there is none */
    struct state_mark mark;              /* out */
};
/* Is it a checkpoint of this store by the core? For a verifier too. */
bool state_judge_note(struct state_exam *x, struct bytes note);
/* At a start: is the newest that is left, or that there is none (empty), what the TPM's counter says, and the clock not behind it? */
bool state_judge_newest(struct state_exam *x, struct bytes note);
/* Then: does the store go on from it? `begin`: the root over as many of its first records; where it has as many. */
bool state_judge_store(struct state_exam *x, uint64_t records, const struct merkle_hash *begin);
/* And is what is served the newest that it has? `differing`: state_view_differing (core/state_view.h). */
bool state_judge_view(struct state_exam *x, uint64_t differing);
/* The newest checkpoint as a witness gave it back; empty: it refused. */
bool state_judge_witness(struct state_exam *x, const struct log_key *witness, struct bytes cosigned);
/* No work at a time behind the newest checkpoint's. */
bool state_judge_time(struct state_exam *x);
/* Before one is signed: the lines of `next` go on from those of `last`; last has no origin where there is none. */
bool state_judge_next(struct trace *trace, const struct checkpoint *last, const struct checkpoint *next);

#endif
