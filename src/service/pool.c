#include "service/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/checkpoint.h"
#include "service/channel.h"
#include "service/log.h"
#include "service/poison.h"
#include "service/turns.h"

enum {
    RESTART_MILLISECONDS = 500,
    START_MILLISECONDS = 60 * 1000,   /* to take a snapshot */
    STATE_MEMORY = 512 * 1024 * 1024, /* of one provider as frames */
    START_TRIES = 3,
};

struct job {
    struct waiter waiter; /* first */
    struct pool_work work;
    pool_done *done;
    void *context;
    bool wanted; /* the pair asked for the tenant's state */
};

enum worker_state {
    WORKER_STARTING,
    WORKER_TESTING,
    WORKER_LOADING,
    WORKER_IDLE,
    WORKER_BUSY,
    WORKER_SHADOWING,
    WORKER_DOWN
};

struct worker {
    struct pool *pool;
    enum worker_state state;
    struct pair pair;
    struct channel *channel;
    struct event *timer; /* deadline of what it does, or pause before a restart */
    struct job *job;
    bool stale;   /* a newer snapshot waits */
    bool widowed; /* its signer ended: replaced once its job is done */
    bool tested, was_ready;
    char failed[256];    /* what went wrong in its last self-test; empty: nothing */
    uint64_t generation; /* of the snapshot sent last */
    uint64_t *sent;      /* by tenant's index: the stamp of the state that was sent last; 0: none */
    size_t sent_cap;
};

struct pool {
    struct event_base *base;
    const struct config *config;
    struct keeper *keeper; /* places of pairs are those of workers */
    struct worker *workers;
    size_t count;
    struct turns *turns;
    struct job *first; /* waits for the first pair */
    size_t busy;
    struct loaded snapshot, before; /* before: kept until a pair has taken the newer one */
    uint64_t generation;            /* of snapshot */
    struct poison *poison;
    struct event *news; /* of the keeper */
    struct pool_callbacks call;
    struct state_keys keys; /* of every pair */
    struct bytes newest;    /* checkpoint of the store; empty: there is none yet */
    bool has_keys;
    bool announced;
    unsigned failed_starts;
    struct pool_counts counts;
    struct arena state; /* a provider's, on its way */
};

static void start(struct worker *w);
static void feed(struct pool *p);

static size_t place_of(const struct worker *w)
{
    return (size_t)(w - w->pool->workers);
}

/* What the keeper told while it was asked something else waits for its turn. */
static void hear(struct pool *p)
{
    if (keeper_has_news(p->keeper))
        event_active(p->news, EV_READ, 0);
}

static void finish(struct worker *w, enum pool_failure outcome, const struct answered *answer)
{
    struct job *j = w->job;

    w->job = NULL;
    w->pool->busy--;
    evtimer_del(w->timer);
    j->done(j->context, outcome, answer);
    free(j);
}

static void job_digest(const struct bytes identity[2], uint8_t digest[SHA256_SIZE])
{
    digest_parts(DIGEST_SHA256, identity, 2, digest);
}

static void schedule(struct worker *w, int milliseconds)
{
    struct timeval tv = {milliseconds / 1000, milliseconds % 1000 * 1000};

    evtimer_add(w->timer, &tv);
}

/* The pair is of no use any more. */
static void down(struct worker *w, enum pool_failure outcome)
{
    struct pool *p = w->pool;
    bool was_useful = w->was_ready;
    uint8_t digest[SHA256_SIZE];

    channel_free(w->channel);
    w->channel = NULL;
    w->pair.fd = -1; /* the channel closed it */
    keeper_pair_kill(p->keeper, place_of(w), &w->pair);
    hear(p);
    evtimer_del(w->timer);
    if (w->state == WORKER_SHADOWING) { /* nobody waits: the answer is out */
        log_error("a pair ended over a shadow policy; what it would have changed is not known");
        p->counts.shadows_lost++;
    }
    w->state = WORKER_DOWN;
    w->was_ready = w->widowed = w->tested = false;
    p->counts.restarts++;
    if (w->job) {
        p->counts.died += outcome == POOL_DIED;
        p->counts.slow += outcome == POOL_SLOW;
        p->counts.over_memory += outcome == POOL_OVER_MEMORY;
        job_digest(w->job->work.identity, digest);
        poison_note(p->poison, digest, time(NULL));
        finish(w, outcome, NULL);
    }
    if (was_useful) {
        start(w);
        return;
    }
    schedule(w, RESTART_MILLISECONDS); /* it never got as far as serving: do not spin */
    if (!p->announced && ++p->failed_starts == START_TRIES)
        p->call.broken(p->call.context, "the pairs of verifier and signer do not start; the reasons stand above");
}

