/* Memory for what stays: 100,000 providers are 300 MiB in small pieces, and the system hands memory out a page at a time, which costs more
 * than all else at a start. Pieces come from huge pages where there are any; a chunk goes back when its last piece does. */
#ifndef ASSAY_SERVICE_SLAB_H
#define ASSAY_SERVICE_SLAB_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { SLAB_AHEAD = 2 };

struct slab_chunk;
struct slab {
    struct slab_chunk *filling;
    _Atomic(struct slab_chunk *) ahead[SLAB_AHEAD];
    bool hurried;
    atomic_bool rested;
    pthread_t thread; /* while hurried */
    sem_t taken;
};

/* Aligned for every type; ends the program when there is no memory. */
void *slab_alloc(struct slab *s, size_t n);
void slab_free(struct slab *s, void *p, size_t n); /* n as it was asked for; NULL is nothing */
/* Until slab_rest a thread keeps chunks ready whose pages are there: at a start, to be given pages is half of the time. */
void slab_hurry(struct slab *s);
void slab_rest(struct slab *s);
/* The chunk that is being filled. Pieces that are not freed stay. */
void slab_end(struct slab *s);

#endif
