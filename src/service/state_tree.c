#include "service/state_tree.h"

#include "service/adopt.h"

enum { RECORDS_MEMORY = 512 * 1024 * 1024 /* what a store gives at once, and the largest record */ };

struct reading {
    struct merkle_growth *growth;
    struct state_view *view; /* or NULL */
    struct arena *scratch;
    uint64_t settled, last;
};

static bool take_record(void *context, const struct record *r)
{
    struct reading *reading = context;
    const struct state_record record = state_record_of(r);
    const struct bytes message = record_message(reading->scratch, &record);

    merkle_growth_add(reading->growth, message);
    if (reading->view)
        state_view_read(reading->view, &record, message);
    reading->last = r->sequence;
    if (merkle_growth_size(reading->growth) <= reading->settled)
        merkle_growth_settle(reading->growth);
    arena_reset(reading->scratch);
    return true;
}

bool state_tree_read(struct store *store, uint64_t *since, uint64_t settled, struct merkle_growth *g,
                     struct state_view *view, struct fault *fault)
{
    struct arena a;
    struct reading reading = {g, view, &a, settled, *since};

    arena_init(&a, RECORDS_MEMORY);
    bool ok = store_records(store, &a, *since, take_record, &reading, fault);
    arena_free(&a);
    *since = reading.last;
    return ok;
}

bool state_tree_message(struct merkle_growth *g, const struct log_key *key, const struct state_mark *mark,
                        struct arena *a, struct checkpoint_message *m, struct fault *fault)
{
    const struct merkle_source source = merkle_growth_source(g);
    const uint64_t size = merkle_growth_size(g);

    m->use = STATE_STORE;
    m->next = (struct checkpoint){.origin = key->name, .size = size, .extra = state_mark_write(a, mark)};
    return merkle_root(&source, size, &m->next.root, fault) &&
           merkle_prove_consistency(&source, m->last.n ? g->part : 0, size, &m->growth, fault);
}
