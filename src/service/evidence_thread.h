/* A thread that asks for the service's own evidence, one key at a time. */
#ifndef ASSAY_SERVICE_EVIDENCE_THREAD_H
#define ASSAY_SERVICE_EVIDENCE_THREAD_H

#include <event2/event.h>

#include "service/evidence_source.h"

struct evidence_thread;

/* From the event loop. evidence NULL: none, with a fault. Views hold until the next evidence_thread_ask. */
typedef void evidence_collected(void *context, const struct key_evidence *evidence, const struct fault *fault);

/* The source's texts must live as long. NULL with a fault. */
struct evidence_thread *evidence_thread_start(struct event_base *base, const struct evidence_source *source,
                                              evidence_collected *collected, void *context, struct fault *fault);
/* Waits some seconds for what the hardware has under way. False: it was left alone with it, and needs the source's texts until the process
 * ends. NULL is allowed. */
bool evidence_thread_stop(struct evidence_thread *t);
/* The text is copied; collected is called once. Nothing may be under way. */
void evidence_thread_ask(struct evidence_thread *t, struct bytes key_text);

#endif
