/* A small log, proofs from it and checkpoints of it, signed by a key that is known: for tests and mutants. */
#ifndef ASSAY_TESTS_LOG_SAMPLE_H
#define ASSAY_TESTS_LOG_SAMPLE_H

#include "merkle/proof.h"

enum { SAMPLE_ENTRIES = 11 };

struct log_sample {
    struct log_key key, other; /* other: the same key under the name of another log */
    uint8_t seed[ED25519_SEED];
    struct log_key witness;
    uint8_t witness_seed[ED25519_SEED];
    struct merkle_hash leaves[SAMPLE_ENTRIES];
};

static inline bool log_sample_get(void *context, unsigned level, uint64_t index, struct merkle_hash *out,
                                  struct fault *fault)
{
    const struct log_sample *s = context;

    (void)fault;
    merkle_fold(s->leaves + (index << level), level, out);
    return true;
}

static inline struct bytes log_sample_entry(struct arena *a, size_t i)
{
    return bytes_text(arena_printf(a, "entry %zu", i));
}

static inline void log_sample_make(struct arena *a, struct log_sample *s)
{
    *s = (struct log_sample){.key.name = BYTES_LIT("node-1.example/log"),
                             .other.name = BYTES_LIT("node-2.example/log"),
                             .seed = {1},
                             .witness = {.name = BYTES_LIT("witness.example/w1"), .cosigns = true},
                             .witness_seed = {9}};
    ed25519_public(s->witness_seed, s->witness.key);
    ed25519_public(s->seed, s->key.key);
    memcpy(s->other.key, s->key.key, sizeof s->key.key);
    for (size_t i = 0; i < SAMPLE_ENTRIES; i++)
        merkle_leaf(log_sample_entry(a, i), &s->leaves[i]);
}

static inline struct merkle_source log_sample_source(struct log_sample *s)
{
    return (struct merkle_source){log_sample_get, s};
}

/* The checkpoint of its first `size` entries. */
static inline struct bytes log_sample_note(struct arena *a, struct log_sample *s, uint64_t size)
{
    const struct merkle_source source = log_sample_source(s);
    struct checkpoint c = {.origin = s->key.name, .size = size};
    uint8_t signature[ED25519_SIGNATURE];

    merkle_root(&source, size, &c.root, NULL);
    struct bytes text = checkpoint_text(a, &c);
    ed25519_sign(s->seed, text, signature);
    return note_write(a, text, &s->key, signature);
}

/* The same, cosigned at 1679315147; nothing when it cannot be. */
static inline struct bytes log_sample_cosigned(struct arena *a, const struct log_sample *s, struct bytes note)
{
    struct bytes text, line = BYTES_NONE, out = BYTES_NONE;

    if (!note_text(note, &text) || !cosign(a, text, &s->witness, s->witness_seed, 1679315147, &line) ||
        !cosign_add(a, note, line, &out))
        return BYTES_NONE;
    return out;
}

static inline void log_sample_proof(struct arena *a, struct log_sample *s, uint64_t index, struct log_proof *out)
{
    const struct merkle_source source = log_sample_source(s);

    *out = (struct log_proof){.index = index, .entry = log_sample_entry(a, index)};
    merkle_prove_inclusion(&source, index, SAMPLE_ENTRIES, &out->path, NULL);
    out->checkpoint = log_sample_note(a, s, SAMPLE_ENTRIES);
}

static inline struct bytes log_sample_replace(struct arena *a, struct bytes text, const char *from, const char *to)
{
    const uint8_t *at = memmem(text.p, text.n, from, strlen(from));
    struct writer w = wr_open(a);

    if (!at)
        return BYTES_NONE;
    wr_put(&w, bytes_first(text, (size_t)(at - text.p)));
    wr_text(&w, to);
    wr_put(&w, bytes_after(text, (size_t)(at - text.p) + strlen(from)));
    return wr_done(&w);
}

