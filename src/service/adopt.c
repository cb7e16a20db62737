#include "service/adopt.h"

#include <time.h>

#include "base/limits.h"
#include "core/message.h"
#include "service/log.h"
#include "service/state_place.h"
#include "service/state_tree.h"

enum {
    BATCH_RECORDS = 256,
    BATCH_BYTES = 8 * 1024 * 1024,
    ADOPT_MEMORY = 512 * 1024 * 1024, /* a batch, the largest record in it, and its frames */
};

struct state_record state_record_of(const struct record *r)
{
    return (struct state_record){.provider = r->provider,
                                 .kind = r->kind,
                                 .version = r->version,
                                 .time = r->time,
                                 .body = r->body,
                                 .hash = r->hash,
                                 .signer = r->signer,
                                 .caller = r->caller,
                                 .seal = r->seal};
}

bool adopt_begin(struct keeper *keeper, struct adoption *out, struct fault *fault)
{
    struct arena a;
    enum frame_kind kind;
    struct bytes body;

    *out = (struct adoption){.keeper = keeper, .pair = {-1, -1, -1}};
    if (!keeper_pair_start(keeper, keeper_adopting_place(keeper), &out->pair, fault))
        return false;
    arena_init(&a, ADOPT_MEMORY);
    struct frame_reader from = {.fd = out->pair.fd};
    bool ok = frame_read(&from, &a, &kind, &body) && kind == FRAME_READY && read_state_keys(body, &out->keys);
    arena_free(&a);
    return ok || fault_set(fault, FAULT_SYSTEM, "the core does not start; its reasons stand above");
}

void adopt_end(struct adoption *a)
{
    keeper_pair_kill(a->keeper, keeper_adopting_place(a->keeper), &a->pair);
    merkle_growth_free(&a->all);
}

static bool is_sealed(struct arena *a, const struct adoption *of, const struct record *r, enum check_id *failed)
{
    struct record_exam x = {a, trace_new(a)};
    const struct state_record record = state_record_of(r);
    bool isolated;

    if (record_verify(&x, of->keys.record, &record) &&
        check_that(&x, RECORD_MODEL, !record_tells_model(&record) || record_model(&record, &isolated)))
        return true;
    *failed = trace_failure(x.trace)->id;
    return false;
}

struct survey {
    struct adoption *adoption;
    struct arena *scratch;
    adopt_each *each;
    void *context;
};

static bool look(void *context, const struct record *r)
{
    struct survey *s = context;
    const struct state_record record = state_record_of(r);
    enum check_id failed;

    s->adoption->records++;
    merkle_growth_add(&s->adoption->all, record_message(s->scratch, &record));
    if (!is_sealed(s->scratch, s->adoption, r, &failed)) {
        s->adoption->refused++;
        if (s->each)
            s->each(s->context, r, failed);
    }
    arena_reset(s->scratch);
    return true;
}

bool adopt_survey(struct adoption *a, struct store *s, adopt_each *each, void *context, struct fault *fault)
{
    struct arena arena;
    struct survey survey = {a, &arena, each, context};

    arena_init(&arena, ADOPT_MEMORY);
    a->records = a->refused = 0;
    merkle_growth_free(&a->all);
    bool ok = store_records(s, &arena, 0, look, &survey, fault);
    arena_free(&arena);
    return ok;
}

bool adopt_state(struct adoption *a, struct merkle_hash *out, struct fault *fault)
{
    const struct merkle_source source = merkle_growth_source(&a->all);

    return merkle_root(&source, merkle_growth_size(&a->all), out, fault);
}

/* Records of a batch, whether or not they need a seal. */
struct batch {
    struct record *records;
    size_t count, bytes;
};

static bool hold(void *context, const struct record *r)
{
    struct batch *b = context;

    b->records[b->count++] = *r;
    b->bytes += r->body.n + r->hash.n + r->signer.n + r->caller.n;
    return b->count < BATCH_RECORDS && b->bytes < BATCH_BYTES;
}

static void leaf_of(struct arena *a, const struct record *r, struct merkle_hash *out)
{
    const struct state_record record = state_record_of(r);

    merkle_leaf(record_message(a, &record), out);
}

/* The store may have been changed since it was looked at: nothing of that is vouched for. */
static bool has_changed(struct fault *fault)
{
    return fault_set(fault, FAULT_USAGE, "the store was changed while it was accepted: look at the list again");
}

struct signers {
    struct adoption *of;
    struct arena *arena;
    bool isolated, changed;
};

static bool note_signers(void *context, const struct record *r)
{
    struct signers *s = context;
    struct merkle_hash leaf;
    bool found = false;

    leaf_of(s->arena, r, &leaf);
    for (size_t i = 0; i < s->of->all.count && !found; i++)
        found = merkle_same(&leaf, &s->of->all.leaves[i]);
    s->isolated = r->body.n > 0;
    s->changed = !found;
    return false;
}

/* The trust model of a key of before keys told it: that of the signers which the provider has now. */
static bool give_model(struct adoption *of, struct store *s, struct arena *a, struct record *r, struct fault *fault)
{
    const struct history_page newest = {.limit = 1, .bodies = true};
    const struct state_record record = state_record_of(r);
    struct signers signers = {.of = of, .arena = a};

    if (!record_tells_model(&record) || record_model(&record, &signers.isolated))
        return true;
    if (!store_history(s, a, r->provider, BYTES_LIT("signers"), &newest, note_signers, &signers, fault))
        return false;
    if (signers.changed)
        return has_changed(fault);
    r->hash = signers.isolated ? BYTES_LIT(RECORD_ISOLATED) : BYTES_LIT(RECORD_OPEN);
    return true;
}