static void send_snapshot(struct worker *w)
{
    w->stale = false;
    w->state = WORKER_LOADING;
    w->generation = w->pool->generation;
    for (size_t i = 0; i < w->pool->snapshot.count; i++)
        channel_send(w->channel, w->pool->snapshot.frames[i].kind, w->pool->snapshot.frames[i].body);
    schedule(w, START_MILLISECONDS);
}

static void malformed(struct worker *w)
{
    log_error("a verifier said something malformed");
    down(w, POOL_DIED);
}

/* All pairs have one root: what one of them sealed, each other one believes. */
static bool take_keys(struct pool *p, struct bytes body)
{
    struct state_keys keys;

    if (!read_state_keys(body, &keys))
        return false;
    if (p->has_keys)
        return memcmp(&p->keys, &keys, sizeof keys) == 0;
    p->keys = keys;
    p->has_keys = true;
    p->call.keys(p->call.context, &keys);
    return true;
}

static void send_log(struct worker *w, enum state_key_use use, const char *name)
{
    if (name)
        channel_send(w->channel, FRAME_LOG, write_log(&w->pool->state, use, bytes_text(name)));
    arena_reset(&w->pool->state);
}

/* Before anything else it shows that it judges and signs as it should. */
static void signer_ready(struct worker *w, struct bytes body)
{
    const struct pool *p = w->pool;

    if (w->state != WORKER_STARTING || w->tested || !take_keys(w->pool, body)) {
        malformed(w);
        return;
    }
    w->state = WORKER_TESTING;
    send_log(w, STATE_CHECKPOINT, p->config->decision_name);
    send_log(w, STATE_STORE, p->config->state.name);
    if (p->newest.n)
        channel_send(w->channel, FRAME_STATE, p->newest);
    channel_send(w->channel, FRAME_SELFTEST, BYTES_NONE);
}

static void tested(struct worker *w, struct bytes failure)
{
    if (w->state != WORKER_TESTING) {
        malformed(w);
        return;
    }
    snprintf(w->failed, sizeof w->failed, "%.*s", (int)(failure.n < sizeof w->failed ? failure.n : sizeof w->failed),
             (const char *)failure.p);
    if (failure.n) {
        log_error("a pair is not used, its self-test failed: %s", w->failed);
        down(w, POOL_DIED);
        return;
    }
    w->tested = true;
    w->state = WORKER_STARTING;
    if (w->sent)
        memset(w->sent, 0, w->sent_cap * sizeof *w->sent);
    if (w->pool->snapshot.count)
        send_snapshot(w);
}

static void log_lines(const char *what, struct bytes text)
{
    while (text.n) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;

        if (n)
            log_error("%s: %.*s", what, (int)n, (const char *)text.p);
        text = bytes_after(text, n + 1);
    }
}

static void announce(struct pool *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (!p->workers[i].was_ready)
            return;
    if (!p->announced)
        p->call.ready(p->call.context);
    p->announced = true;
}

/* A job or a snapshot is done; a pair without its signer ends here. */
static void become_idle(struct worker *w)
{
    w->state = WORKER_IDLE;
    evtimer_del(w->timer);
    if (w->widowed)
        down(w, POOL_DIED);
}

/* The newest snapshot was refused: pairs that start later get the one before. */
static void keep_before(struct worker *w)
{
    struct pool *p = w->pool;

    if (w->generation != p->generation || p->before.count == 0)
        return;
    loaded_free(&p->snapshot);
    p->snapshot = p->before;
    p->before = (struct loaded){0};
    p->generation--;
}

