/* The store in a thread of its own: the event loop asks, goes on, and is told. A database that is slow or away delays nobody but
 * who writes (DESIGN 7). What others wrote comes in by itself. */
#ifndef ASSAY_SERVICE_LEDGER_H
#define ASSAY_SERVICE_LEDGER_H

#include <event2/event.h>

#include "store/store.h"

struct ledger;

enum { LEDGER_QUEUE = 256 }; /* what may wait for the store; more is refused at once */

enum ledger_outcome {
    LEDGER_DONE,
    LEDGER_CONFLICT, /* another writer was first: nothing was written */
    LEDGER_FAILED,   /* nothing was written, unless the fault is FAULT_UNCERTAIN */
};

/* What a caller is told. */
const char *ledger_reason(enum ledger_outcome outcome, const struct fault *fault);

/* From the event loop. A record that this or another node appended; its views end with the call. */
typedef void ledger_apply(void *context, const struct record *record);
/* From the event loop, after ledger_apply was called for what was appended. */
typedef void ledger_done(void *context, enum ledger_outcome outcome, const struct fault *fault);

/* From the event loop, once: ledger_apply was called for all that was in the store at the start. A fault: the store could not
 * be read whole, and nothing more comes. */
typedef void ledger_known(void *context, const struct fault *fault);

struct ledger_callbacks {
    ledger_apply *apply;
    ledger_known *known;
    void *context;
};
/* Takes the store, also when it cannot start. What is in it is applied from the event loop, piece by piece. */
struct ledger *ledger_start(struct event_base *base, struct store *store, const struct ledger_callbacks *callbacks,
                            struct fault *fault);
/* Waits for what is under way: some seconds at most, when the database does not answer. */
void ledger_stop(struct ledger *l);
/* Did the store answer when it was asked last? It is asked every second at least. */
bool ledger_answers(struct ledger *l);
/* All records durable, or none. False: too many wait, and done is not called. The records must live until it is. */
bool ledger_append(struct ledger *l, const struct record *records, size_t count, ledger_done *done, void *context);
/* Part of a history, into the arena, which nobody else may touch until done is called. */
struct ledger_reading {
    struct arena *arena;
    struct bytes provider, kind;
    struct history_page page;
    struct record *records; /* out */
    size_t count, cap;
};
bool ledger_read(struct ledger *l, struct ledger_reading *reading, ledger_done *done, void *context);

#endif
