/* A thread that asks a witness for cosignatures (witness/ask.h), one checkpoint at a time: nothing else waits for it. */
#ifndef ASSAY_SERVICE_WITNESS_THREAD_H
#define ASSAY_SERVICE_WITNESS_THREAD_H

#include <event2/event.h>

#include "witness/ask.h"

struct witness_thread;

/* From the event loop: what witness_ask gave. The note holds until the next witness_thread_ask. */
typedef void witness_answered(void *context, enum witness_outcome outcome, struct bytes cosigned, uint64_t known,
                              const struct fault *fault);

/* By the order's URL, certificates, key and proofs, whose texts are copied; `prove` is called in the thread, with the order's context.
 * NULL with a fault. */
struct witness_thread *witness_thread_start(struct event_base *base, const struct witness_order *order,
                                            witness_answered *answered, void *context, struct fault *fault);
/* Ends what is under way; `answered` is not called any more. NULL is allowed. */
void witness_thread_stop(struct witness_thread *t);
/* The note is copied; `answered` is called once. Nothing may be under way. */
void witness_thread_ask(struct witness_thread *t, struct bytes note, uint64_t old);

#endif
