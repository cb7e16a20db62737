#include "service/pool.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <time.h>

#include "service/log.h"
#include "service/poison.h"

enum { KEY_ARGUMENTS = CONFIG_PROVIDERS_MAX + 1, RESTART_MILLISECONDS = 500, ANSWER_MEMORY = 16 * 1024 * 1024 };

struct job {
    struct job *next;
    enum frame_kind kind;
    struct evbuffer *body;
    uint8_t digest[SHA256_SIZE];
    pool_done *done;
    void *context;
};

enum worker_state { WORKER_STARTING, WORKER_LOADING, WORKER_IDLE, WORKER_BUSY, WORKER_DOWN };

struct worker {
    struct pool *pool;
    enum worker_state state;
    struct pair pair;
    struct bufferevent *stream;
    struct event *timer; /* deadline of a request, or pause before a restart */
    struct job *job;
    bool stale; /* a newer snapshot waits */
    bool was_ready;
};

struct pool {
    struct event_base *base;
    const struct config *config;
    struct pair_options options;
    char folder[4096];
    const char *keys[KEY_ARGUMENTS];
    struct worker *workers;
    size_t count;
    struct job *first, **last; /* queue */
    size_t queued, busy;
    struct loaded snapshot;
    struct poison *poison;
    struct arena arena; /* of one answer */
    pool_ready *ready;
    void *context;
    bool announced;
    struct pool_counts counts;
    struct key_record *records;
    size_t record_count;
    struct arena forever;
};

static void start(struct worker *w);
static void feed(struct pool *p);

static void job_free(struct job *j)
{
    evbuffer_free(j->body);
    free(j);
}

static void finish(struct worker *w, enum pool_failure outcome, const struct answered *answer)
{
    struct job *j = w->job;

    w->job = NULL;
    w->pool->busy--;
    evtimer_del(w->timer);
    j->done(j->context, outcome, answer);
    job_free(j);
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

    if (w->stream)
        bufferevent_free(w->stream); /* closes the descriptor */
    w->stream = NULL;
    w->pair.fd = -1;
    pair_kill(&w->pair);
    w->state = WORKER_DOWN;
    w->was_ready = false;
    p->counts.restarts++;
    if (w->job) {
        p->counts.died += outcome == POOL_DIED;
        p->counts.slow += outcome == POOL_SLOW;
        p->counts.over_memory += outcome == POOL_OVER_MEMORY;
        poison_note(p->poison, w->job->digest, time(NULL));
        finish(w, outcome, NULL);
    }
    if (was_useful)
        start(w);
    else
        schedule(w, RESTART_MILLISECONDS); /* it never got as far as serving: do not spin */
}

static void send_frame(struct worker *w, enum frame_kind kind, struct bytes body)
{
    uint8_t header[FRAME_HEADER];

    frame_put_header(header, (uint32_t)body.n, kind);
    bufferevent_write(w->stream, header, sizeof header);
    if (body.n)
        bufferevent_write(w->stream, body.p, body.n);
}

static void send_snapshot(struct worker *w)
{
    w->stale = false;
    w->state = WORKER_LOADING;
    for (size_t i = 0; i < w->pool->snapshot.count; i++)
        send_frame(w, w->pool->snapshot.frames[i].kind, w->pool->snapshot.frames[i].body);
}

static void take_keys(struct worker *w, struct bytes body)
{
    struct pool *p = w->pool;
    struct bytes kept = arena_copy(&p->forever, body);

    if (p->records == NULL && !read_keys(&p->forever, kept, &p->records, &p->record_count)) {
        down(w, POOL_DIED);
        return;
    }
    if (p->snapshot.count)
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
        p->ready(p->context, p->records, p->record_count);
    p->announced = true;
}

static void loaded(struct worker *w, enum frame_kind kind, struct bytes body)
{
    bool first = w == w->pool->workers; /* every pair says the same */

    if (kind == FRAME_SNAPSHOT_BAD) {
        log_error("the snapshot was refused, the one before stays in force: %.*s", (int)body.n, (const char *)body.p);
        if (!w->was_ready) {
            down(w, POOL_DIED);
            return;
        }
    } else if (first) {
        log_lines("collateral left out", body);
    }
    w->state = WORKER_IDLE;
    w->was_ready |= kind == FRAME_SNAPSHOT_READY;
    announce(w->pool);
    feed(w->pool);
}

static void answered(struct worker *w, struct bytes body)
{
    struct answered answer;

    if (!w->job || !read_answer(body, &answer)) {
        log_error("a verifier said something malformed");
        down(w, POOL_DIED);
        return;
    }
    w->state = WORKER_IDLE;
    w->pool->counts.answered++;
    finish(w, POOL_ANSWERED, &answer);
    feed(w->pool);
}

static void take_frame(struct worker *w, enum frame_kind kind, struct bytes body)
{
    switch (kind) {
    case FRAME_KEYS: take_keys(w, body); break;
    case FRAME_SNAPSHOT_READY:
    case FRAME_SNAPSHOT_BAD: loaded(w, kind, body); break;
    case FRAME_ANSWER: answered(w, body); break;
    case FRAME_OVERRUN:
        log_error("a request went over its memory limit; its verifier is replaced");
        down(w, POOL_OVER_MEMORY);
        break;
    default: down(w, POOL_DIED); break;
    }
}

