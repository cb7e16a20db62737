#include "service/evidence_thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    COLLECT_MEMORY = 64 * 1024 * 1024, /* a simulated platform takes some of it */
    STOP_SECONDS = 2,
};

struct evidence_thread {
    struct evidence_source source;
    evidence_collected *collected;
    void *context;
    struct event *event;
    int ready; /* eventfd: the event loop's */
    pthread_t thread;
    struct arena arena; /* whose it is says `asked`: the thread's while it is set */
    struct bytes text;
    struct key_evidence evidence;
    struct fault fault;
    bool ok;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool asked, stop;
};

static void *run(void *context)
{
    struct evidence_thread *t = context;

    pthread_mutex_lock(&t->lock);
    while (!t->stop) {
        if (!t->asked) {
            pthread_cond_wait(&t->changed, &t->lock);
            continue;
        }
        pthread_mutex_unlock(&t->lock);
        t->fault = (struct fault){0};
        t->ok = evidence_source_ask(&t->source, t->text, &t->arena, &t->evidence, &t->fault);
        pthread_mutex_lock(&t->lock);
        t->asked = false;
        const uint64_t one = 1;
        if (write(t->ready, &one, sizeof one) != sizeof one)
            break;
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void told(evutil_socket_t fd, short what, void *context)
{
    struct evidence_thread *t = context;
    uint64_t rings;

    (void)what;
    if (read(fd, &rings, sizeof rings) == sizeof rings)
        t->collected(t->context, t->ok ? &t->evidence : NULL, &t->fault);
}

static bool start(struct evidence_thread *t)
{
    sigset_t all, before;

    sigfillset(&all); /* signals are the event loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&t->thread, NULL, run, t) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void release(struct evidence_thread *t)
{
    if (t->event)
        event_free(t->event);
    if (t->ready >= 0)
        close(t->ready);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->changed);
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
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    t->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    t->event = t->ready >= 0 ? event_new(base, t->ready, EV_READ | EV_PERSIST, told, t) : NULL;
    if (t->event && event_add(t->event, NULL) == 0 && start(t))
        return t;
    release(t);
    fault_set(fault, FAULT_SYSTEM, "cannot start the thread for the service's own evidence");
    return NULL;
}

bool evidence_thread_stop(struct evidence_thread *t)
{
    struct timespec until;

    if (!t)
        return true;
    event_free(t->event); /* nobody is told any more */
    t->event = NULL;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_SECONDS;
    if (pthread_timedjoin_np(t->thread, NULL, &until) != 0)
        return false;
    release(t);
    return true;
}

void evidence_thread_ask(struct evidence_thread *t, struct bytes key_text)
{
    arena_reset(&t->arena);
    t->text = arena_copy(&t->arena, key_text);
    pthread_mutex_lock(&t->lock);
    t->asked = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
}
