#include "service/state_anchor.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "service/log.h"
#include "service/state_place.h"
#include "service/state_tree.h"
#include "witness/ask.h"

enum {
    REPLICA_SECONDS = 15,   /* by which a database that is read may be behind */
    APPLY_SECONDS = 5,      /* by which what another process wrote to a file is applied too */
    IDLE_SECONDS = 60 * 60, /* without a change, for the time alone */
    BEHIND_MOST = 3,        /* by then this node has seen what another one wrote */
    SIGN_TRIES = 20,        /* while another checkpoint waits for the core */
    SIGN_MILLISECONDS = 10000,
    TRY_MILLISECONDS = 200,
    LOOK_MILLISECONDS = 20, /* at what is applied meanwhile */
    NOTES_MEMORY = 4 * 1024 * 1024,
};

/* What the thread asks the event loop for. */
enum question { ASK_NOTHING, ASK_SIGNATURE, ASK_COUNTER, ASK_WAITS };

struct state_anchor {
    struct keeper *keeper; /* the event loop's alone */
    struct pool **pool;
    struct state_anchor_callbacks call;
    const char *url;
    struct state_config config; /* texts that last as long as this */
    struct state_view *view;    /* with a lock of its own */
    bool lags;                  /* what is read may be behind for a while */
    /* The thread's. */
    pthread_t thread;
    struct log_key key;
    struct store *store;
    struct state_place place;
    struct merkle_growth growth; /* its first part is what the newest checkpoint covers */
    uint64_t sequence;           /* of the last record that is in it */
    struct arena newest_arena, next_arena;
    struct bytes newest; /* the note; empty: there is none */
    bool first;          /* there was none at the start */
    struct state_mark mark;
    struct bytes under_way; /* signed, and not in force yet */
    struct witness_order witness;
    uint64_t witnessed;         /* the size that the witness knows */
    unsigned behind;            /* times on end that it knew more than this node */
    struct arena witness_arena; /* what it answered */
    struct arena texts;         /* its key, and what is configured */
    atomic_bool cut;            /* what is asked of it ends */
    /* Of both, under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop, may_go, last_one, ended;
    enum question question;
    struct bytes message, answer;
    enum keeper_counter counter_verb;
    uint64_t counter_value;
    int counter_fd;
    struct fault counter_fault;
    bool is_judged, is_news;
    struct fault refusal;
    enum check_id failed;
    struct bytes news; /* a copy of the newest note */
    struct state_anchor_state state;
    int ready; /* eventfd: the event loop's */
    struct event *told;
};

static void ring(const struct state_anchor *s)
{
    const uint64_t one = 1;

    if (write(s->ready, &one, sizeof one) != sizeof one)
        return; /* the counter is full: it rings already */
}

/* Until then, or until something changed. Under the lock. */
static void wait_milliseconds(struct state_anchor *s, long milliseconds)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&s->changed, &s->lock, &until);
}

/* The whole store, its first part being what the checkpoint covers. */
static bool read_store(struct state_anchor *s, const struct state_exam *x, struct merkle_hash *begin,
                       struct fault *fault)
{
    const struct merkle_source source = merkle_growth_source(&s->growth);

    merkle_growth_free(&s->growth);
    s->sequence = 0;
    return state_tree_read(s->store, &s->sequence, x->checkpoint.size, &s->growth, s->view, fault) &&
           merkle_root(&source, s->growth.part, begin, fault);
}

static bool is_stopping(struct state_anchor *s)
{
    pthread_mutex_lock(&s->lock);
    bool stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return stop;
}

/* A replica may not have everything yet. */
static bool read_until_whole(struct state_anchor *s, const struct state_exam *x, struct merkle_hash *begin,
                             struct fault *fault)
{
    for (int i = 0;; i++) {
        if (!read_store(s, x, begin, fault))
            return false;
        if (merkle_growth_size(&s->growth) >= x->checkpoint.size || !s->lags || i == REPLICA_SECONDS || is_stopping(s))
            return true;
        if (i == 0)
            log_info("the store has less than its checkpoint; waiting for it to follow");
        sleep(1);
    }
}

static bool refuse(struct state_exam *x, struct fault *fault)
{
    const char *text = arena_string(x->arena, trace_message(x->trace, x->arena));

    return fault_set(fault, FAULT_USAGE, "the store is refused: %s", text);
}