static void readable(struct bufferevent *stream, void *context)
{
    struct worker *w = context;
    struct evbuffer *in = bufferevent_get_input(stream);
    uint8_t header[FRAME_HEADER];
    enum frame_kind kind;
    uint32_t length;

    while (w->stream == stream && evbuffer_copyout(in, header, sizeof header) == (ssize_t)sizeof header) {
        if (!frame_header(header, &length, &kind)) {
            down(w, POOL_DIED);
            return;
        }
        if (evbuffer_get_length(in) < sizeof header + length)
            return;
        evbuffer_drain(in, sizeof header);
        uint8_t *p = arena_alloc(&w->pool->arena, length);
        evbuffer_remove(in, p, length);
        take_frame(w, kind, bytes_make(p, length));
        arena_reset(&w->pool->arena);
    }
}

static void closed(struct bufferevent *stream, short what, void *context)
{
    struct worker *w = context;

    (void)stream;
    (void)what;
    log_error("a verifier ended%s; it is replaced", w->job ? " while it worked on a request" : "");
    down(w, POOL_DIED);
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
    log_error("a request ran longer than %d ms; its verifier is replaced", w->pool->config->request_milliseconds);
    down(w, POOL_SLOW);
}

static void start(struct worker *w)
{
    struct fault fault = {0};

    w->state = WORKER_STARTING;
    if (!pair_start(&w->pool->options, &w->pair, &fault)) {
        log_error("%s", fault.text);
        w->state = WORKER_DOWN;
        schedule(w, RESTART_MILLISECONDS);
        return;
    }
    evutil_make_socket_nonblocking(w->pair.fd);
    w->stream = bufferevent_socket_new(w->pool->base, w->pair.fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(w->stream, readable, NULL, closed, w);
    bufferevent_enable(w->stream, EV_READ | EV_WRITE);
}

static void run(struct worker *w, struct job *j)
{
    uint8_t header[FRAME_HEADER];

    w->job = j;
    w->state = WORKER_BUSY;
    frame_put_header(header, (uint32_t)evbuffer_get_length(j->body), j->kind);
    bufferevent_write(w->stream, header, sizeof header);
    bufferevent_write_buffer(w->stream, j->body);
    schedule(w, w->pool->config->request_milliseconds);
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
        if (!p->first)
            continue;
        struct job *j = p->first;
        p->first = j->next;
        if (!p->first)
            p->last = &p->first;
        p->queued--;
        run(w, j);
    }
}

bool pool_submit(struct pool *p, enum frame_kind kind, struct bytes body, const uint8_t digest[SHA256_SIZE],
                 pool_done *done, void *context)
{
    if (poison_refuses(p->poison, digest, time(NULL))) {
        p->counts.refused_unread++;
        done(context, POOL_REFUSED_UNREAD, NULL);
        return true;
    }
    if (p->queued >= (size_t)p->config->queue)
        return false;
    struct job *j = calloc(1, sizeof *j);
    if (!j || !(j->body = evbuffer_new())) {
        free(j);
        return false;
    }
    j->kind = kind;
    j->done = done;
    j->context = context;
    memcpy(j->digest, digest, SHA256_SIZE);
    evbuffer_add(j->body, body.p, body.n);
    *p->last = j;
    p->last = &j->next;
    p->queued++;
    p->busy++;
    feed(p);
    return true;
}

void pool_load(struct pool *p, struct loaded *snapshot)
{
    loaded_free(&p->snapshot);
    p->snapshot = *snapshot;
    *snapshot = (struct loaded){0};
    for (size_t i = 0; i < p->count; i++) {
        struct worker *w = &p->workers[i];

        w->stale = w->was_ready;
        if (w->state == WORKER_STARTING && p->records)
            send_snapshot(w); /* its keys are here, it waits for a snapshot */
    }
    feed(p);
}

size_t pool_busy(const struct pool *p)
{
    return p->busy;
}

struct pool_counts pool_counts(const struct pool *p)
{
    return p->counts;
}

struct pool *pool_new(struct event_base *base, const struct config *c, pool_ready *ready, void *context,
                      struct fault *fault)
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
        .base = base, .config = c, .workers = workers, .count = (size_t)c->pairs, .ready = ready, .context = context};
    p->last = &p->first;
    arena_init(&p->arena, ANSWER_MEMORY);
    arena_init(&p->forever, ANSWER_MEMORY);
    p->poison = poison_new();
    for (size_t i = 0; i < c->provider_count; i++)
        p->keys[i] = arena_printf(&p->forever, "%s=%s", c->providers[i].issuer, c->providers[i].key);
    p->options = (struct pair_options){p->folder, p->keys, c->request_memory};
    if (!p->poison || !pair_folder(p->folder, sizeof p->folder, fault)) {
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

        if (w->stream) {
            bufferevent_free(w->stream);
            w->pair.fd = -1;
        }
        if (w->timer) {
            pair_kill(&w->pair);
            event_free(w->timer);
        }
        if (w->job)
            job_free(w->job);
    }
    while (p->first) {
        struct job *j = p->first;

        p->first = j->next;
        job_free(j);
    }
    loaded_free(&p->snapshot);
    poison_free(p->poison);
    arena_free(&p->arena);
    arena_free(&p->forever);
    free(p->workers);
    free(p);
}
