/* The pairs of the core, driven from the event loop: one request at a time in each, a bounded queue before them, a deadline on
 * each request. A pair that dies, overruns or says something malformed fails that request, is counted, and replaced. */
#ifndef ASSAY_SERVICE_POOL_H
#define ASSAY_SERVICE_POOL_H

#include <event2/event.h>

#include "core/keeper.h"
#include "core/message.h"
#include "core/state_key.h"
#include "service/config.h"
#include "service/load.h"
#include "service/registry.h"

struct pool;

/* Why a job has no answer. */
enum pool_failure { POOL_ANSWERED, POOL_DIED, POOL_SLOW, POOL_OVER_MEMORY, POOL_REFUSED_UNREAD };

/* Called once for each job that was accepted; answer is NULL unless outcome is POOL_ANSWERED. Views end with the call. */
typedef void pool_done(void *context, enum pool_failure outcome, const struct answered *answer);
/* The public halves of the keys by which the core vouches for its state: once, before anything else. */
typedef void pool_keys(void *context, const struct state_keys *keys);
/* Every pair can sign and has a snapshot: the service can answer. */
typedef void pool_ready(void *context);
/* What a shadow policy would have changed, after the answer went out. Views end with the call. */
typedef void pool_shadowed(void *context, const struct shadow_result *result);
/* What will become of a platform that was accepted. */
typedef void pool_outlook(void *context, const struct outlook *outlook);
/* Pairs ended again and again before the first was ready: a start that will not succeed; or the keeper that starts them is gone. */
typedef void pool_broken(void *context, const char *why);

struct pool_callbacks {
    pool_keys *keys;
    pool_ready *ready;
    pool_shadowed *shadowed;
    pool_outlook *outlook;
    pool_broken *broken;
    void *context;
};
/* The keeper has a place for each pair of the configuration. */
struct pool *pool_new(struct event_base *base, const struct config *c, struct keeper *keeper,
                      const struct pool_callbacks *callbacks, struct fault *fault);
void pool_free(struct pool *p);
/* Give every pair this snapshot, each between two requests. The pool keeps it, for pairs that start later; if they refuse it,
 * it keeps the one before. */
void pool_load(struct pool *p, struct loaded *snapshot);
/* What a pair is to do. Views must live until done is called, which may be at once. */
struct pool_work {
    enum frame_kind kind;
    struct bytes body;
    struct bytes identity[2];    /* by which a request that kills is known again */
    const struct tenant *tenant; /* whose state the pair needs; NULL: nobody's */
    int milliseconds;            /* it may take; 0: as every request */
};
/* False when the queue is full. A FRAME_CHECKPOINT is for the first pair alone, which remembers the last one; one waits at a time. */
bool pool_submit(struct pool *p, const struct pool_work *work, pool_done *done, void *context);

/* The newest checkpoint of the store, for every pair there is and will be (FRAME_STATE). It is copied. */
void pool_state(struct pool *p, struct bytes note);

/* Public halves, once a pair is ready. */
const struct state_keys *pool_state_keys(const struct pool *p);

struct pool_counts {
    unsigned long answered, died, slow, over_memory, refused_unread, restarts, shadows_lost;
};
struct pool_counts pool_counts(const struct pool *p);

/* At the moment. serving: pairs that take requests, or will after the one they work on. */
struct pool_load {
    size_t pairs, serving, working, waiting;
};
struct pool_load pool_load_now(const struct pool *p);
/* What keeps the pair of this number from serving, for people: at the start until it has shown that it judges and signs (core/selftest.h)
 * and has endorsements; later only a self-test that failed. NULL: nothing. */
const char *pool_missing(const struct pool *p, size_t pair);

#endif
