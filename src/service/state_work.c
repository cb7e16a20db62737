#include "service/state_work.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "service/log.h"

enum {
    APPLY_SECONDS = 5,      /* by which what another process wrote to a file is applied too */
    IDLE_SECONDS = 60 * 60, /* without a change, for the time alone */
    BEHIND_MOST = 3,        /* by then this node has seen what another one wrote */
    LOOK_MILLISECONDS = 20, /* at what is applied meanwhile */
};

bool state_work_is_stopping(const struct state_work *w)
{
    return w->host.stopping(w->host.context);
}

bool state_work_refuse(struct state_exam *x, struct fault *fault)
{
    const char *text = arena_string(x->arena, trace_message(x->trace, x->arena));

    return fault_set(fault, FAULT_USAGE, "the store is refused: %s", text);
}

/* What was read and is not served: it may be on its way, from another connection and by the event loop. */
uint64_t state_work_not_served(struct state_work *w)
{
    const int most = (w->lags ? REPLICA_SECONDS : APPLY_SECONDS) * 1000 / LOOK_MILLISECONDS;

    for (int i = 0; i < most && !state_work_is_stopping(w);) {
        bool whole = state_view_is_whole(w->view);

        if (whole && !state_view_differing(w->view))
            return 0;
        i += whole;
        usleep(LOOK_MILLISECONDS * 1000);
    }
    return state_view_differing(w->view);
}

bool state_work_follow(struct state_work *w, struct fault *fault)
{
    uint64_t there;

    if (!store_generation(w->store, &there, fault))
        return false;
    if (there < w->sequence)
        return fault_set(fault, FAULT_SYSTEM, "the store has %llu records and had %llu: some are gone",
                         (unsigned long long)there, (unsigned long long)w->sequence);
    return state_tree_read(w->store, &w->sequence, 0, &w->growth, w->view, fault);
}

/* Is there anything to be said that the newest does not? */
static bool is_due(const struct state_work *w, bool last_one)
{
    int64_t age = (int64_t)time(NULL) - w->mark.time;

    return !w->newest.n || w->growth.count || (w->place.counted && !w->mark.counter.value) ||
           age >= (last_one ? w->config.seconds : IDLE_SECONDS);
}

bool state_work_sign(struct state_work *w, struct fault *fault)
{
    struct state_mark mark = {.time = (int64_t)time(NULL)};
    struct checkpoint_message m = {.last = w->newest};

    arena_reset(&w->next_arena);
    if (mark.time < w->mark.time)
        mark.time = w->mark.time;
    return state_place_next(&w->place, &mark.counter, fault) &&
           state_tree_message(&w->growth, &w->key, &mark, &w->next_arena, &m, fault) &&
           (w->host.sign(w->host.context, &w->next_arena, write_checkpoint(&w->next_arena, &m), &w->under_way) ||
            fault_set(fault, FAULT_SYSTEM, "the core did not sign it"));
}

/* From what the newest checkpoint covers, or from less: then the whole store is read again. */
static bool prove(void *context, uint64_t old, uint64_t size, struct merkle_path *out, struct fault *fault)
{
    struct state_work *w = context;
    struct merkle_growth again = {0};
    const struct merkle_source of_growth = merkle_growth_source(&w->growth), of_again = merkle_growth_source(&again);
    uint64_t since = 0;

    if (old == w->growth.part)
        return merkle_prove_consistency(&of_growth, old, size, out, fault);
    bool ok = state_tree_read(w->store, &since, old, &again, NULL, fault) &&
              (again.part == old || fault_set(fault, FAULT_SYSTEM, "the store is shorter than the witness knows it")) &&
              merkle_prove_consistency(&of_again, old, size, out, fault);
    merkle_growth_free(&again);
    return ok;
}

/* Also the one that could not be put in force when it was signed. */
bool state_work_put(struct state_work *w, struct fault *fault)
{
    struct arena a;

    arena_init(&a, STATE_NOTES_MEMORY);
    struct state_exam x = {.arena = &a, .trace = trace_new(&a), .key = &w->key};
    bool ok = (state_judge_note(&x, w->under_way) || state_work_refuse(&x, fault)) &&
              state_place_put(&w->place, w->under_way, &x.mark.counter, fault);
    if (ok) {
        w->mark = x.mark;
        arena_reset(&w->newest_arena);
        w->newest = arena_copy(&w->newest_arena, w->under_way);
        w->under_way = BYTES_NONE;
    }
    arena_free(&a);
    return ok;
}

