#include "service/asker.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "service/thread.h"

struct asker {
    void (*work)(void *context), (*done)(void *context);
    void *context;
    struct event *event;
    int ready; /* eventfd: the event loop's */
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool asked, stop;
};

static void *run(void *context)
{
    struct asker *k = context;
    const uint64_t one = 1;

    pthread_mutex_lock(&k->lock);
    while (!k->stop) {
        if (!k->asked) {
            thread_wait(&k->changed, &k->lock, -1);
            continue;
        }
        pthread_mutex_unlock(&k->lock);
        k->work(k->context);
        pthread_mutex_lock(&k->lock);
        k->asked = false;
        if (write(k->ready, &one, sizeof one) != sizeof one)
            break;
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

static void told(evutil_socket_t fd, short what, void *context)
{
    struct asker *k = context;
    uint64_t rings;

    (void)what;
    if (read(fd, &rings, sizeof rings) == sizeof rings)
        k->done(k->context);
}

static void release(struct asker *k)
{
    if (k->event)
        event_free(k->event);
    if (k->ready >= 0)
        close(k->ready);
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->changed);
    free(k);
}

struct asker *asker_start(struct event_base *base, void work(void *context), void done(void *context), void *context)
{
    struct asker *k = calloc(1, sizeof *k);

    if (!k)
        abort();
    *k = (struct asker){.work = work, .done = done, .context = context};
    thread_lock_init(&k->lock, &k->changed);
    k->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    k->event = k->ready >= 0 ? event_new(base, k->ready, EV_READ | EV_PERSIST, told, k) : NULL;
    if (k->event && event_add(k->event, NULL) == 0 && thread_start(&k->thread, run, k))
        return k;
    release(k);
    return NULL;
}

static void tell(struct asker *k, bool *what)
{
    pthread_mutex_lock(&k->lock);
    *what = true;
    pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

void asker_ask(struct asker *k)
{
    tell(k, &k->asked);
}

static bool join_within(pthread_t thread, int seconds)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

bool asker_stop(struct asker *k, int seconds)
{
    event_free(k->event); /* nobody is told any more */
    k->event = NULL;
    tell(k, &k->stop);
    if (!(seconds > 0 ? join_within(k->thread, seconds) : pthread_join(k->thread, NULL) == 0))
        return false;
    release(k);
    return true;
}
