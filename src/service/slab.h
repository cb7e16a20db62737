/* Memory for what stays: 100,000 providers are 300 MiB in small pieces, and the system hands memory out a page at a time, which costs more
 * than all else at a start. Pieces come from huge pages where there are any; a chunk goes back when its last piece does. */
#ifndef ASSAY_SERVICE_SLAB_H
#define ASSAY_SERVICE_SLAB_H

#include <stddef.h>

struct slab_chunk;
struct slab {
    struct slab_chunk *filling;
};

/* Aligned for every type; ends the program when there is no memory. */
void *slab_alloc(struct slab *s, size_t n);
void slab_free(struct slab *s, void *p, size_t n); /* n as it was asked for; NULL is nothing */
/* The chunk that is being filled. Pieces that are not freed stay. */
void slab_end(struct slab *s);

#endif