enum witness_outcome state_work_ask_witness(struct state_work *w, struct bytes note, struct bytes *cosigned,
                                            uint64_t *known, struct fault *fault)
{
    struct arena a;

    arena_init(&a, STATE_NOTES_MEMORY);
    arena_reset(&w->witness_arena);
    w->witness.note = note;
    w->witness.old = w->witnessed;
    enum witness_outcome outcome = witness_ask(&w->witness, &a, cosigned, known, fault);
    *cosigned = outcome == WITNESS_COSIGNED ? arena_copy(&w->witness_arena, *cosigned) : BYTES_NONE;
    if (outcome == WITNESS_COSIGNED)
        w->witnessed = *known;
    arena_free(&a);
    w->cosigned += outcome == WITNESS_COSIGNED;
    w->witness_refused += outcome == WITNESS_REFUSED;
    w->witness_failed += outcome == WITNESS_FAILED;
    return outcome;
}

bool state_work_is_behind(const struct state_work *w, enum witness_outcome outcome, uint64_t known)
{
    return outcome == WITNESS_REFUSED && w->lags && known > merkle_growth_size(&w->growth);
}

/* While it serves, what a witness says is told, and nothing waits for it. */
static void show_witness(struct state_work *w)
{
    struct fault fault = {0};
    struct bytes cosigned;
    uint64_t known;

    if (!w->witness.url)
        return;
    enum witness_outcome outcome = state_work_ask_witness(w, w->newest, &cosigned, &known, &fault);
    w->behind = state_work_is_behind(w, outcome, known) ? w->behind + 1 : 0;
    w->uncosigned = (struct fault){0};
    if (outcome == WITNESS_COSIGNED || (w->behind && w->behind <= BEHIND_MOST) || state_work_is_stopping(w))
        return;
    w->uncosigned = fault;
    log_error("the store's checkpoint is not cosigned: %s", fault.text);
}

static bool put_and_show(struct state_work *w, struct fault *fault)
{
    if (!state_work_put(w, fault))
        return false;
    show_witness(w);
    merkle_growth_settle(&w->growth);
    return true;
}

bool state_work_anchor(struct state_work *w, bool last_one, struct fault *fault)
{
    if (w->under_way.n && !put_and_show(w, fault))
        return false;
    if (!state_work_follow(w, fault))
        return false;
    uint64_t differing = state_work_not_served(w);
    if (differing)
        return fault_set(fault, FAULT_SYSTEM, "of %llu kinds of records another one is served than the newest (%s)",
                         (unsigned long long)differing, check_table[CHECK_STATE_VIEW].id);
    return !is_due(w, last_one) || (state_work_sign(w, fault) && put_and_show(w, fault));
}

/* Its key was read when the configuration was. */
static void use_witness(struct state_work *w, const struct state_config *c, const atomic_bool *stop)
{
    if (!c->witness)
        return;
    w->witness =
        (struct witness_order){.url = arena_string(&w->texts, bytes_text(c->witness)),
                               .ca_file = c->witness_ca ? arena_string(&w->texts, bytes_text(c->witness_ca)) : NULL,
                               .prove = prove,
                               .context = w,
                               .stop = stop};
    if (!witness_key_parse(&w->texts, bytes_text(c->witness_key), &w->witness.key))
        abort();
}

void state_work_init(struct state_work *w, const struct config *c, const uint8_t key[ED25519_PUBLIC],
                     struct state_view *view, const struct state_host *host, const atomic_bool *stop)
{
    *w = (struct state_work){.host = *host, .view = view, .config = c->state, .place.lock = -1};
    arena_init(&w->texts, STATE_NOTES_MEMORY);
    arena_init(&w->witness_arena, STATE_NOTES_MEMORY);
    arena_init(&w->newest_arena, STATE_NOTES_MEMORY);
    arena_init(&w->next_arena, STATE_NOTES_MEMORY);
    w->url = arena_string(&w->texts, bytes_text(c->store));
    w->config.file = arena_string(&w->texts, bytes_text(c->state.file));
    w->config.name = arena_string(&w->texts, bytes_text(c->state.name));
    use_witness(w, &c->state, stop);
    w->lags = strncmp(w->url, "sqlite:", 7) != 0;
    w->key.name = bytes_text(w->config.name);
    memcpy(w->key.key, key, sizeof w->key.key);
}

void state_work_free(struct state_work *w)
{
    if (w->store)
        store_close(w->store);
    state_place_close(&w->place);
    merkle_growth_free(&w->growth);
    arena_free(&w->newest_arena);
    arena_free(&w->next_arena);
    arena_free(&w->witness_arena);
    arena_free(&w->texts);
}
