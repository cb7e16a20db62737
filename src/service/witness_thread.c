#include "service/witness_thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TEXT_MEMORY = 64 * 1024, ASK_MEMORY = 4 * 1024 * 1024 };

struct witness_thread {
    struct witness_order order;
    struct arena texts; /* of the order */
    witness_answered *answered;
    void *context;
    struct event *event;
    int ready; /* eventfd: the event loop's */
    pthread_t thread;
    atomic_bool stop;
    struct arena arena; /* whose it is says `asked`: the thread's while it is set; so with what follows */
    struct bytes cosigned;
    uint64_t known;
    struct fault fault;
    enum witness_outcome outcome;
    pthread_mutex_t lock; /* of `asked` */
    pthread_cond_t changed;
    bool asked;
};

static void *run(void *context)
{
    struct witness_thread *t = context;

    pthread_mutex_lock(&t->lock);
    while (!atomic_load(&t->stop)) {
        if (!t->asked) {
            pthread_cond_wait(&t->changed, &t->lock);
            continue;
        }
        pthread_mutex_unlock(&t->lock);
        t->fault = (struct fault){0};
        t->cosigned = BYTES_NONE;
        t->outcome = witness_ask(&t->order, &t->arena, &t->cosigned, &t->known, &t->fault);
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
    struct witness_thread *t = context;
    uint64_t rings;

    (void)what;
    if (read(fd, &rings, sizeof rings) == sizeof rings)
        t->answered(t->context, t->outcome, t->cosigned, t->known, &t->fault);
}

static bool start(struct witness_thread *t)
{
    sigset_t all, before;

    sigfillset(&all); /* signals are the event loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&t->thread, NULL, run, t) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void release(struct witness_thread *t)
{
    if (t->event)
        event_free(t->event);
    if (t->ready >= 0)
        close(t->ready);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->changed);
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
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    t->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    t->event = t->ready >= 0 ? event_new(base, t->ready, EV_READ | EV_PERSIST, told, t) : NULL;
    if (t->event && event_add(t->event, NULL) == 0 && start(t))
        return t;
    release(t);
    fault_set(fault, FAULT_SYSTEM, "cannot start the thread that asks the witness %s", order->url);
    return NULL;
}

void witness_thread_stop(struct witness_thread *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    atomic_store(&t->stop, true);
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    release(t);
}

void witness_thread_ask(struct witness_thread *t, struct bytes note, uint64_t old)
{
    arena_reset(&t->arena);
    t->order.note = arena_copy(&t->arena, note);
    t->order.old = old;
    pthread_mutex_lock(&t->lock);
    t->asked = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
}
