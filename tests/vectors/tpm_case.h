/* What tests over TPM evidence of the corpus share: an arena for each test, files, and the verdict of an exam. */
#ifndef ASSAY_TESTS_TPM_CASE_H
#define ASSAY_TESTS_TPM_CASE_H

#include "tpm.h"

static struct arena arena;
static struct settings settings;

static inline int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_MEMORY);
    settings = SETTINGS_DEFAULT;
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static inline struct bytes evidence(const char *folder, const char *name)
{
    return read_shared(&arena, arena_printf(&arena, "evidence/%s/%s", folder, name));
}

static inline struct bytes unhex(const char *text)
{
    struct bytes out;

    assert_true(hex_decode(&arena, bytes_trim_end(bytes_text(text)), &out));
    return out;
}

/* The first check that failed, or "accepted". */
static inline const char *verdict(const struct exam *x)
{
    const struct trace_entry *failure = trace_failure(x->trace);

    return failure ? check_table[failure->id].id : "accepted";
}

static inline struct exam exam(void)
{
    return (struct exam){.arena = &arena, .trace = trace_new(&arena), .settings = &settings};
}

#endif
