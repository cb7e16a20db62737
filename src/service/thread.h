/* Threads beside the event loop's. */
#ifndef ASSAY_SERVICE_THREAD_H
#define ASSAY_SERVICE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* One that no signal comes to: they are the event loop's. */
bool thread_start(pthread_t *out, void *run(void *context), void *context);

#endif
