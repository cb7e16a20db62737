/* Threads beside the event loop's. */
#ifndef ASSAY_SERVICE_THREAD_H
#define ASSAY_SERVICE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* One that no signal comes to: they are the event loop's. */
bool thread_start(pthread_t *out, void *run(void *context), void *context);

/* A lock, and the condition under it that thread_wait waits for. */
void thread_lock_init(pthread_mutex_t *lock, pthread_cond_t *changed);
/* Until `changed` is signalled or so many milliseconds went by, however the clock is set meanwhile; below 0: for ever. Under the lock. */
void thread_wait(pthread_cond_t *changed, pthread_mutex_t *lock, int64_t milliseconds);

#endif