/* What was read and is not served: it may be on its way, from another connection and by the event loop. */
static uint64_t not_served(struct state_anchor *s)
{
    const int most = (s->lags ? REPLICA_SECONDS : APPLY_SECONDS) * 1000 / LOOK_MILLISECONDS;

    for (int i = 0; i < most && !is_stopping(s);) {
        bool whole = state_view_is_whole(s->view);

        if (whole && !state_view_differing(s->view))
            return 0;
        i += whole;
        usleep(LOOK_MILLISECONDS * 1000);
    }
    return state_view_differing(s->view);
}

/* The newest note that is left, and what follows from it for the store. */
static bool judge(struct state_anchor *s, struct state_exam *x, struct fault *fault)
{
    struct merkle_hash begin;
    struct bytes note;

    if (!state_place_newest(&s->place, &s->key, x->arena, &note, fault))
        return false;
    x->counter = s->place.counted ? &s->place.reading : NULL;
    if (!state_judge_newest(x, note))
        return refuse(x, fault);
    if (!read_until_whole(s, x, &begin, fault))
        return false;
    if (!state_judge_store(x, merkle_growth_size(&s->growth), &begin) || !state_judge_view(x, not_served(s)))
        return refuse(x, fault);
    if (x->mark.counter.value && !state_place_keep(&s->place, fault))
        return false;
    s->first = !note.n;
    s->newest = note.n ? arena_copy(&s->newest_arena, note) : BYTES_NONE;
    s->mark = x->mark;
    return true;
}

/* For the event loop: what is in force. Under the lock. */
static void tell_newest(struct state_anchor *s)
{
    free((void *)(uintptr_t)s->news.p);
    uint8_t *copy = malloc(s->newest.n + 1);
    if (!copy)
        abort();
    if (s->newest.n)
        memcpy(copy, s->newest.p, s->newest.n);
    s->news = bytes_make(copy, s->newest.n);
    s->is_news = s->newest.n > 0;
    s->state.records = s->growth.part;
    s->state.time = s->mark.time;
}

static void log_anchors(const struct state_anchor *s, struct arena *a)
{
    const char *index = arena_printf(a, "0x%08x", (unsigned)s->config.index);

    log_info("the store is anchored: %llu records by %s%s%s; newest checkpoint %s",
             (unsigned long long)merkle_growth_size(&s->growth), s->place.path,
             s->place.counted ? ", which is counted by the TPM's index " : "",
             s->place.counted ? index : ", which no TPM counts",
             s->first ? "none yet, this is the first start with it" : "found good");
    log_info("witnesses know the log of the store's records by %s", arena_string(a, log_key_text(a, &s->key)));
    if (s->witness.url)
        log_info("the store's checkpoints are cosigned by %.*s at %s", (int)s->witness.key.name.n,
                 (const char *)s->witness.key.name.p, s->witness.url);
    else if (!s->place.counted)
        log_info("neither a TPM nor a witness holds the store's checkpoint: whoever puts it back with the store is not "
                 "noticed");
}

/* By the event loop, which asks the core; the signature's note is in the arena. */
static bool ask_core(struct state_anchor *s, struct bytes message, struct bytes *note)
{
    pthread_mutex_lock(&s->lock);
    s->answer = BYTES_NONE;
    for (int i = 0; i < SIGN_TRIES && !s->answer.n && !s->stop; i++) {
        if (i)
            wait_milliseconds(s, TRY_MILLISECONDS);
        s->message = message;
        s->question = ASK_SIGNATURE;
        ring(s);
        while (s->question != ASK_NOTHING && !s->stop)
            pthread_cond_wait(&s->changed, &s->lock);
    }
    *note = s->answer;
    pthread_mutex_unlock(&s->lock);
    return note->n > 0;
}

/* Is there anything to be said that the newest does not? */
static bool is_due(const struct state_anchor *s, bool last_one)
{
    int64_t age = (int64_t)time(NULL) - s->mark.time;

    return !s->newest.n || s->growth.count || (s->place.counted && !s->mark.counter.value) ||
           age >= (last_one ? s->config.seconds : IDLE_SECONDS);
}

