/* The anchor of the store (core/state_checkpoint.h) in a thread of its own: at a start it judges whether the store is the one of the newest
 * checkpoint or goes on from it; then, at intervals and at a clean end, it has the core sign a newer one, puts it in force, and asks a
 * witness to cosign it where one is set: at a start before the store is found good. No write waits for any of that. */
#ifndef ASSAY_SERVICE_STATE_ANCHOR_H
#define ASSAY_SERVICE_STATE_ANCHOR_H

#include <event2/event.h>

#include "core/state_checkpoint.h"
#include "core/state_view.h"
#include "service/config.h"
#include "service/pool.h"

struct state_anchor;

/* From the event loop. judged: once; why is NULL when the store may be used, else `failed` is the check that refused it, or CHECK_COUNT.
 * noted: a checkpoint is in force, the one of the start included. */
struct state_anchor_callbacks {
    void (*judged)(void *context, const struct fault *why, enum check_id failed);
    void (*noted)(void *context, struct bytes note);
    void *context;
};
/* *out is NULL where none is kept, which all that follows take; judged is not called then. `key`: by which the core signs checkpoints of
 * the store. `view`: to which what is applied is shown; it must last longer. */
void state_anchor_start(struct event_base *base, const struct config *c, const uint8_t key[ED25519_PUBLIC],
                        struct keeper *keeper, struct pool **pool, struct state_view *view,
                        const struct state_anchor_callbacks *call, struct state_anchor **out);
/* The service serves: newer checkpoints may be signed. */
void state_anchor_go(struct state_anchor *s);
/* A last one, for a clean end; true once it is in force, or will not be. */
bool state_anchor_ended(struct state_anchor *s);
void state_anchor_stop(struct state_anchor *s);

struct state_anchor_state {
    bool kept, counted, witnessed; /* by what was set at the start */
    bool fails;                    /* as the last attempt did */
    int64_t failed_last;           /* when one did; 0: none */
    struct fault trouble;          /* and why */
    uint64_t records;              /* that the newest checkpoint covers */
    int64_t time;                  /* when it was signed; 0: there is none */
    unsigned long written, failed;
    unsigned long cosigned, witness_refused, witness_failed;
    int64_t clock_step; /* seconds by which the clock was set within the hour; 0: none that are not borne */
};
struct state_anchor_state state_anchor_state(struct state_anchor *s);

#endif
