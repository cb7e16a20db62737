/* What every unit test includes: cmocka with the headers it wants, and the corpus beside the project. */
#ifndef ASSAY_TESTS_TEST_H
#define ASSAY_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"

enum { TEST_MEMORY = 256 * 1024 * 1024 };

/* Is the corpus at hand? Set but empty says no. */
static inline bool have_shared(void)
{
    const char *shared = getenv("ASSAY_SHARED");

    return shared && *shared;
}

/* ASSAY_SHARED/name, or NULL without the corpus. */
static inline char *shared_path(struct arena *a, const char *name)
{
    return have_shared() ? arena_printf(a, "%s/%s", getenv("ASSAY_SHARED"), name) : NULL;
}

/* Ends the test as skipped, saying why, when the corpus is not at hand. */
#define NEED_SHARED(what)                                                  \
    do {                                                                   \
        if (!have_shared()) {                                              \
            print_message("# SKIP %s: ASSAY_SHARED is not set\n", (what)); \
            skip();                                                        \
        }                                                                  \
    } while (0)

/* A whole file; fails the test when it cannot be read. */
static inline struct bytes read_file(struct arena *a, const char *path)
{
    FILE *f = path ? fopen(path, "rb") : NULL;

    if (!f)
        fail_msg("cannot open %s", path ? path : "(null)");
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    uint8_t *p = arena_alloc(a, (size_t)n);
    if (fread(p, 1, (size_t)n, f) != (size_t)n)
        fail_msg("cannot read %s", path);
    fclose(f);
    return bytes_make(p, (size_t)n);
}

static inline struct bytes read_shared(struct arena *a, const char *name)
{
    return read_file(a, shared_path(a, name));
}

#define assert_bytes_equal(a, b)                   \
    do {                                           \
        struct bytes a_ = (a), b_ = (b);           \
        assert_int_equal(a_.n, b_.n);              \
        if (a_.n)                                  \
            assert_memory_equal(a_.p, b_.p, a_.n); \
    } while (0)
#define assert_bytes_are(a, text) assert_bytes_equal((a), bytes_text(text))

#endif