static bool follow(struct state_anchor *s, struct fault *fault)
{
    uint64_t there;

    if (!store_generation(s->store, &there, fault))
        return false;
    if (there < s->sequence)
        return fault_set(fault, FAULT_SYSTEM, "the store has %llu records and had %llu: some are gone",
                         (unsigned long long)there, (unsigned long long)s->sequence);
    return state_tree_read(s->store, &s->sequence, 0, &s->growth, s->view, fault);
}

static bool sign_next(struct state_anchor *s, struct fault *fault)
{
    struct state_mark mark = {.time = (int64_t)time(NULL)};
    struct checkpoint_message m = {.last = s->newest};

    arena_reset(&s->next_arena);
    if (mark.time < s->mark.time)
        mark.time = s->mark.time;
    return state_place_next(&s->place, &mark.counter, fault) &&
           state_tree_message(&s->growth, &s->key, &mark, &s->next_arena, &m, fault) &&
           (ask_core(s, write_checkpoint(&s->next_arena, &m), &s->under_way) ||
            fault_set(fault, FAULT_SYSTEM, "the core did not sign it"));
}

/* From what the newest checkpoint covers, or from less: then the whole store is read again. */
static bool prove(void *context, uint64_t old, uint64_t size, struct merkle_path *out, struct fault *fault)
{
    struct state_anchor *s = context;
    struct merkle_growth again = {0};
    const struct merkle_source of_growth = merkle_growth_source(&s->growth), of_again = merkle_growth_source(&again);
    uint64_t since = 0;

    if (old == s->growth.part)
        return merkle_prove_consistency(&of_growth, old, size, out, fault);
    bool ok = state_tree_read(s->store, &since, old, &again, NULL, fault) &&
              (again.part == old || fault_set(fault, FAULT_SYSTEM, "the store is shorter than the witness knows it")) &&
              merkle_prove_consistency(&of_again, old, size, out, fault);
    merkle_growth_free(&again);
    return ok;
}

/* Also the one that could not be put in force when it was signed. */
static bool put_under_way(struct state_anchor *s, struct fault *fault)
{
    struct arena a;

    arena_init(&a, NOTES_MEMORY);
    struct state_exam x = {.arena = &a, .trace = trace_new(&a), .key = &s->key};
    bool ok = (state_judge_note(&x, s->under_way) || refuse(&x, fault)) &&
              state_place_put(&s->place, s->under_way, &x.mark.counter, fault);
    if (ok) {
        s->mark = x.mark;
        arena_reset(&s->newest_arena);
        s->newest = arena_copy(&s->newest_arena, s->under_way);
        s->under_way = BYTES_NONE;
    }
    arena_free(&a);
    return ok;
}

/* *cosigned lies in its arena. */
static enum witness_outcome ask_witness(struct state_anchor *s, struct bytes note, struct bytes *cosigned,
                                        uint64_t *known, struct fault *fault)
{
    struct arena a;

    arena_init(&a, NOTES_MEMORY);
    arena_reset(&s->witness_arena);
    s->witness.note = note;
    s->witness.old = s->witnessed;
    enum witness_outcome outcome = witness_ask(&s->witness, &a, cosigned, known, fault);
    *cosigned = outcome == WITNESS_COSIGNED ? arena_copy(&s->witness_arena, *cosigned) : BYTES_NONE;
    if (outcome == WITNESS_COSIGNED)
        s->witnessed = *known;
    arena_free(&a);
    pthread_mutex_lock(&s->lock);
    s->state.cosigned += outcome == WITNESS_COSIGNED;
    s->state.witness_refused += outcome == WITNESS_REFUSED;
    s->state.witness_failed += outcome == WITNESS_FAILED;
    pthread_mutex_unlock(&s->lock);
    return outcome;
}

/* Another node of the same store was there with more of it: what it has is to come. */
static bool is_behind(const struct state_anchor *s, enum witness_outcome outcome, uint64_t known)
{
    return outcome == WITNESS_REFUSED && s->lags && known > merkle_growth_size(&s->growth);
}

/* While it serves, what a witness says is told, and nothing waits for it. */
static void show_witness(struct state_anchor *s)
{
    struct fault fault = {0};
    struct bytes cosigned;
    uint64_t known;

    if (!s->witness.url)
        return;
    enum witness_outcome outcome = ask_witness(s, s->newest, &cosigned, &known, &fault);
    s->behind = is_behind(s, outcome, known) ? s->behind + 1 : 0;
    if (outcome != WITNESS_COSIGNED && (!s->behind || s->behind > BEHIND_MOST) && !is_stopping(s))
        log_error("the store's checkpoint is not cosigned: %s", fault.text);
}

