#include "service/evidence_thread.h"

#include <stdlib.h>

#include "service/asker.h"

enum {
    COLLECT_MEMORY = 64 * 1024 * 1024, /* a simulated platform takes some of it */
    STOP_SECONDS = 2,
};

struct evidence_thread {
    struct asker *asker;
    struct evidence_source source;
    evidence_collected *collected;
    void *context;
    struct arena arena; /* of one question */
    struct bytes text;
    struct key_evidence evidence;
    struct fault fault;
    bool ok;
};

static void work(void *context)
{
    struct evidence_thread *t = context;

    t->fault = (struct fault){0};
    t->ok = evidence_source_ask(&t->source, t->text, &t->arena, &t->evidence, &t->fault);
}

static void done(void *context)
{
    const struct evidence_thread *t = context;

    t->collected(t->context, t->ok ? &t->evidence : NULL, &t->fault);
}

static void release(struct evidence_thread *t)
{
    arena_free(&t->arena);
    free(t);
}

struct evidence_thread *evidence_thread_start(struct event_base *base, const struct evidence_source *source,
                                              evidence_collected *collected, void *context, struct fault *fault)
{
    struct evidence_thread *t = calloc(1, sizeof *t);

    if (!t)
        abort();
    *t = (struct evidence_thread){.source = *source, .collected = collected, .context = context};
    arena_init(&t->arena, COLLECT_MEMORY);
    t->asker = asker_start(base, work, done, t);
    if (t->asker)
        return t;
    release(t);
    fault_set(fault, FAULT_SYSTEM, "cannot start the thread for the service's own evidence");
    return NULL;
}

bool evidence_thread_stop(struct evidence_thread *t)
{
    if (t && !asker_stop(t->asker, STOP_SECONDS))
        return false;
    if (t)
        release(t);
    return true;
}

void evidence_thread_ask(struct evidence_thread *t, struct bytes key_text)
{
    arena_reset(&t->arena);
    t->text = arena_copy(&t->arena, key_text);
    asker_ask(t->asker);
}
