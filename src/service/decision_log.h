/* The log of decisions (merkle/append.h) in a thread of its own: records that come while the disk is waited for go to it together.
 * An answer goes out when its record is on the disk, so that a token that somebody has is in the log whatever ends this process.
 * Checkpoints are signed by the core, which is proved each time that the log goes on from the one before (core/checkpoint.h). Where a
 * witness is configured (witness/ask.h), a checkpoint goes before it first, and is published
 * with its cosignature if that can be had; no token waits for it. */
#ifndef ASSAY_SERVICE_DECISION_LOG_H
#define ASSAY_SERVICE_DECISION_LOG_H

#include <event2/event.h>

#include "service/config.h"
#include "service/pool.h"

struct decision_log;

enum { DECISION_QUEUE = 4096 }; /* records that may wait for the disk; above that answers are refused */

/* From the event loop. The record is on the disk, at this index; or it is not, and the reason is in the log. */
typedef void decision_done(void *context, bool kept, uint64_t index);

/* *out is NULL when none is kept, which all that follows take. Stops with a fault what stops log_append_open. The pool is asked for
 * signatures once it is ready. */
bool decision_log_start(struct event_base *base, const struct config *c, struct pool **pool, struct decision_log **out,
                        struct fault *fault);
/* Once what waits is on the disk; done is called for all of it. */
void decision_log_stop(struct decision_log *l);
/* Keeps what a snapshot has of settings and anchors as settings/HEX in the log's folder, HEX being what records have as their hash
 * (core/replay.h): on the disk before any record that is added later. Where it cannot be written, the reason is in the log. With
 * keep_inputs the endorsements too, as endorsements/HEX: each, and the list of their hashes, whose hash records have.
 * What the snapshot before had is not written again, unless something could not be: who deletes a file that is in force has it back at the
 * next start. */
void decision_log_settings(struct decision_log *l, const struct loaded *snapshot);
/* The record is copied. False: too many wait, and done is not called. */
bool decision_log_add(struct decision_log *l, struct bytes record, decision_done *done, void *context);

struct decision_counts {
    unsigned long records, lost, writes; /* writes to the disk: each of some records */
    unsigned long cosigned, witness_refused, witness_failed;
    bool refused; /* the witness knows another history of this log: by the last answer that it gave */
};
struct decision_counts decision_log_counts(struct decision_log *l);

#endif