static bool put_and_show(struct state_anchor *s, struct fault *fault)
{
    if (!put_under_way(s, fault))
        return false;
    show_witness(s);
    merkle_growth_settle(&s->growth);
    return true;
}

static bool anchor(struct state_anchor *s, bool last_one, struct fault *fault)
{
    if (s->under_way.n && !put_and_show(s, fault))
        return false;
    if (!follow(s, fault))
        return false;
    uint64_t differing = not_served(s);
    if (differing)
        return fault_set(fault, FAULT_SYSTEM, "of %llu kinds of records another one is served than the newest (%s)",
                         (unsigned long long)differing, check_table[CHECK_STATE_VIEW].id);
    return !is_due(s, last_one) || (sign_next(s, fault) && put_and_show(s, fault));
}

/* Signs a checkpoint of the store as it is, and shows it. Again where that may help: with more of the store, when a replica has it; or the
 * same, when others had the witness cosign meanwhile. False with a fault; `said` is why it is not cosigned. */
static bool have_cosigned(struct state_anchor *s, enum witness_outcome *outcome, struct bytes *cosigned,
                          struct fault *said, struct fault *fault)
{
    uint64_t known = 0;
    bool again = true, behind = true;

    *outcome = WITNESS_FAILED;
    for (int i = 0; again && i <= REPLICA_SECONDS && !is_stopping(s); i++) {
        if (i)
            sleep(1);
        if (behind && !follow(s, fault))
            return false;
        if (behind && merkle_growth_size(&s->growth) < known)
            continue;
        /* The core signs nothing beside what it signed before: that was true, is put in force, and gone on from. */
        if (behind && ((s->under_way.n && !put_under_way(s, fault)) || !sign_next(s, fault)))
            return false;
        *said = (struct fault){0};
        *outcome = ask_witness(s, s->under_way, cosigned, &known, said);
        merkle_growth_settle(&s->growth);
        behind = is_behind(s, *outcome, known);
        again = behind || (*outcome == WITNESS_FAILED && known);
    }
    return true;
}

/* At a start: only what the witness cosigned is put in force. Refused, or ended before, it leaves the checkpoint of before, and the counter at it. */
static bool judge_by_witness(struct state_anchor *s, struct state_exam *x, struct fault *fault)
{
    enum witness_outcome outcome;
    struct fault said = {0};
    struct bytes cosigned = BYTES_NONE;

    if (!have_cosigned(s, &outcome, &cosigned, &said, fault))
        return false;
    if (outcome == WITNESS_FAILED && s->config.witness_refuse)
        return fault_set(fault, FAULT_SYSTEM,
                         "nothing starts without the witness (to start all the same: [state] witness_absent = "
                         "continue): %s",
                         said.text);
    if (outcome == WITNESS_FAILED) {
        log_error("the store is not held to what its witness knows, as [state] witness_absent = continue: %s",
                  said.text);
        check_skip(x, STATE_WITNESS, "[state] witness_absent");
        return !s->under_way.n || put_under_way(s, fault);
    }
    x->time = (int64_t)time(NULL);
    if (state_judge_witness(x, &s->witness.key, cosigned))
        return put_under_way(s, fault);
    check_note(x->trace, "%s", said.text);
    return refuse(x, fault);
}

static void anchor_and_tell(struct state_anchor *s, bool last_one)
{
    struct fault fault = {0};
    int64_t before = s->mark.time;
    uint64_t part = s->growth.part;
    bool ok = anchor(s, last_one, &fault), stopping = is_stopping(s);

    if (!ok && !stopping)
        log_error("no newer checkpoint of the store: %s", fault.text);
    pthread_mutex_lock(&s->lock);
    if (s->mark.time != before || s->growth.part != part) {
        s->state.written++;
        tell_newest(s);
    }
    s->state.failed += !ok && !stopping;
    pthread_mutex_unlock(&s->lock);
    ring(s);
}

