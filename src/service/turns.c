#include "service/turns.h"

#include <stdlib.h>

struct line {
    struct line *next; /* the line whose turn comes after */
    const void *whose;
    struct waiter *first, **last;
    size_t count;
};

struct turns {
    struct line *first, **last; /* in the order of their turns; none of them is empty */
    struct line *spare;         /* kept for the next tenant that comes */
    size_t count, most, most_of_one;
};

void turns_limits(struct turns *t, size_t most, size_t most_of_one)
{
    t->most = most;
    t->most_of_one = most_of_one;
}

struct turns *turns_new(size_t most, size_t most_of_one)
{
    struct turns *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->last = &t->first;
    turns_limits(t, most, most_of_one);
    return t;
}

static void free_lines(struct line *l)
{
    while (l) {
        struct line *next = l->next;

        free(l);
        l = next;
    }
}

void turns_free(struct turns *t)
{
    if (!t)
        return;
    free_lines(t->first);
    free_lines(t->spare);
    free(t);
}

/* A linear search: there are no more lines than jobs, and a job costs a thousand times more. */
static struct line *line_of(struct turns *t, const void *whose)
{
    struct line *l = t->first;

    while (l && l->whose != whose)
        l = l->next;
    return l;
}

static struct line *new_line(struct turns *t, const void *whose)
{
    struct line *l = t->spare;

    if (l)
        t->spare = l->next;
    else
        l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    *l = (struct line){.whose = whose};
    l->last = &l->first;
    *t->last = l;
    t->last = &l->next;
    return l;
}

bool turns_join(struct turns *t, struct waiter *w, const void *whose)
{
    struct line *l = line_of(t, whose);

    if (t->count >= t->most || (l && l->count >= t->most_of_one) || (!l && !(l = new_line(t, whose))))
        return false;
    *w = (struct waiter){.whose = whose};
    *l->last = w;
    l->last = &w->next;
    l->count++;
    t->count++;
    return true;
}

struct waiter *turns_next(struct turns *t)
{
    struct line *l = t->first;

    if (!l)
        return NULL;
    struct waiter *w = l->first;
    l->first = w->next;
    l->count--;
    t->count--;
    t->first = l->next;
    if (!t->first)
        t->last = &t->first;
    l->next = NULL;
    if (l->first) { /* behind all others */
        *t->last = l;
        t->last = &l->next;
    } else {
        l->next = t->spare;
        t->spare = l;
    }
    return w;
}

size_t turns_waiting(const struct turns *t)
{
    return t->count;
}
