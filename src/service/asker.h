/* A thread for what blocks, that answers one question of the event loop at a time. */
#ifndef ASSAY_SERVICE_ASKER_H
#define ASSAY_SERVICE_ASKER_H

#include <event2/event.h>
#include <stdbool.h>

struct asker;

/* `work` is called in the thread, for each question, then `done` from the event loop. The context belongs to the thread from asker_ask
 * until `done`. NULL: no thread can be had. */
struct asker *asker_start(struct event_base *base, void work(void *context), void done(void *context), void *context);
/* `done` is called once. Nothing may be under way. */
void asker_ask(struct asker *k);
/* Ends it; `done` is not called any more. Waits for what is under way, with `seconds` above 0 so long at most. False: it was left alone
 * with it, and needs its context until the process ends. */
bool asker_stop(struct asker *k, int seconds);

#endif
