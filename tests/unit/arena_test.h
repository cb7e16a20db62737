/* For tests that share one arena: made before, given back after a test or all of them. */
#ifndef ASSAY_TESTS_ARENA_TEST_H
#define ASSAY_TESTS_ARENA_TEST_H

#include "test.h"

static struct arena arena;

static inline int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

#endif