/* The id of the check that refuses, or NULL. */
static inline const char *log_sample_verdict(struct log_exam *x, bool accepted)
{
    const struct trace_entry *failure = accepted ? NULL : trace_failure(x->trace);

    return accepted ? NULL : failure ? check_table[failure->id].id : "nothing that has a name";
}

static inline const char *log_sample_judge(struct arena *a, const struct log_proof *p, const struct log_key *key)
{
    struct log_exam x = {.arena = a, .trace = trace_new(a), .key = key};

    return log_sample_verdict(&x, log_judge_inclusion(&x, p));
}

static inline const char *log_sample_witnessed(struct arena *a, const struct log_sample *s,
                                               const struct log_key *witness, struct bytes note, int64_t *time)
{
    struct log_exam x = {.arena = a, .trace = trace_new(a), .key = &s->key, .witness = witness};
    const char *verdict = log_sample_verdict(&x, log_judge_checkpoint(&x, note));

    *time = x.cosigned;
    return verdict;
}

static inline const char *log_sample_growth(struct arena *a, struct log_sample *s, struct bytes old_note,
                                            struct bytes new_note, const struct merkle_path *path)
{
    struct log_exam x = {.arena = a, .trace = trace_new(a), .key = &s->key};

    return log_sample_verdict(&x, log_judge_consistency(&x, old_note, new_note, path));
}

/* The checkpoint of the log, with the line of its signature under the name of another: one key signs for all logs of a deployment. */
static inline struct bytes log_sample_renamed(struct arena *a, struct log_sample *s, uint64_t size)
{
    struct bytes text = BYTES_NONE, signature = BYTES_NONE;

    note_split(a, log_sample_note(a, s, size), &s->key, &text, &signature);
    return note_write(a, text, &s->other, signature.p);
}

/* What only the check of this row refuses; false: the row is none of the log's proofs. */
static inline bool log_sample_try(struct arena *a, enum check_id row, const char **verdict)
{
    static const uint8_t stranger[ED25519_SEED] = {2};
    struct log_sample s;
    struct log_proof p;
    struct merkle_path path;

    log_sample_make(a, &s);
    const struct merkle_source source = log_sample_source(&s);
    struct log_key key = s.key;
    log_sample_proof(a, &s, 6, &p);
    switch (row) {
    case CHECK_LOG_CHECKPOINT_SIGNATURE: ed25519_public(stranger, key.key); break;
    case CHECK_LOG_CHECKPOINT_ORIGIN:
        key = s.other;
        p.checkpoint = log_sample_renamed(a, &s, SAMPLE_ENTRIES);
        break;
    case CHECK_LOG_COSIGNATURE: {
        struct bytes note = log_sample_cosigned(a, &s, log_sample_note(a, &s, 5));
        int64_t time;

        ed25519_public(stranger, s.witness.key);
        *verdict = log_sample_witnessed(a, &s, &s.witness, note, &time);
        return true;
    }
    case CHECK_LOG_COSIGNATURE_AGE: {
        struct log_exam x = {.arena = a,
                             .trace = trace_new(a),
                             .key = &s.key,
                             .witness = &s.witness,
                             .now = 1679315147 + 61,
                             .witness_age = 60};

        *verdict =
            log_sample_verdict(&x, log_judge_checkpoint(&x, log_sample_cosigned(a, &s, log_sample_note(a, &s, 5))));
        return true;
    }
    case CHECK_LOG_INCLUSION: p.index ^= 1; break;
    case CHECK_LOG_CONSISTENCY: {
        struct bytes old = log_sample_note(a, &s, 5);

        s.leaves[2].v[0] ^= 1; /* history was rewritten, and signed */
        merkle_prove_consistency(&source, 5, SAMPLE_ENTRIES, &path, NULL);
        *verdict = log_sample_growth(a, &s, old, log_sample_note(a, &s, SAMPLE_ENTRIES), &path);
        return true;
    }
    case CHECK_COUNT: break; /* nothing is wrong */
    default: return false;
    }
    *verdict = log_sample_judge(a, &p, &key);
    return true;
}

#endif
