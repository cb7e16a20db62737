/* Inputs of decisions that providers chose to keep (core/keeping.h): encrypted for the provider's key and put into kept.db in the log's
 * folder, by a thread of their own. A token never waits for that, nor fails by it: what cannot be kept is logged and counted. */
#ifndef ASSAY_SERVICE_KEPT_H
#define ASSAY_SERVICE_KEPT_H

#include <event2/event.h>

#include "service/config.h"

struct kept;

enum {
    KEPT_QUEUE_BYTES = 64 * 1024 * 1024, /* in clear, that may wait for the thread; above that inputs are not kept */
    KEPT_QUEUE_READS = 1024,             /* that may wait for it */
};

/* *out is NULL where the operator allows none and none are there, which all that follows take. Where he allows it no more, what is there
 * still goes when its time is over, or with its provider. A kept.db that cannot be opened is logged and counted, and tried again; nothing
 * is kept until then. The log's folder is there already. */
bool kept_start(struct event_base *base, const struct config *c, struct kept **out, struct fault *fault);
/* Once what waits is on the disk; found is called for all of it. */
void kept_stop(struct kept *k);

/* Does the operator allow it? Else nothing is added, and nothing is to be found. */
bool kept_allowed(const struct kept *k);

/* A decision whose record is in the log. Everything is copied, the copy is wiped when it was encrypted. */
struct kept_decision {
    uint64_t index;
    struct bytes provider; /* issuer */
    uint64_t begin;        /* tenant_begin */
    struct bytes request;  /* body */
    struct bytes order;    /* of the core: a struct keep_order */
    int64_t now;
};
void kept_add(struct kept *k, const struct kept_decision *d);
/* The provider was deleted: what was kept before this sequence of the store goes. */
void kept_forget(struct kept *k, struct bytes provider, uint64_t deleted);

enum kept_outcome { KEPT_FOUND, KEPT_NONE, KEPT_FAILED };
/* From the event loop; the body ends with the call. */
typedef void kept_found(void *context, enum kept_outcome outcome, struct bytes body);
/* Of this provider and no other. False: too many wait, and found is not called. */
bool kept_find(struct kept *k, uint64_t index, struct bytes provider, uint64_t begin, kept_found *found, void *context);

struct kept_counts {
    unsigned long kept, lost;
    uint64_t bytes;
    bool unreadable; /* kept.db cannot be opened */
};
struct kept_counts kept_counts(struct kept *k);

#endif
