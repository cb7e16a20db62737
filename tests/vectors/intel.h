/* Endorsements of the corpus by set, for tests that judge Intel evidence. */
#ifndef ASSAY_TESTS_INTEL_H
#define ASSAY_TESTS_INTEL_H

#include "test.h"

#include "base/clock.h"
#include "endorsement/intel/intel.h"
#include "evidence/sgx.h"
#include "evidence/tdx.h"

enum { COLUMNS_MAX = 16, SET_MEMORY = 64 * 1024 * 1024 };

/* One line of a .tsv file, cut at tabs; *text moves on. False at the end. */
static inline bool tsv_line(struct bytes *text, struct bytes column[COLUMNS_MAX], size_t *count)
{
    *count = 0;
    if (text->n == 0)
        return false;
    const uint8_t *end = memchr(text->p, '\n', text->n);
    struct bytes line = bytes_first(*text, end ? (size_t)(end - text->p) : text->n);
    *text = bytes_after(*text, line.n + 1);
    for (;;) {
        const uint8_t *tab = line.n ? memchr(line.p, '\t', line.n) : NULL;

        assert_true(*count < COLUMNS_MAX);
        column[(*count)++] = bytes_first(line, tab ? (size_t)(tab - line.p) : line.n);
        if (!tab)
            return true;
        line = bytes_after(line, (size_t)(tab - line.p) + 1);
    }
}

static inline int64_t time_of(struct bytes text)
{
    int64_t t;

    if (!time_parse(text, &t))
        fail_msg("not a time: %.*s", (int)text.n, (const char *)text.p);
    return t;
}

static inline void add_shared(struct arena *a, struct endorsements *e, const char *name)
{
    struct fault fault = {0};

    if (!endorsements_add(e, name, read_shared(a, arena_printf(a, "evidence/%s", name)), &fault))
        fail_msg("%s", fault.text);
}

/* The TCB signing chain that is in date then; all three certificates hold one key (sgx-tdx.md 12). */
static inline const char *chain_at(int64_t t)
{
    return t < time_of(BYTES_LIT("2025-05-15T00:00:00Z")) ? "collateral/chains/tcb-signing-chain-20180521-20250521.pem"
                                                          : "collateral/chains/tcb-signing-chain-20250506-20320506.pem";
}

/* The set of SETS.tsv by name, with the signing chain for time t. Free it. */
static inline struct endorsements *load_set(struct arena *a, struct bytes name, int64_t t)
{
    struct bytes text = read_shared(a, "evidence/collateral/SETS.tsv"), column[COLUMNS_MAX];
    struct endorsements *e = endorsements_new(SET_MEMORY);
    size_t n;

    while (tsv_line(&text, column, &n)) {
        if (!bytes_equal(column[0], name))
            continue;
        for (size_t i = 3; i < 7; i++)
            if (column[i].n && memchr(column[i].p, '/', column[i].n))
                add_shared(a, e, arena_string(a, column[i]));
        add_shared(a, e, chain_at(t));
        endorsements_seal(e);
        return e;
    }
    fail_msg("no set %.*s", (int)name.n, (const char *)name.p);
    return NULL;
}

static inline void exam_begin(struct exam *x, struct arena *a, const struct endorsements *e, const struct settings *s,
                              struct cache *cache, int64_t t)
{
    *x = (struct exam){.arena = a, .trace = trace_new(a), .endorsements = e, .settings = s, .cache = cache, .time = t};
    claims_init(&x->incoming, a);
}

/* Decode and verify a bare quote; true when accepted with every required check. */
static inline bool judge_quote(struct exam *x, struct bytes quote)
{
    enum check_id missing;

    return sgx_decode_quote(x, quote, NULL, NULL) && sgx_verify(x) && trace_complete(x->trace, sgx_required, &missing);
}

static inline bool judge_td_quote(struct exam *x, struct bytes quote)
{
    enum check_id missing;

    return tdx_decode_file(x, quote, NULL, NULL) && tdx_verify(x) && trace_complete(x->trace, tdx_required, &missing);
}

static inline const char *failed_id(const struct exam *x)
{
    const struct trace_entry *f = trace_failure(x->trace);

    return f ? check_table[f->id].id : "none";
}

#endif
