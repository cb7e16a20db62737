/* A store of some records with its newest checkpoint and a TPM's counter, well-formed or with any one fault, named by the check that must
 * refuse it; for tests and mutants. */
#ifndef ASSAY_TESTS_STATE_JUDGE_H
#define ASSAY_TESTS_STATE_JUDGE_H

#include "core/checkpoint.h"
#include "core/state_checkpoint.h"
#include "core/state_view.h"
#include "merkle/growth.h"

enum { STATE_RECORDS = 9, STATE_COVERED = 6, STATE_NOW = 1764557680, STATE_VALUE = 17, STATE_KINDS = 3 };

/* name: id of the check, and what tells it from others of the same. */
static const struct state_fault {
    const char *name;
    enum check_id row;
} state_faults[] = {
    {"state.signature:other key", CHECK_STATE_SIGNATURE},
    {"state.signature:other store", CHECK_STATE_SIGNATURE},
    {"state.signature:other size", CHECK_STATE_SIGNATURE},
    {"state.signature:other counter", CHECK_STATE_SIGNATURE},
    {"state.signature:decisions", CHECK_STATE_SIGNATURE},
    {"state.counter:older", CHECK_STATE_COUNTER},
    {"state.counter:newer", CHECK_STATE_COUNTER},
    {"state.counter:of another", CHECK_STATE_COUNTER},
    {"state.counter:gone", CHECK_STATE_COUNTER},
    {"state.counter:not counted", CHECK_STATE_COUNTER},
    {"state.counter:no checkpoint", CHECK_STATE_COUNTER},
    {"state.growth:shorter", CHECK_STATE_GROWTH},
    {"state.growth:one taken away", CHECK_STATE_GROWTH},
    {"state.growth:exchanged", CHECK_STATE_GROWTH},
    {"state.growth:order", CHECK_STATE_GROWTH},
    {"state.growth:empty", CHECK_STATE_GROWTH},
    {"state.view:older", CHECK_STATE_VIEW},
    {"state.view:missing", CHECK_STATE_VIEW},
    {"state.view:another", CHECK_STATE_VIEW},
    {"state.view:older again", CHECK_STATE_VIEW},
    {"state.time", CHECK_STATE_TIME},
    {"state.witness:refused", CHECK_STATE_WITNESS},
    {"state.witness:another", CHECK_STATE_WITNESS},
    {"state.witness:old", CHECK_STATE_WITNESS},
    {"state.witness:clock behind", CHECK_STATE_WITNESS},
    {"state.witness:another checkpoint", CHECK_STATE_WITNESS},
};
enum { STATE_FAULTS = sizeof state_faults / sizeof *state_faults };

struct state_case {
    struct log_key key;
    struct state_reading counter;
    struct state_mark mark;
    struct bytes note;
    const char *records[STATE_RECORDS];
    size_t count;
    int64_t now;
    bool counts;
    const char *view; /* what is wrong with what is served; NULL: nothing */
    struct log_key witness;
    struct bytes cosigned;
};

/* The note with a witness's line. */
static inline struct bytes state_case_cosign(struct arena *a, const struct state_case *c, struct bytes note,
                                             int64_t when)
{
    static const uint8_t seed[ED25519_SEED] = {5};
    struct bytes text = BYTES_NONE, line = BYTES_NONE, cosigned = BYTES_NONE;

    if (note_text(note, &text) && cosign(a, text, &c->witness, seed, when, &line))
        cosign_add(a, note, line, &cosigned);
    return cosigned;
}

/* By a core of this root, of the first `size` records. */
static inline struct bytes state_case_note(struct arena *a, const struct state_case *c, enum state_key_use use,
                                           size_t size)
{
    static const uint8_t root[ROOT_KEY_SIZE] = {7};
    struct checkpoint next = {.origin = c->key.name, .size = size, .extra = state_mark_write(a, &c->mark)};
    uint8_t signature[ED25519_SIGNATURE];
    struct merkle_growth g = {0};

    for (size_t i = 0; i < size; i++)
        merkle_growth_add(&g, bytes_text(c->records[i]));
    const struct merkle_source source = merkle_growth_source(&g);
    merkle_root(&source, size, &next.root, NULL);
    merkle_growth_free(&g);
    struct bytes text = checkpoint_text(a, &next);
    state_sign(root, use, text, signature);
    return note_write(a, text, &c->key, signature);
}