/* By the event loop: nobody else speaks to the keeper. */
static bool start_counter(void *context, enum keeper_counter verb, uint64_t value, int *fd, struct fault *fault)
{
    struct state_anchor *s = context;

    pthread_mutex_lock(&s->lock);
    s->counter_verb = verb;
    s->counter_value = value;
    s->counter_fd = -1;
    s->counter_fault = (struct fault){0};
    s->question = ASK_COUNTER;
    ring(s);
    while (s->question != ASK_NOTHING && !s->stop)
        pthread_cond_wait(&s->changed, &s->lock);
    *fd = s->counter_fd;
    if (*fd < 0)
        fault_set(fault, FAULT_SYSTEM, "%s", s->counter_fault.code ? s->counter_fault.text : "the service ends");
    pthread_mutex_unlock(&s->lock);
    return *fd >= 0;
}

static bool begin(struct state_anchor *s)
{
    const struct counting counting = {start_counter, s};
    struct arena a;
    struct fault fault = {0};
    enum check_id failed = CHECK_COUNT;

    arena_init(&a, NOTES_MEMORY);
    struct state_exam x = {.arena = &a, .trace = trace_new(&a), .key = &s->key, .time = (int64_t)time(NULL)};
    bool ok = state_place_open(&s->config, &counting, &s->place, &fault) && (s->store = store_open(s->url, &fault)) &&
              judge(s, &x, &fault) && (!s->witness.url || judge_by_witness(s, &x, &fault));
    if (ok)
        log_anchors(s, &a);
    else if (trace_failure(x.trace))
        failed = trace_failure(x.trace)->id;
    arena_free(&a);
    pthread_mutex_lock(&s->lock);
    s->is_judged = true;
    s->refusal = fault;
    s->failed = failed;
    if (ok)
        tell_newest(s);
    s->state.written = ok && s->witness.url;
    pthread_mutex_unlock(&s->lock);
    ring(s);
    return ok;
}

static void *run(void *context)
{
    struct state_anchor *s = context;
    bool last_one = false, good = begin(s);

    pthread_mutex_lock(&s->lock);
    while (good && !s->may_go && !s->stop)
        pthread_cond_wait(&s->changed, &s->lock);
    while (good && !s->stop && !last_one) {
        last_one = s->last_one;
        pthread_mutex_unlock(&s->lock);
        anchor_and_tell(s, last_one);
        pthread_mutex_lock(&s->lock);
        if (!s->last_one && !s->stop)
            wait_milliseconds(s, 1000L * s->config.seconds);
    }
    s->ended = true;
    pthread_mutex_unlock(&s->lock);
    ring(s);
    return NULL;
}

