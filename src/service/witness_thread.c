#include "service/witness_thread.h"

#include <stdlib.h>

#include "service/asker.h"

enum { TEXT_MEMORY = 64 * 1024, ASK_MEMORY = 4 * 1024 * 1024 };

struct witness_thread {
    struct asker *asker;
    struct witness_order order;
    struct arena texts; /* of the order */
    witness_answered *answered;
    void *context;
    atomic_bool stop;
    struct arena arena; /* of one question */
    struct bytes cosigned;
    uint64_t known;
    struct fault fault;
    enum witness_outcome outcome;
};

static void work(void *context)
{
    struct witness_thread *t = context;

    t->fault = (struct fault){0};
    t->cosigned = BYTES_NONE;
    t->outcome = witness_ask(&t->order, &t->arena, &t->cosigned, &t->known, &t->fault);
}

static void done(void *context)
{
    const struct witness_thread *t = context;

    t->answered(t->context, t->outcome, t->cosigned, t->known, &t->fault);
}

static void release(struct witness_thread *t)
{
    arena_free(&t->arena);
    arena_free(&t->texts);
    free(t);
}

struct witness_thread *witness_thread_start(struct event_base *base, const struct witness_order *order,
                                            witness_answered *answered, void *context, struct fault *fault)
{
    struct witness_thread *t = calloc(1, sizeof *t);

    if (!t)
        abort();
    *t = (struct witness_thread){.order = *order, .answered = answered, .context = context};
    arena_init(&t->texts, TEXT_MEMORY);
    arena_init(&t->arena, ASK_MEMORY);
    t->order.url = arena_string(&t->texts, bytes_text(order->url));
    t->order.ca_file = order->ca_file ? arena_string(&t->texts, bytes_text(order->ca_file)) : NULL;
    t->order.key.name = arena_copy(&t->texts, order->key.name);
    t->order.stop = &t->stop;
    t->asker = asker_start(base, work, done, t);
    if (t->asker)
        return t;
    release(t);
    fault_set(fault, FAULT_SYSTEM, "cannot start the thread that asks the witness %s", order->url);
    return NULL;
}

void witness_thread_stop(struct witness_thread *t)
{
    if (!t)
        return;
    atomic_store(&t->stop, true);
    asker_stop(t->asker, 0);
    release(t);
}

void witness_thread_ask(struct witness_thread *t, struct bytes note, uint64_t old)
{
    arena_reset(&t->arena);
    t->order.note = arena_copy(&t->arena, note);
    t->order.old = old;
    asker_ask(t->asker);
}
