#include "service/state_anchor.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "service/log.h"
#include "service/state_clock.h"
#include "service/state_start.h"
#include "service/thread.h"

enum {
    SIGN_TRIES = 20, /* while another checkpoint waits for the core */
    SIGN_MILLISECONDS = 10000,
    TRY_MILLISECONDS = 200,
};

/* What the thread asks the event loop for. */
enum question { ASK_NOTHING, ASK_SIGNATURE, ASK_COUNTER, ASK_WAITS };

struct state_anchor {
    struct keeper *keeper; /* the event loop's alone */
    struct pool **pool;
    struct state_anchor_callbacks call;
    pthread_t thread;
    struct state_work work; /* the thread's */
    struct state_clock clock;
    atomic_bool cut; /* what is asked of the witness ends */
    /* Of both, under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop, may_go, last_one, ended;
    enum question question;
    struct arena *answer_arena;
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

static bool is_stopping(void *context)
{
    struct state_anchor *s = context;

    pthread_mutex_lock(&s->lock);
    bool stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return stop;
}

/* For the event loop: what is in force. Under the lock. */
static void tell_newest(struct state_anchor *s)
{
    free((void *)(uintptr_t)s->news.p);
    uint8_t *copy = malloc(s->work.newest.n + 1);
    if (!copy)
        abort();
    if (s->work.newest.n)
        memcpy(copy, s->work.newest.p, s->work.newest.n);
    s->news = bytes_make(copy, s->work.newest.n);
    s->is_news = s->work.newest.n > 0;
    s->state.records = s->work.growth.part;
    s->state.time = s->work.mark.time;
}

/* By the event loop, which asks the core. */
static bool ask_core(void *context, struct arena *a, struct bytes message, struct bytes *note)
{
    struct state_anchor *s = context;

    pthread_mutex_lock(&s->lock);
    s->answer = BYTES_NONE;
    s->answer_arena = a;
    for (int i = 0; i < SIGN_TRIES && !s->answer.n && !s->stop; i++) {
        if (i)
            thread_wait(&s->changed, &s->lock, TRY_MILLISECONDS);
        s->message = message;
        s->question = ASK_SIGNATURE;
        ring(s);
        while (s->question != ASK_NOTHING && !s->stop)
            thread_wait(&s->changed, &s->lock, -1);
    }
    *note = s->answer;
    pthread_mutex_unlock(&s->lock);
    return note->n > 0;
}

/* What came of asking it, and of the attempt. Under the lock. */
static void tell_outcome(struct state_anchor *s, const struct fault *fault)
{
    const struct fault *trouble = fault->code ? fault : &s->work.uncosigned;

    s->state.fails = trouble->code != 0;
    if (s->state.fails) {
        s->state.trouble = *trouble;
        s->state.failed_last = (int64_t)time(NULL);
    }
    s->state.cosigned = s->work.cosigned;
    s->state.witness_refused = s->work.witness_refused;
    s->state.witness_failed = s->work.witness_failed;
}

static void anchor_and_tell(struct state_anchor *s, bool last_one)
{
    struct fault fault = {0};
    int64_t before = s->work.mark.time;
    uint64_t part = s->work.growth.part;

    state_clock_look(&s->clock, before);
    bool ok = state_work_anchor(&s->work, last_one, &fault), stopping = is_stopping(s);

    if (!ok && !stopping)
        log_error("no newer checkpoint of the store: %s", fault.text);
    pthread_mutex_lock(&s->lock);
    if (s->work.mark.time != before || s->work.growth.part != part) {
        s->state.written++;
        tell_newest(s);
    }
    if (!stopping)
        tell_outcome(s, &fault);
    s->state.clock_step = s->clock.step;
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
        thread_wait(&s->changed, &s->lock, -1);
    *fd = s->counter_fd;
    if (*fd < 0)
        fault_set(fault, FAULT_SYSTEM, "%s", s->counter_fault.code ? s->counter_fault.text : "the service ends");
    pthread_mutex_unlock(&s->lock);
    return *fd >= 0;
}

static bool begin(struct state_anchor *s)
{
    struct arena a;
    struct fault fault = {0};
    enum check_id failed = CHECK_COUNT;

    arena_init(&a, STATE_NOTES_MEMORY);
    struct state_exam x = {.arena = &a, .trace = trace_new(&a), .key = &s->work.key, .time = (int64_t)time(NULL)};
    bool ok = state_start(&s->work, &x, &fault);
    if (!ok && trace_failure(x.trace))
        failed = trace_failure(x.trace)->id;
    arena_free(&a);
    pthread_mutex_lock(&s->lock);
    s->is_judged = true;
    s->refusal = fault;
    s->failed = failed;
    if (ok)
        tell_newest(s);
    tell_outcome(s, &fault);
    s->state.written = ok && s->work.witness.url;
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
        thread_wait(&s->changed, &s->lock, -1);
    while (good && !s->stop && !last_one) {
        last_one = s->last_one;
        pthread_mutex_unlock(&s->lock);
        anchor_and_tell(s, last_one);
        pthread_mutex_lock(&s->lock);
        if (!s->last_one && !s->stop)
            thread_wait(&s->changed, &s->lock, 1000L * s->work.config.seconds);
    }
    s->ended = true;
    pthread_mutex_unlock(&s->lock);
    ring(s);
    return NULL;
}

static void answer(struct state_anchor *s, struct bytes note)
{
    pthread_mutex_lock(&s->lock);
    s->answer = note.n ? arena_copy(s->answer_arena, note) : BYTES_NONE;
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
    *s = (struct state_anchor){.keeper = keeper, .pool = pool, .call = *call};
    s->state =
        (struct state_anchor_state){.kept = true, .counted = c->state.counted, .witnessed = c->state.witness != NULL};
    const struct state_host host = {ask_core, is_stopping, {start_counter, s}, s};
    state_work_init(&s->work, c, key, view, &host, &s->cut);
    thread_lock_init(&s->lock, &s->changed);
    state_clock_begin(&s->clock);
    s->ready = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    s->told = event_new(base, s->ready, EV_READ | EV_PERSIST, told, s);
    if (s->ready < 0 || !s->told || event_add(s->told, NULL) != 0 || !thread_start(&s->thread, run, s))
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
    state_work_free(&s->work);
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
