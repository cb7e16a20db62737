/* What an anchor of the store (state_anchor.h) does with it, step by step, at a start and while it serves: follows the store, has the core sign a
 * checkpoint of what it read, puts that in force and before the witness. Only by the thread of the anchor; it waits for whatever it asks. */
#ifndef ASSAY_SERVICE_STATE_WORK_H
#define ASSAY_SERVICE_STATE_WORK_H

#include "core/state_view.h"
#include "service/state_place.h"
#include "service/state_tree.h"
#include "witness/ask.h"

enum {
    REPLICA_SECONDS = 15, /* by which a database that is read may be behind */
    STATE_NOTES_MEMORY = 4 * 1024 * 1024,
};

/* Of the thread that does it. */
struct state_host {
    /* By the core: *note lies in the arena, or is empty: it did not. */
    bool (*sign)(void *context, struct arena *a, struct bytes message, struct bytes *note);
    bool (*stopping)(void *context); /* what waits is to end */
    struct counting counting;
    void *context;
};

struct state_work {
    struct state_host host;
    const char *url;
    struct state_config config; /* texts that last as long as this */
    struct state_view *view;    /* with a lock of its own */
    bool lags;                  /* what is read may be behind for a while */
    struct log_key key;
    struct store *store;
    struct state_place place;
    struct merkle_growth growth; /* its first part is what the newest checkpoint covers */
    uint64_t sequence;           /* of the last record that is in it */
    struct arena newest_arena, next_arena;
    struct bytes newest; /* the note; empty: there is none */
    bool first;          /* there was none at the start */
    struct state_mark mark;
    struct bytes under_way; /* signed, and not in force yet */
    struct witness_order witness;
    uint64_t witnessed;         /* the size that the witness knows */
    unsigned behind;            /* times on end that it knew more than this node */
    struct arena witness_arena; /* what it answered */
    unsigned long cosigned, witness_refused, witness_failed;
    struct fault uncosigned; /* why the newest checkpoint is not; no code: it is, or nobody was asked */
    struct arena texts;      /* its key, and what is configured */
};

/* `stop`: set, what is asked of the witness ends. Nothing is opened yet. */
void state_work_init(struct state_work *w, const struct config *c, const uint8_t key[ED25519_PUBLIC],
                     struct state_view *view, const struct state_host *host, const atomic_bool *stop);
void state_work_free(struct state_work *w);
/* While it serves: a newer checkpoint in force, where there is anything to say, and one that could not be put in force before. */
bool state_work_anchor(struct state_work *w, bool last_one, struct fault *fault);

/* The steps of it, for a start. */
bool state_work_is_stopping(const struct state_work *w);
/* The failed check's reason as the fault; false. */
bool state_work_refuse(struct state_exam *x, struct fault *fault);
/* How many kinds of records are served other than they were read; waits, as they may be on their way by another connection. */
uint64_t state_work_not_served(struct state_work *w);
/* What the store has more than was read. */
bool state_work_follow(struct state_work *w, struct fault *fault);
/* Signed is w->under_way then. */
bool state_work_sign(struct state_work *w, struct fault *fault);
/* What is under way becomes the newest. */
bool state_work_put(struct state_work *w, struct fault *fault);
/* *cosigned lies in its arena. */
enum witness_outcome state_work_ask_witness(struct state_work *w, struct bytes note, struct bytes *cosigned,
                                            uint64_t *known, struct fault *fault);
/* Another node of the same store was there with more of it: what it has is to come. */
bool state_work_is_behind(const struct state_work *w, enum witness_outcome outcome, uint64_t known);

#endif