static void answer(struct state_anchor *s, struct bytes note)
{
    pthread_mutex_lock(&s->lock);
    s->answer = note.n ? arena_copy(&s->next_arena, note) : BYTES_NONE;
    s->question = ASK_NOTHING;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void signed_by_core(void *context, enum pool_failure outcome, const struct answered *a)
{
    bool good = outcome == POOL_ANSWERED && a->status == 200;

    if (outcome == POOL_ANSWERED && !good)
        log_error("the core does not sign the store's checkpoint: %.*s", (int)a->body.n, (const char *)a->body.p);
    answer(context, good ? a->body : BYTES_NONE);
}

static void ask(struct state_anchor *s, struct bytes message)
{
    const struct pool_work work = {.kind = FRAME_CHECKPOINT,
                                   .body = message,
                                   .identity = {BYTES_LIT("state"), message},
                                   .milliseconds = SIGN_MILLISECONDS};

    if (!*s->pool || !pool_submit(*s->pool, &work, signed_by_core, s))
        answer(s, BYTES_NONE);
}

static void count(struct state_anchor *s)
{
    struct fault fault = {0};
    int fd = -1;

    keeper_count(s->keeper, s->counter_verb, s->counter_value, &fd, &fault);
    pthread_mutex_lock(&s->lock);
    s->counter_fd = fd;
    s->counter_fault = fault;
    s->question = ASK_NOTHING;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* The event loop: what the thread has for it. */
static void told(evutil_socket_t fd, short what, void *context)
{
    struct state_anchor *s = context;
    struct bytes news = BYTES_NONE;
    uint64_t rings;

    (void)what;
    if (read((int)fd, &rings, sizeof rings) != sizeof rings)
        return;
    pthread_mutex_lock(&s->lock);
    bool judged = s->is_judged, sign = s->question == ASK_SIGNATURE, counts = s->question == ASK_COUNTER;
    if (s->is_news) {
        news = s->news;
        s->news = BYTES_NONE;
    }
    s->is_judged = s->is_news = false;
    if (sign || counts)
        s->question = ASK_WAITS;
    struct bytes message = s->message;
    pthread_mutex_unlock(&s->lock);
    if (news.n)
        s->call.noted(s->call.context, news);
    free((void *)(uintptr_t)news.p);
    if (judged)
        s->call.judged(s->call.context, s->refusal.code ? &s->refusal : NULL, s->failed);
    if (counts)
        count(s);
    if (sign)
        ask(s, message);
}

/* Its key was read when the configuration was. */
static void use_witness(struct state_anchor *s, const struct state_config *c)
{
    if (!c->witness)
        return;
    s->witness =
        (struct witness_order){.url = arena_string(&s->texts, bytes_text(c->witness)),
                               .ca_file = c->witness_ca ? arena_string(&s->texts, bytes_text(c->witness_ca)) : NULL,
                               .prove = prove,
                               .context = s,
                               .stop = &s->cut};
    if (!witness_key_parse(&s->texts, bytes_text(c->witness_key), &s->witness.key))
        abort();
}

void state_anchor_start(struct event_base *base, const struct config *c, const uint8_t key[ED25519_PUBLIC],
                        struct keeper *keeper, struct pool **pool, struct state_view *view,
                        const struct state_anchor_callbacks *call, struct state_anchor **out)
{
    struct state_anchor *s;

    *out = NULL;
    if (!c->state.file)
        return;
    if (!(s = calloc(1, sizeof *s)))
        abort();
    *s = (struct state_anchor){.keeper = keeper,
                               .pool = pool,
                               .call = *call,
                               .view = view,
                               .config = c->state,
                               .place.lock = -1,
                               .state.kept = true};
    arena_init(&s->texts, NOTES_MEMORY);
    s->url = arena_string(&s->texts, bytes_text(c->store));
    s->config.file = arena_string(&s->texts, bytes_text(c->state.file));
    s->config.name = arena_string(&s->texts, bytes_text(c->state.name));
    arena_init(&s->witness_arena, NOTES_MEMORY);
    use_witness(s, &c->state);
    s->lags = strncmp(s->url, "sqlite:", 7) != 0;
    s->key.name = bytes_text(s->config.name);
    memcpy(s->key.key, key, sizeof s->key.key);
    arena_init(&s->newest_arena, NOTES_MEMORY);
    arena_init(&s->next_arena, NOTES_MEMORY);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->ready = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    s->told = event_new(base, s->ready, EV_READ | EV_PERSIST, told, s);
    if (s->ready < 0 || !s->told || event_add(s->told, NULL) != 0 || pthread_create(&s->thread, NULL, run, s) != 0)
        abort();
    *out = s;
}

static void set(struct state_anchor *s, bool *flag)
{
    pthread_mutex_lock(&s->lock);
    *flag = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void state_anchor_go(struct state_anchor *s)
{
    if (s)
        set(s, &s->may_go);
}

bool state_anchor_ended(struct state_anchor *s)
{
    if (!s)
        return true;
    set(s, &s->last_one);
    pthread_mutex_lock(&s->lock);
    bool ended = s->ended || !s->may_go;
    pthread_mutex_unlock(&s->lock);
    return ended;
}

void state_anchor_stop(struct state_anchor *s)
{
    if (!s)
        return;
    atomic_store(&s->cut, true);
    set(s, &s->stop);
    pthread_join(s->thread, NULL);
    event_free(s->told);
    close(s->ready);
    if (s->store)
        store_close(s->store);
    state_place_close(&s->place);
    merkle_growth_free(&s->growth);
    arena_free(&s->newest_arena);
    arena_free(&s->next_arena);
    arena_free(&s->witness_arena);
    arena_free(&s->texts);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    free((void *)(uintptr_t)s->news.p);
    free(s);
}

struct state_anchor_state state_anchor_state(struct state_anchor *s)
{
    struct state_anchor_state state = {.kept = false};

    if (!s)
        return state;
    pthread_mutex_lock(&s->lock);
    state = s->state;
    pthread_mutex_unlock(&s->lock);
    return state;
}