static void loaded(struct worker *w, enum frame_kind kind, struct bytes body)
{
    struct pool *p = w->pool;

    if (kind == FRAME_SNAPSHOT_BAD) {
        if (w->generation == p->generation)
            log_error("a snapshot was refused: %.*s", (int)body.n, (const char *)body.p);
        keep_before(w);
        if (!w->was_ready) {
            down(w, POOL_DIED);
            return;
        }
    } else if (w->generation == p->generation) {
        loaded_free(&p->before);
        if (w == p->workers) /* every pair says the same */
            log_lines("collateral left out", body);
    }
    become_idle(w);
    if (w->state == WORKER_DOWN)
        return;
    w->was_ready |= kind == FRAME_SNAPSHOT_READY;
    announce(p);
    feed(p);
}

static uint64_t *sent_of(struct worker *w, const struct tenant *t)
{
    if (t->index >= w->sent_cap) {
        size_t cap = 2 * t->index + 64;
        uint64_t *grown = realloc(w->sent, cap * sizeof *grown);

        if (!grown)
            abort();
        memset(grown + w->sent_cap, 0, (cap - w->sent_cap) * sizeof *grown);
        w->sent = grown;
        w->sent_cap = cap;
    }
    return &w->sent[t->index];
}

static void send_state(void *context, enum frame_kind kind, struct bytes body)
{
    channel_send(((struct worker *)context)->channel, kind, body);
}

/* A pair learns of a provider, or of its change, before the first request that needs it. */
static void send_job(struct worker *w)
{
    const struct pool_work *work = &w->job->work;
    uint64_t *sent = work->tenant ? sent_of(w, work->tenant) : NULL;

    if (sent && *sent != work->tenant->stamp) {
        tenant_frames(work->tenant, &w->pool->state, send_state, w);
        arena_reset(&w->pool->state);
        *sent = work->tenant->stamp;
    }
    channel_send(w->channel, work->kind, work->body);
}

static void run(struct worker *w, struct job *j)
{
    w->job = j;
    w->state = WORKER_BUSY;
    schedule(w, j->work.milliseconds ? j->work.milliseconds : w->pool->config->request_milliseconds);
    send_job(w);
}

/* The pair dropped this provider for others. */
static void wanted(struct worker *w)
{
    if (!w->job || !w->job->work.tenant || w->job->wanted) {
        malformed(w);
        return;
    }
    w->job->wanted = true;
    *sent_of(w, w->job->work.tenant) = 0;
    send_job(w);
}

static void answered(struct worker *w, struct bytes body)
{
    struct answered answer;

    if (!w->job || !read_answer(body, &answer)) {
        malformed(w);
        return;
    }
    w->pool->counts.answered++;
    finish(w, POOL_ANSWERED, &answer);
    if (answer.shadow_follows) {
        w->state = WORKER_SHADOWING;
        schedule(w, w->pool->config->request_milliseconds);
        return;
    }
    become_idle(w);
    feed(w->pool);
}

static void shadowed(struct worker *w, struct bytes body)
{
    struct shadow_result result;

    if (w->state != WORKER_SHADOWING || !read_shadow(body, &result)) {
        malformed(w);
        return;
    }
    w->pool->call.shadowed(w->pool->call.context, &result);
    become_idle(w);
    feed(w->pool);
}

static void foretold(struct worker *w, struct bytes body)
{
    struct outlook outlook;

    if (w->was_ready && read_outlook(body, &outlook))
        w->pool->call.outlook(w->pool->call.context, &outlook);
    else
        malformed(w);
}

static void take_frame(void *context, enum frame_kind kind, struct bytes body)
{
    struct worker *w = context;

    switch (kind) {
    case FRAME_READY: signer_ready(w, body); break;
    case FRAME_SELFTESTED: tested(w, body); break;
    case FRAME_WANT_PROVIDER: wanted(w); break;
    case FRAME_SNAPSHOT_READY:
    case FRAME_SNAPSHOT_BAD: loaded(w, kind, body); break;
    case FRAME_ANSWER: answered(w, body); break;
    case FRAME_SHADOW: shadowed(w, body); break;
    case FRAME_OUTLOOK: foretold(w, body); break;
    case FRAME_OVERRUN:
        log_error("a request went over its memory limit; its verifier is replaced");
        down(w, POOL_OVER_MEMORY);
        break;
    default: down(w, POOL_DIED); break;
    }
}