static inline void state_case_make(struct arena *a, struct state_case *c)
{
    static const uint8_t root[ROOT_KEY_SIZE] = {7};
    struct state_keys keys;

    *c = (struct state_case){.key.name = BYTES_LIT("service.example/records"),
                             .counter = {true, true, {STATE_VALUE, {1, 2, 3}}},
                             .mark = {{STATE_VALUE, {1, 2, 3}}, STATE_NOW},
                             .count = STATE_RECORDS,
                             .now = STATE_NOW + 5,
                             .counts = true};
    state_keys_public(root, &keys);
    memcpy(c->key.key, keys.store, sizeof c->key.key);
    for (size_t i = 0; i < STATE_RECORDS; i++)
        c->records[i] = arena_printf(a, "record %zu", i);
    c->note = state_case_note(a, c, STATE_STORE, STATE_COVERED);
    c->witness = (struct log_key){.name = BYTES_LIT("witness.example/w"), .cosigns = true};
    ed25519_public((const uint8_t[ED25519_SEED]){5}, c->witness.key);
    c->cosigned = state_case_cosign(a, c, c->note, c->now);
}

static inline void state_case_records(struct state_case *c, const char *what)
{
    if (strcmp(what, "shorter") == 0)
        c->count = STATE_COVERED - 1;
    else if (strcmp(what, "one taken away") == 0)
        memmove(c->records + 2, c->records + 3, (--c->count - 2) * sizeof *c->records);
    else if (strcmp(what, "exchanged") == 0)
        c->records[STATE_COVERED - 1] = c->records[0];
    else if (strcmp(what, "empty") == 0)
        c->count = 0;
    else {
        const char *kept = c->records[0];

        c->records[0] = c->records[1];
        c->records[1] = kept;
    }
}

static inline void state_case_counter(struct arena *a, struct state_case *c, const char *what)
{
    if (strcmp(what, "older") == 0)
        c->counter.counter.value++;
    else if (strcmp(what, "newer") == 0)
        c->counter.counter.value--;
    else if (strcmp(what, "of another") == 0)
        c->counter.counter.id[0]++;
    else if (strcmp(what, "gone") == 0)
        c->counter = (struct state_reading){.in_force = true};
    else if (strcmp(what, "no checkpoint") == 0)
        c->note = BYTES_NONE;
    else {
        c->mark.counter = (struct state_counter){.value = 0};
        c->note = state_case_note(a, c, STATE_STORE, STATE_COVERED);
    }
}

static inline void state_case_signature(struct arena *a, struct state_case *c, const char *what)
{
    struct state_case other = *c;

    if (strcmp(what, "other key") == 0)
        c->key.key[0] ^= 1;
    else if (strcmp(what, "other store") == 0) {
        /* One key signs for all stores of a deployment: the text is another's, under the name of this one. */
        struct bytes text = BYTES_NONE, signature = BYTES_NONE;

        other.key.name = BYTES_LIT("another.example/records");
        note_split(a, state_case_note(a, &other, STATE_STORE, STATE_COVERED), &other.key, &text, &signature);
        c->note = note_write(a, text, &c->key, signature.p);
    } else if (strcmp(what, "decisions") == 0)
        c->note = state_case_note(a, c, STATE_CHECKPOINT, STATE_COVERED);
    else {
        struct bytes text = BYTES_NONE, signature = BYTES_NONE;
        struct checkpoint next;

        note_split(a, c->note, &c->key, &text, &signature);
        checkpoint_parse(text, &next);
        if (strcmp(what, "other size") == 0) { /* of an earlier store, and true */
            struct bytes earlier = BYTES_NONE;

            note_text(state_case_note(a, c, STATE_STORE, STATE_COVERED - 1), &earlier);
            checkpoint_parse(earlier, &next);
        } else {
            other.mark.counter.value++;
            c->counter.counter.value++;
            next.extra = state_mark_write(a, &other.mark);
        }
        c->note = note_write(a, checkpoint_text(a, &next), &c->key, signature.p);
    }
}