static bool ask_seal(struct adoption *of, struct frame_reader *from, struct arena *a, struct record *r,
                     struct fault *fault)
{
    const struct state_record record = state_record_of(r);
    enum frame_kind kind;

    return (frame_write(of->pair.fd, FRAME_ADOPT, write_state_record(a, &record)) &&
            frame_read(from, a, &kind, &r->seal) && kind == FRAME_ADOPTED && r->seal.n == ED25519_SIGNATURE) ||
           fault_set(fault, FAULT_SYSTEM, "the core does not seal a record");
}

/* Each as it was surveyed, from `first` on; what gets a trust model is surveyed anew. */
static bool seal_batch(struct adoption *of, struct store *s, struct arena *a, struct batch *b, uint64_t first,
                       struct fault *fault)
{
    struct frame_reader from = {.fd = of->pair.fd};
    enum check_id failed;
    size_t n = 0;

    for (size_t i = 0; i < b->count; i++) {
        struct merkle_hash leaf;

        leaf_of(a, &b->records[i], &leaf);
        if (first + i >= of->all.count || !merkle_same(&leaf, &of->all.leaves[first + i]))
            return has_changed(fault);
        if (is_sealed(a, of, &b->records[i], &failed))
            continue;
        if (!give_model(of, s, a, &b->records[i], fault) || !ask_seal(of, &from, a, &b->records[i], fault))
            return false;
        leaf_of(a, &b->records[i], &of->all.leaves[first + i]);
        b->records[n++] = b->records[i];
    }
    return n == 0 || store_reseal(s, b->records, n, fault);
}

bool adopt_all(struct adoption *of, struct store *s, struct fault *fault)
{
    struct arena a;
    uint64_t last = 0, done = 0;
    bool ok = true;

    arena_init(&a, ADOPT_MEMORY);
    for (struct batch b = {.count = 1}; ok && b.count; arena_reset(&a)) {
        b = (struct batch){.records = ARENA_ARRAY(&a, struct record, BATCH_RECORDS)};
        ok = store_records(s, &a, last, hold, &b, fault);
        if (b.count)
            last = b.records[b.count - 1].sequence;
        ok = ok && seal_batch(of, s, &a, &b, done, fault);
        done += b.count;
    }
    arena_free(&a);
    return ok && (done == of->all.count || has_changed(fault));
}

/* Its note. */
static bool ask_checkpoint(struct adoption *of, struct arena *a, const struct log_key *key,
                           const struct checkpoint_message *m, struct bytes *note, struct fault *fault)
{
    struct frame_reader from = {.fd = of->pair.fd};
    struct answered answer;
    enum frame_kind kind;
    struct bytes body;

    if (!frame_write(of->pair.fd, FRAME_LOG, write_log(a, m->use, key->name)) ||
        !frame_write(of->pair.fd, FRAME_CHECKPOINT, write_checkpoint(a, m)) || !frame_read(&from, a, &kind, &body) ||
        kind != FRAME_ANSWER || !read_answer(body, &answer) || answer.status != 200)
        return fault_set(fault, FAULT_SYSTEM, "the core does not sign the store's checkpoint");
    *note = answer.body;
    return true;
}

static bool start_counter(void *context, enum keeper_counter verb, uint64_t value, int *fd, struct fault *fault)
{
    return keeper_count(context, verb, value, fd, fault);
}

static bool anchor(struct adoption *of, const struct config *c, struct state_place *place, struct arena *a,
                   struct fault *fault)
{
    struct log_key key = {.name = bytes_text(c->state.name)};
    struct state_mark mark = {.time = (int64_t)time(NULL)};
    struct checkpoint_message m = {.last = BYTES_NONE};
    struct bytes before, note;

    memcpy(key.key, of->keys.store, sizeof key.key);
    return state_place_open(&c->state, &(struct counting){start_counter, of->keeper}, place, fault) &&
           state_place_newest(place, &key, a, &before, fault) && state_place_next(place, &mark.counter, fault) &&
           state_tree_message(&of->all, &key, &mark, a, &m, fault) && ask_checkpoint(of, a, &key, &m, &note, fault) &&
           state_place_put(place, note, &mark.counter, fault);
}

bool adopt_anchor(struct adoption *of, const struct config *c, struct fault *fault)
{
    struct state_place place = {.lock = -1};
    struct arena a;

    if (!c->state.file)
        return true;
    arena_init(&a, ADOPT_MEMORY);
    bool ok = anchor(of, c, &place, &a, fault);
    state_place_close(&place);
    arena_free(&a);
    return ok;
}

static bool count_sealed(void *context, const struct record *r)
{
    uint64_t *counts = context; /* of records, of those with a seal */

    counts[0]++;
    counts[1] += r->seal.n > 0;
    return counts[1] == 0;
}

bool adopt_unsealed(struct keeper *keeper, struct store *s, struct fault *fault)
{
    struct adoption of;
    struct arena a;
    uint64_t counts[2] = {0};

    arena_init(&a, ADOPT_MEMORY);
    bool ok = store_records(s, &a, 0, count_sealed, counts, fault);
    arena_free(&a);
    if (!ok || !counts[0] || counts[1])
        return ok;
    ok = adopt_begin(keeper, &of, fault) && adopt_survey(&of, s, NULL, NULL, fault) && adopt_all(&of, s, fault);
    adopt_end(&of);
    if (ok)
        log_info("%llu records of a release that sealed none are taken as they are, and sealed",
                 (unsigned long long)counts[0]);
    return ok;
}