static void verifier_ended(void *context)
{
    struct worker *w = context;

    long pid = w->pair.verifier;
    char how[PAIR_END_TEXT];

    keeper_pair_end_verifier(w->pool->keeper, place_of(w), &w->pair, how);
    hear(w->pool);
    log_error("verifier %ld ended%s%s; its pair is replaced", pid, w->job ? " while it worked on a request" : "", how);
    down(w, POOL_DIED);
}

static void signer_ended(struct pool *p, const struct keeper_answer *a)
{
    struct worker *w = a->place < p->count ? &p->workers[a->place] : NULL;
    char how[PAIR_END_TEXT];

    if (!w || w->pair.signer != a->signer) /* of a pair before this one */
        return;
    pair_end_text(a->status, how);
    log_error("signer %ld ended%s; its pair is replaced", (long)w->pair.signer, how);
    w->pair.signer = -1;
    w->widowed = true;
    if (!w->job) /* else its verifier answers that the token cannot be signed */
        down(w, POOL_DIED);
}

/* A verifier shows its end on the channel, after its last frame; of a signer only its parent can tell, which is the keeper. */
static void keeper_told(evutil_socket_t fd, short what, void *context)
{
    struct pool *p = context;
    struct keeper_answer a;
    enum keeper_news news;

    (void)fd, (void)what;
    while ((news = keeper_news(p->keeper, &a)) == KEEPER_NEWS)
        signer_ended(p, &a);
    if (news == KEEPER_GONE) {
        log_error("%s: no pair can be started, so the service ends", keeper_gone_text(p->keeper));
        event_del(p->news);
        p->call.broken(p->call.context, keeper_gone_text(p->keeper));
        return;
    }
    feed(p);
}

static void timed_out(evutil_socket_t fd, short what, void *context)
{
    struct worker *w = context;

    (void)fd;
    (void)what;
    if (w->state == WORKER_DOWN) {
        start(w);
        return;
    }
    if (w->job || w->state == WORKER_SHADOWING)
        log_error("a request ran longer than it may; its pair is replaced");
    else
        log_error("a pair did not become ready within %d ms; it is replaced", START_MILLISECONDS);
    down(w, POOL_SLOW);
}

static void start(struct worker *w)
{
    struct fault fault = {0};

    w->state = WORKER_STARTING;
    bool ok = keeper_pair_start(w->pool->keeper, place_of(w), &w->pair, &fault);
    hear(w->pool);
    if (!ok) {
        log_error("%s", fault.text);
        w->state = WORKER_DOWN;
        schedule(w, RESTART_MILLISECONDS);
        return;
    }
    w->channel = channel_open(w->pool->base, w->pair.fd, take_frame, verifier_ended, w);
    if (!w->channel) {
        log_error("no memory for a pair");
        down(w, POOL_DIED);
        return;
    }
    schedule(w, START_MILLISECONDS);
}

/* Give work, or the newer snapshot, to whoever is idle. */
static void feed(struct pool *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct worker *w = &p->workers[i];

        if (w->state != WORKER_IDLE)
            continue;
        if (w->stale) {
            send_snapshot(w);
            continue;
        }
        struct job *j = i == 0 && p->first ? p->first : (struct job *)turns_next(p->turns);
        if (j && j == p->first)
            p->first = NULL;
        if (j)
            run(w, j);
    }
}

static bool refused_unread(struct pool *p, const struct bytes identity[2])
{
    uint8_t digest[SHA256_SIZE];

    if (poison_empty(p->poison))
        return false;
    job_digest(identity, digest);
    return poison_refuses(p->poison, digest, time(NULL));
}

bool pool_submit(struct pool *p, const struct pool_work *work, pool_done *done, void *context)
{
    if (refused_unread(p, work->identity)) {
        p->counts.refused_unread++;
        done(context, POOL_REFUSED_UNREAD, NULL);
        return true;
    }
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        return false;
    *j = (struct job){.work = *work, .done = done, .context = context};
    turns_limits(p->turns, (size_t)p->config->queue, (size_t)p->config->provider_queue);
    bool for_first = work->kind == FRAME_CHECKPOINT;
    if (for_first && !p->first)
        p->first = j;
    else if (for_first || !turns_join(p->turns, &j->waiter, work->tenant)) {
        free(j);
        return false;
    }
    p->busy++;
    feed(p);
    return true;
}

