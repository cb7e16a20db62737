/* Who is next: jobs wait in a line for each tenant, and the lines take turns, so that a tenant with a thousand requests under way
 * delays another's by one, not by a thousand. Bounded as a whole, and each line by its share. */
#ifndef ASSAY_SERVICE_TURNS_H
#define ASSAY_SERVICE_TURNS_H

#include <stdbool.h>
#include <stddef.h>

/* Part of what waits. */
struct waiter {
    struct waiter *next;
    const void *whose; /* compared only; NULL is a line of its own */
};

struct turns;

struct turns *turns_new(size_t most, size_t most_of_one); /* NULL without memory */
void turns_free(struct turns *t);                         /* what waits is its owner's */
/* False: there is no room, for this one or at all. */
bool turns_join(struct turns *t, struct waiter *w, const void *whose);
struct waiter *turns_next(struct turns *t); /* NULL: nobody waits */
size_t turns_waiting(const struct turns *t);
/* As the configuration changes. */
void turns_limits(struct turns *t, size_t most, size_t most_of_one);

#endif