static inline void state_case_witness(struct arena *a, struct state_case *c, const char *what)
{
    struct state_case other = *c;

    other.mark.time--;
    if (strcmp(what, "refused") == 0)
        c->cosigned = BYTES_NONE;
    else if (strcmp(what, "another") == 0)
        c->witness.key[0] ^= 1;
    else if (strcmp(what, "old") == 0)
        c->cosigned = state_case_cosign(a, c, c->note, c->now - STATE_WITNESS_SECONDS - 1);
    else if (strcmp(what, "clock behind") == 0)
        c->cosigned = state_case_cosign(a, c, c->note, c->now + STATE_WITNESS_SECONDS + 1);
    else {
        struct bytes line = BYTES_NONE;

        cosign_line(a, state_case_cosign(a, c, state_case_note(a, &other, STATE_STORE, STATE_COVERED), c->now),
                    &c->witness, &line);
        cosign_add(a, c->note, line, &c->cosigned);
    }
}

static inline void state_case_spoil(struct arena *a, struct state_case *c, const char *name)
{
    const char *colon = strchr(name, ':');

    if (strncmp(name, "state.growth", 12) == 0)
        state_case_records(c, colon + 1);
    else if (strncmp(name, "state.counter", 13) == 0)
        state_case_counter(a, c, colon + 1);
    else if (strncmp(name, "state.signature", 15) == 0)
        state_case_signature(a, c, colon + 1);
    else if (strncmp(name, "state.witness", 13) == 0)
        state_case_witness(a, c, colon + 1);
    else if (strncmp(name, "state.view", 10) == 0)
        c->view = colon + 1;
    else if (strcmp(name, "state.time") == 0)
        c->now = STATE_NOW - STATE_CLOCK_ALLOWANCE - 1;
}

/* Of a few kinds in turn, each a version above the one before. */
static inline struct state_record state_case_record(struct arena *a, const struct state_case *c, size_t i)
{
    return (struct state_record){.provider = BYTES_LIT("https://service.example"),
                                 .kind = bytes_text(arena_printf(a, "kind %zu", i % STATE_KINDS)),
                                 .version = 1 + i / STATE_KINDS,
                                 .body = bytes_text(c->records[i])};
}

/* What is served of the newest of a kind; the first kind has the fault. */
static inline void state_case_serve(struct state_view *v, const struct state_case *c, struct state_record newest)
{
    const char *what = !bytes_is(newest.kind, "kind 0") ? "" : c->view ? c->view : "";

    if (strcmp(what, "missing") == 0)
        return;
    if (strcmp(what, "older again") == 0)
        state_view_serve(v, &newest);
    if (strncmp(what, "older", 5) == 0)
        newest.version--;
    if (strcmp(what, "another") == 0)
        newest.body = BYTES_LIT("another");
    state_view_serve(v, &newest);
}

/* How many kinds are served otherwise than they are in the store. */
static inline uint64_t state_case_differing(struct arena *a, const struct state_case *c)
{
    struct state_view *v = state_view_new();

    for (size_t i = 0; i < c->count; i++) {
        struct state_record r = state_case_record(a, c, i);

        state_view_read(v, &r, record_message(a, &r));
        if (i + STATE_KINDS >= c->count)
            state_case_serve(v, c, r);
    }
    uint64_t differing = state_view_differing(v);
    state_view_free(v);
    return differing;
}

/* NULL when accepted, else the id of the check that refused. */
static inline const char *state_case_judge(struct arena *a, const struct state_case *c)
{
    struct state_exam x = {
        .arena = a, .trace = trace_new(a), .key = &c->key, .counter = c->counts ? &c->counter : NULL, .time = c->now};
    struct merkle_growth g = {0};
    struct merkle_hash begin;

    bool good = state_judge_newest(&x, c->note);
    for (size_t i = 0; i < c->count; i++) {
        merkle_growth_add(&g, bytes_text(c->records[i]));
        if (i < x.checkpoint.size)
            merkle_growth_settle(&g);
    }
    const struct merkle_source source = merkle_growth_source(&g);
    merkle_root(&source, g.part, &begin, NULL);
    good = good && state_judge_store(&x, c->count, &begin) && state_judge_view(&x, state_case_differing(a, c)) &&
           (!c->note.n || state_judge_witness(&x, &c->witness, c->cosigned));
    merkle_growth_free(&g);
    return good                     ? NULL
           : trace_failure(x.trace) ? check_table[trace_failure(x.trace)->id].id
                                    : "nothing that has a name";
}

/* name: of a fault, or "". */
static inline const char *state_judge(struct arena *a, const char *name)
{
    struct state_case c;

    state_case_make(a, &c);
    state_case_spoil(a, &c, name);
    return state_case_judge(a, &c);
}

#endif
