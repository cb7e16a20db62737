#include "service/state_start.h"

#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/log.h"
#include "service/state_clock.h"

/* The whole store, its first part being what the checkpoint covers. */
static bool read_store(struct state_work *w, const struct state_exam *x, struct merkle_hash *begin, struct fault *fault)
{
    const struct merkle_source source = merkle_growth_source(&w->growth);

    merkle_growth_free(&w->growth);
    w->sequence = 0;
    return state_tree_read(w->store, &w->sequence, x->checkpoint.size, &w->growth, w->view, fault) &&
           merkle_root(&source, w->growth.part, begin, fault);
}

/* A replica may not have everything yet. */
static bool read_until_whole(struct state_work *w, const struct state_exam *x, struct merkle_hash *begin,
                             struct fault *fault)
{
    for (int i = 0;; i++) {
        if (!read_store(w, x, begin, fault))
            return false;
        if (merkle_growth_size(&w->growth) >= x->checkpoint.size || !w->lags || i == REPLICA_SECONDS ||
            state_work_is_stopping(w))
            return true;
        if (i == 0)
            log_info("the store has less than its checkpoint; waiting for it to follow");
        sleep(1);
    }
}

/* Who reads this has to decide which of the two times is wrong, and may not have the other one at hand. */
static void note_time(struct state_exam *x)
{
    int64_t behind = state_clock_behind(x->mark.time, x->time);
    char now[32], then[32], from[32];

    if (trace_failure(x->trace)->id != CHECK_STATE_TIME)
        return;
    time_format(x->time, now);
    time_format(x->mark.time, then);
    time_format(x->mark.time - STATE_CLOCK_ALLOWANCE, from);
    check_note(
        x->trace,
        "the clock says %s, and %s when the newest checkpoint was signed, %lld seconds later; if the clock is "
        "wrong now, set it right; if it was wrong then, `assayd adopt --config FILE` names the state of the store and "
        "`assayd adopt --config FILE --accept STATE` signs the present time; else nothing starts before %s",
        now, then, (long long)behind, from);
}

/* The newest note that is left, and what follows from it for the store. */
static bool judge(struct state_work *w, struct state_exam *x, struct fault *fault)
{
    struct merkle_hash begin;
    struct bytes note;

    if (!state_place_newest(&w->place, &w->key, x->arena, &note, fault))
        return false;
    x->counter = w->place.counted ? &w->place.reading : NULL;
    if (!state_judge_newest(x, note)) {
        note_time(x);
        return state_work_refuse(x, fault);
    }
    if (!read_until_whole(w, x, &begin, fault))
        return false;
    if (!state_judge_store(x, merkle_growth_size(&w->growth), &begin) || !state_judge_view(x, state_work_not_served(w)))
        return state_work_refuse(x, fault);
    if (x->mark.counter.value && !state_place_keep(&w->place, fault))
        return false;
    w->first = !note.n;
    w->newest = note.n ? arena_copy(&w->newest_arena, note) : BYTES_NONE;
    w->mark = x->mark;
    return true;
}

/* Signs a checkpoint of the store as it is, and shows it. Again where that may help: with more of the store, when a replica has it; or the
 * same, when others had the witness cosign meanwhile. False with a fault; `said` is why it is not cosigned. */
static bool have_cosigned(struct state_work *w, enum witness_outcome *outcome, struct bytes *cosigned,
                          struct fault *said, struct fault *fault)
{
    uint64_t known = 0;
    bool again = true, behind = true;

    *outcome = WITNESS_FAILED;
    for (int i = 0; again && i <= REPLICA_SECONDS && !state_work_is_stopping(w); i++) {
        if (i)
            sleep(1);
        if (behind && !state_work_follow(w, fault))
            return false;
        if (behind && merkle_growth_size(&w->growth) < known)
            continue;
        /* The core signs nothing beside what it signed before: that was true, is put in force, and gone on from. */
        if (behind && ((w->under_way.n && !state_work_put(w, fault)) || !state_work_sign(w, fault)))
            return false;
        *said = (struct fault){0};
        *outcome = state_work_ask_witness(w, w->under_way, cosigned, &known, said);
        merkle_growth_settle(&w->growth);
        behind = state_work_is_behind(w, *outcome, known);
        again = behind || (*outcome == WITNESS_FAILED && known);
    }
    return true;
}

/* At a start: only what the witness cosigned is put in force. Refused, or ended before, it leaves the checkpoint of before, and the counter at it. */
static bool judge_by_witness(struct state_work *w, struct state_exam *x, struct fault *fault)
{
    enum witness_outcome outcome;
    struct fault said = {0};
    struct bytes cosigned = BYTES_NONE;

    if (!have_cosigned(w, &outcome, &cosigned, &said, fault))
        return false;
    if (outcome == WITNESS_FAILED && w->config.witness_refuse)
        return fault_set(fault, FAULT_SYSTEM,
                         "nothing starts without the witness (to start all the same: [state] witness_absent = "
                         "continue): %s",
                         said.text);
    if (outcome == WITNESS_FAILED) {
        log_error("the store is not held to what its witness knows, as [state] witness_absent = continue: %s",
                  said.text);
        check_skip(x, STATE_WITNESS, "[state] witness_absent");
        w->uncosigned = said;
        return !w->under_way.n || state_work_put(w, fault);
    }
    x->time = (int64_t)time(NULL);
    if (state_judge_witness(x, &w->witness.key, cosigned))
        return state_work_put(w, fault);
    check_note(x->trace, "%s", said.text);
    return state_work_refuse(x, fault);
}

static void log_anchors(const struct state_work *w, struct arena *a)
{
    const char *index = arena_printf(a, "0x%08x", (unsigned)w->config.index);

    log_info("the store is anchored: %llu records by %s%s%s; newest checkpoint %s",
             (unsigned long long)merkle_growth_size(&w->growth), w->place.path,
             w->place.counted ? ", which is counted by the TPM's index " : "",
             w->place.counted ? index : ", which no TPM counts",
             w->first ? "none yet, this is the first start with it" : "found good");
    log_info("witnesses know the log of the store's records by %s", arena_string(a, log_key_text(a, &w->key)));
    if (w->witness.url)
        log_info("the store's checkpoints are cosigned by %.*s at %s", (int)w->witness.key.name.n,
                 (const char *)w->witness.key.name.p, w->witness.url);
    else if (!w->place.counted)
        log_info("neither a TPM nor a witness holds the store's checkpoint: whoever puts it back with the store is not "
                 "noticed");
}

bool state_start(struct state_work *w, struct state_exam *x, struct fault *fault)
{
    bool ok = state_place_open(&w->config, &w->host.counting, &w->place, fault) &&
              (w->store = store_open(w->url, fault)) && judge(w, x, fault) &&
              (!w->witness.url || judge_by_witness(w, x, fault));

    if (ok)
        log_anchors(w, x->arena);
    return ok;
}
