/* A directory of providers in memory that carries out what the control plane asks for, as the service does: for tests and for the
 * fuzzer. Every record goes through its stored form, so that what is answered next is what was kept. */
#ifndef ASSAY_TESTS_ARM_DIRECTORY_H
#define ASSAY_TESTS_ARM_DIRECTORY_H

#include <stdlib.h>

#include "arm/answer.h"

enum { DIRECTORY_MOST = 256 };

struct directory {
    struct arena *arena;
    struct resource list[DIRECTORY_MOST];
    size_t count;
};

static inline const struct resource *directory_find(void *context, struct bytes subscription, struct bytes group,
                                                    struct bytes name)
{
    struct directory *d = context;

    for (size_t i = 0; i < d->count; i++)
        if (d->list[i].owner != ARM_SHARED && resource_is(&d->list[i], subscription, group, name))
            return &d->list[i];
    return NULL;
}

static inline const struct resource *directory_find_issuer(void *context, struct bytes issuer)
{
    struct directory *d = context;

    for (size_t i = 0; i < d->count; i++)
        if (bytes_equal(d->list[i].issuer, issuer))
            return &d->list[i];
    return NULL;
}

static inline void directory_each(void *context, struct bytes subscription, struct bytes group, arm_visit *visit,
                                  void *to)
{
    struct directory *d = context;

    for (size_t i = 0; i < d->count; i++)
        if (d->list[i].owner != ARM_SHARED && bytes_equal_nocase(d->list[i].subscription, subscription) &&
            (!group.n || bytes_equal_nocase(d->list[i].group, group)) && !visit(to, &d->list[i]))
            return;
}

static inline size_t directory_count(void *context, struct bytes subscription)
{
    const struct directory *d = context;
    size_t n = 0;

    for (size_t i = 0; i < d->count; i++)
        n += d->list[i].owner == ARM_TENANT && bytes_equal_nocase(d->list[i].subscription, subscription);
    return n;
}

static inline void directory_defaults(void *context, arm_visit *visit, void *to)
{
    struct directory *d = context;

    for (size_t i = 0; i < d->count; i++)
        if (d->list[i].owner == ARM_SHARED && !visit(to, &d->list[i]))
            return;
}

static inline struct arm_directory directory_calls(struct directory *d)
{
    return (struct arm_directory){
        d, directory_find, directory_find_issuer, directory_each, directory_count, directory_defaults};
}

static inline void directory_add(struct directory *d, const struct resource *r)
{
    if (d->count == DIRECTORY_MOST)
        abort();
    d->list[d->count++] = *r;
}

/* Carry out an effect; false when it is not as it must be. */
static inline bool directory_apply(struct directory *d, const struct arm_effect *effect)
{
    struct resource r, *there = (struct resource *)directory_find_issuer(d, effect->issuer);

    if (effect->kind == ARM_NOTHING)
        return !effect->record.n && !effect->signers.n;
    if (effect->kind == ARM_DELETE) {
        if (!there)
            return false;
        *there = d->list[--d->count];
        return true;
    }
    if (!resource_read(d->arena, arena_copy(d->arena, effect->record), &r, NULL) ||
        !bytes_equal(r.issuer, effect->issuer) || (effect->kind == ARM_CREATE) != !there ||
        (effect->kind == ARM_CREATE && r.isolated != (effect->signers.n > 0)))
        return false;
    if (there)
        *there = r;
    else
        directory_add(d, &r);
    return true;
}

#endif