void pool_load(struct pool *p, struct loaded *snapshot)
{
    if (p->before.count == 0)
        p->before = p->snapshot;
    else
        loaded_free(&p->snapshot); /* nobody took it yet */
    p->snapshot = *snapshot;
    p->generation++;
    *snapshot = (struct loaded){0};
    for (size_t i = 0; i < p->count; i++) {
        struct worker *w = &p->workers[i];

        w->stale = w->state == WORKER_LOADING || w->was_ready;
        if (w->state == WORKER_STARTING && w->tested)
            send_snapshot(w);
    }
    feed(p);
}

void pool_state(struct pool *p, struct bytes note)
{
    uint8_t *copy = malloc(note.n);

    if (!copy)
        abort();
    memcpy(copy, note.p, note.n);
    free((void *)(uintptr_t)p->newest.p);
    p->newest = bytes_make(copy, note.n);
    for (size_t i = 0; i < p->count; i++)
        if (p->workers[i].tested || p->workers[i].state == WORKER_TESTING)
            channel_send(p->workers[i].channel, FRAME_STATE, p->newest);
}

const struct state_keys *pool_state_keys(const struct pool *p)
{
    return &p->keys;
}

struct pool_counts pool_counts(const struct pool *p)
{
    return p->counts;
}

struct pool_load pool_load_now(const struct pool *p)
{
    struct pool_load n = {.pairs = p->count, .waiting = turns_waiting(p->turns)};

    for (size_t i = 0; i < p->count; i++) {
        n.serving += p->workers[i].was_ready;
        n.working += p->workers[i].job != NULL;
    }
    return n;
}

const char *pool_missing(const struct pool *p, size_t pair)
{
    const struct worker *w = &p->workers[pair];

    if (w->failed[0])
        return w->failed;
    if (p->announced || w->was_ready) /* one that is replaced does not make the service unready */
        return NULL;
    switch (w->state) {
    case WORKER_TESTING: return "its self-test is under way";
    case WORKER_LOADING: return "it reads the endorsements";
    default: return w->tested ? "it waits for endorsements" : "it starts";
    }
}

struct pool *pool_new(struct event_base *base, const struct config *c, struct keeper *keeper,
                      const struct pool_callbacks *callbacks, struct fault *fault)
{
    struct pool *p = calloc(1, sizeof *p);
    struct worker *workers = calloc((size_t)c->pairs, sizeof *workers);

    if (!p || !workers) {
        free(p);
        free(workers);
        fault_set(fault, FAULT_SYSTEM, "no memory");
        return NULL;
    }
    *p = (struct pool){
        .base = base, .config = c, .keeper = keeper, .workers = workers, .count = (size_t)c->pairs, .call = *callbacks};
    p->turns = turns_new((size_t)c->queue, (size_t)c->provider_queue);
    arena_init(&p->state, STATE_MEMORY);
    p->poison = poison_new();
    p->news = event_new(base, keeper_fd(keeper), EV_READ | EV_PERSIST, keeper_told, p);
    if (!p->turns || !p->poison || !p->news || event_add(p->news, NULL) != 0) {
        fault_set(fault, FAULT_SYSTEM, "no memory");
        pool_free(p);
        return NULL;
    }
    for (size_t i = 0; i < p->count; i++) {
        struct worker *w = &p->workers[i];

        *w = (struct worker){.pool = p, .pair = {-1, -1, -1}, .timer = evtimer_new(base, timed_out, w)};
        start(w);
    }
    return p;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++) {
        struct worker *w = &p->workers[i];

        if (w->channel)
            w->pair.fd = -1; /* the channel closes it */
        channel_free(w->channel);
        if (w->timer) {
            keeper_pair_kill(p->keeper, i, &w->pair);
            event_free(w->timer);
        }
        free(w->job);
        free(w->sent);
    }
    for (struct waiter *w; p->turns && (w = turns_next(p->turns));)
        free(w);
    free(p->first);
    free((void *)(uintptr_t)p->newest.p);
    turns_free(p->turns);
    if (p->news)
        event_free(p->news);
    loaded_free(&p->snapshot);
    loaded_free(&p->before);
    poison_free(p->poison);
    arena_free(&p->state);
    free(p->workers);
    free(p);
}
