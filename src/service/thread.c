#include "service/thread.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

bool thread_start(pthread_t *out, void *run(void *context), void *context)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(out, NULL, run, context) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

void thread_lock_init(pthread_mutex_t *lock, pthread_cond_t *changed)
{
    pthread_condattr_t monotonic;

    if (pthread_condattr_init(&monotonic) != 0 || pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(changed, &monotonic) != 0 || pthread_mutex_init(lock, NULL) != 0)
        abort(); /* only without memory */
    pthread_condattr_destroy(&monotonic);
}

void thread_wait(pthread_cond_t *changed, pthread_mutex_t *lock, int64_t milliseconds)
{
    struct timespec until;

    if (milliseconds < 0) {
        pthread_cond_wait(changed, lock);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(milliseconds / 1000);
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_cond_timedwait(changed, lock, &until);
}
