#include "service/collateral_fetch.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "service/log.h"
#include "service/thread.h"

enum {
    SETUP_MEMORY = 16 * 1024 * 1024,
    GATHER = 100 * 1000 * 1000, /* nanoseconds: what is written soon after one another is read once */
    SOON = 24 * 60 * 60,        /* expiring within so many seconds is worth a line */
    FAR = 10 * 365 * 24 * 60 * 60,
};

/* Of the configuration; one for all fetches that begin before the next. */
struct setup {
    struct arena arena;
    struct fetch_how how; /* without stop and throttle */
    struct upstream sources[UPSTREAMS_MAX];
    struct anchors trust;
    int64_t margin; /* seconds */
    int misses;     /* for one address in a minute */
    unsigned users; /* threads that use it, and 1 while it is in force */
};

enum lane_kind { LANE_INTEL, LANE_AMD, LANE_READER, LANES };

struct lane {
    struct collateral_fetch *fetch;
    enum lane_kind kind;
    pthread_t thread;
    bool started;
};

struct collateral_fetch {
    const struct config *config;
    pthread_mutex_t config_lock; /* the configuration is being read, or changed */
    collateral_loaded *loaded;
    void *context;
    int fd; /* wakes the event loop */
    struct event *event;
    struct quotas *quotas; /* event loop alone */
    struct throttle throttle;
    atomic_bool stop;
    struct lane lanes[LANES];
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    struct setup *setup;
    struct fetch_tasks tasks;
    unsigned generation; /* of the configuration */
    bool scan;           /* the folder is to be looked at */
    bool load;           /* and put in force */
    struct loaded ready; /* on its way to the event loop */
    unsigned ready_generation;
    struct collateral_state state;
};

static int64_t steady(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* With the lock held. */
static struct setup *hold_setup(struct collateral_fetch *f)
{
    f->setup->users++;
    return f->setup;
}

static void drop_setup(struct setup *s)
{
    if (!s || --s->users)
        return;
    arena_free(&s->arena);
    free(s);
}

/* What a person must know at night: what, why, until when it does not matter, what happens by itself. */
static void log_failure(const struct fetch_task *task, const struct fetch_result *r, const char *from)
{
    char expires[32];

    if (!task->kept) {
        log_error("collateral: %s, which a platform needs, was not fetched: %s", task->name, r->why);
        return;
    }
    time_format(task->expires, expires);
    log_error(
        "collateral: %s was not refreshed from %s (%s): %s; what is in the folder, which expires %s, is served on, "
        "and it is tried again by itself",
        task->name, from, fetch_outcome_word(r->outcome), r->why, expires);
}

/* With the lock held. */
static void note(struct collateral_fetch *f, const struct fetch_task *task, const struct fetch_result *r, bool news)
{
    const char *from = upstream_word(r->from);

    if (r->asked)
        f->state.fetched[r->from][r->outcome]++;
    if (fetch_succeeded(r->outcome))
        f->state.succeeded[r->from] = (int64_t)time(NULL);
    if (r->outcome == FETCH_NEW || r->outcome == FETCH_REPLACED) {
        log_info("collateral: fetched %s from %s: %s", task->name, from, r->name ? r->name : "");
        f->scan = f->load = true;
    } else if (news && !fetch_succeeded(r->outcome)) {
        log_failure(task, r, from);
    }
}

/* With the lock held; gives it up while it fetches. */
static void attempt(struct collateral_fetch *f, const struct fetch_task *next)
{
    const struct fetch_task task = *next;
    struct setup *setup = hold_setup(f);
    struct fetch_how how = setup->how;
    struct fetch_result r;
    struct arena a;

    pthread_mutex_unlock(&f->lock);
    arena_init(&a, FETCH_MEMORY);
    how.throttle = &f->throttle;
    how.stop = &f->stop;
    fetch_want(&a, &how, &task.want, &r);
    pthread_mutex_lock(&f->lock);
    bool news = fetch_tasks_done(&f->tasks, task.name, r.outcome, r.wait, steady());
    if (!atomic_load(&f->stop))
        note(f, &task, &r, news);
    pthread_cond_broadcast(&f->changed);
    arena_free(&a);
    drop_setup(setup);
}

static void fetch_loop(struct collateral_fetch *f, bool amd)
{
    int64_t wait = -1;

    while (!atomic_load(&f->stop)) {
        const struct fetch_task *next =
            f->setup->how.source_count ? fetch_tasks_next(&f->tasks, amd, steady(), &wait) : NULL;

        if (next)
            attempt(f, next);
        else
            thread_wait(&f->changed, &f->lock, f->setup->how.source_count ? wait : -1);
    }
}

static bool look_into_folder(const struct setup *s, struct catalogue *c, struct arena *a, struct fault *fault)
{
    struct folder folder;

    catalogue_init(c, a);
    for (size_t i = 0; i < s->trust.count; i++)
        catalogue_add_anchor(c, s->trust.pins[i]);
    if (!s->how.folder)
        return true;
    if (!folder_open(&folder, s->how.folder, FOLDER_READ, fault))
        return false;
    bool ok = folder_load(&folder, c, fault);
    folder_close(&folder);
    return ok;
}

static bool plan_one(struct collateral_fetch *f, const struct collateral *o, const struct setup *s, int64_t now)
{
    struct want w;
    uint32_t random;

    if (o->expires - now > FAR || !want_of(o, &w))
        return true;
    memcpy(&random, o->digest, sizeof random); /* the same for the same object, and no two alike */
    int64_t jitter = (int64_t)((uint64_t)random * (uint64_t)(s->margin / 8) >> 32);
    int64_t in = o->expires - s->margin - jitter - now;
    int64_t due = steady() + (in > 0 ? in * 1000 : 0);
    bool ok = fetch_tasks_plan(&f->tasks, &w, due, o->expires);
    if (w.evaluation) { /* and what the vendor has made its standard since */
        w.evaluation = 0;
        ok = ok && fetch_tasks_plan(&f->tasks, &w, due, o->expires);
    }
    return ok;
}

static void plan(struct collateral_fetch *f, struct catalogue *c, const struct setup *s)
{
    int64_t now = (int64_t)time(NULL);
    bool all = true;

    fetch_tasks_plan_begin(&f->tasks);
    for (size_t i = 0; i < c->n && s->how.source_count; i++)
        if (collateral_is_newest(c, &c->v[i]))
            all = plan_one(f, &c->v[i], s, now) && all;
    fetch_tasks_plan_end(&f->tasks);
    if (!all)
        log_error(
            "collateral: the folder holds more than %d endorsements that would have to be refreshed; some are not",
            FETCH_KEPT_MOST);
}

static void log_expiry(const struct collateral_kind_state kinds[COLLATERAL_KINDS])
{
    int64_t now = (int64_t)time(NULL);
    char when[32];

    for (int i = 0; i < COLLATERAL_KINDS; i++) {
        const struct collateral_kind_state *k = &kinds[i];

        if (!k->first || k->expires - now > SOON)
            continue;
        time_format(k->expires, when);
        log_error("collateral: %s %s %s", k->first, k->expires < now ? "expired" : "expires", when);
    }
}

static void deliver(struct collateral_fetch *f, struct loaded *snapshot, unsigned generation)
{
    const uint64_t one = 1;
    ssize_t written;

    loaded_free(&f->ready);
    f->ready = *snapshot;
    f->ready_generation = generation;
    f->state.loads++;
    written = write(f->fd, &one, sizeof one);
    (void)written; /* full: the loop is awake already */
}

/* With the lock held; gives it up while it reads. */
static void read_again(struct collateral_fetch *f)
{
    struct setup *setup = hold_setup(f);
    struct loaded snapshot = {0};
    struct fault fault = {0};
    struct catalogue c;
    struct arena a;
    unsigned generation = f->generation;
    bool load = f->load;

    f->scan = f->load = false;
    pthread_mutex_unlock(&f->lock);
    arena_init(&a, FETCH_MEMORY);
    bool looked = look_into_folder(setup, &c, &a, &fault), loaded = false;
    if (load) {
        pthread_mutex_lock(&f->config_lock);
        loaded = load_snapshot(f->config, &snapshot, &fault);
        pthread_mutex_unlock(&f->config_lock);
    }
    pthread_mutex_lock(&f->lock);
    if (looked && generation == f->generation) {
        collateral_state_of(&c, f->state.kinds);
        if (setup->how.source_count)
            log_expiry(f->state.kinds);
        for (int i = 0; i < COLLATERAL_KINDS; i++) /* the names end with the arena */
            f->state.kinds[i].first = f->state.kinds[i].first ? "" : NULL;
        plan(f, &c, setup);
    }
    if (loaded)
        deliver(f, &snapshot, generation);
    if (fault.code != FAULT_NONE)
        log_error("collateral: the folder cannot be read, what is in force stays: %s", fault.text);
    pthread_cond_broadcast(&f->changed);
    arena_free(&a);
    drop_setup(setup);
}

static void read_loop(struct collateral_fetch *f)
{
    while (!atomic_load(&f->stop)) {
        if (!f->scan) {
            thread_wait(&f->changed, &f->lock, -1);
            continue;
        }
        if (f->load) {
            pthread_mutex_unlock(&f->lock);
            nanosleep(&(struct timespec){.tv_nsec = GATHER}, NULL);
            pthread_mutex_lock(&f->lock);
        }
        read_again(f);
    }
}

static void *work(void *context)
{
    struct lane *lane = context;
    struct collateral_fetch *f = lane->fetch;

    pthread_mutex_lock(&f->lock);
    if (lane->kind == LANE_READER)
        read_loop(f);
    else
        fetch_loop(f, lane->kind == LANE_AMD);
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

static void hand_over(evutil_socket_t fd, short what, void *context)
{
    struct collateral_fetch *f = context;
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);

    (void)n, (void)what;
    pthread_mutex_lock(&f->lock);
    struct loaded ready = f->ready;
    bool fits = f->ready_generation == f->generation;
    f->ready = (struct loaded){0};
    if (!fits && ready.count) { /* of a configuration that is not in force any more */
        f->scan = f->load = true;
        pthread_cond_broadcast(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
    if (fits && ready.count)
        f->loaded(f->context, &ready);
    else
        loaded_free(&ready);
}

static bool add_trust(struct setup *s, const char *path, uint8_t pin[SHA256_SIZE], struct fault *fault)
{
    const struct certificate *list;
    struct bytes text;
    size_t count;

    if (!load_file(&s->arena, path, LIMIT_CERTIFICATE * 2, &text, fault) ||
        !certificates_decode(&s->arena, text, &list, &count, fault))
        return false;
    memcpy(pin, list->spki_digest, SHA256_SIZE);
    return true;
}

static const char *keep(struct arena *a, const char *text)
{
    return text ? arena_string(a, bytes_text(text)) : NULL;
}

static struct setup *setup_of(const struct config *c, struct fault *fault)
{
    struct setup *s = calloc(1, sizeof *s);

    if (!s)
        abort(); /* only without memory */
    arena_init(&s->arena, SETUP_MEMORY);
    uint8_t(*pins)[SHA256_SIZE] = arena_alloc(&s->arena, CONFIG_ANCHORS_MAX * sizeof *pins);
    for (size_t i = 0; i < c->anchor_count; i++)
        if (!add_trust(s, c->anchors[i], pins[i], fault)) {
            arena_free(&s->arena);
            free(s);
            return NULL;
        }
    s->trust = (struct anchors){(const uint8_t(*)[SHA256_SIZE])pins, c->anchor_count};
    for (size_t i = 0; i < c->refresh.source_count; i++)
        s->sources[i] = (struct upstream){c->refresh.sources[i].shape, keep(&s->arena, c->refresh.sources[i].base)};
    s->margin = (int64_t)c->refresh.margin_hours * 3600;
    s->misses = c->refresh.misses;
    s->users = 1;
    s->how = (struct fetch_how){.sources = s->sources,
                                .source_count = c->folder ? c->refresh.source_count : 0,
                                .folder = keep(&s->arena, c->folder),
                                .proxy = keep(&s->arena, c->refresh.proxy),
                                .ca_file = keep(&s->arena, c->refresh.ca_file),
                                .trust = &s->trust};
    return s;
}

bool collateral_fetch_use(struct collateral_fetch *f, struct fault *fault)
{
    struct setup *s = setup_of(f->config, fault);

    if (!s)
        return false;
    throttle_pace(&f->throttle, 60 * 1000 / f->config->refresh.rate);
    pthread_mutex_lock(&f->lock);
    drop_setup(f->setup);
    f->setup = s;
    f->tasks.interval = (int64_t)f->config->refresh.interval_minutes * 60 * 1000;
    fetch_tasks_forget(&f->tasks); /* whoever reloads has mended something, perhaps */
    f->state.fetching = s->how.source_count > 0;
    f->generation++;
    f->scan = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return true;
}

void collateral_fetch_hold(struct collateral_fetch *f)
{
    pthread_mutex_lock(&f->config_lock);
}

void collateral_fetch_release(struct collateral_fetch *f)
{
    pthread_mutex_unlock(&f->config_lock);
}

static bool start(struct collateral_fetch *f)
{
    bool ok = true;

    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &f->lanes[i];

        *lane = (struct lane){.fetch = f, .kind = (enum lane_kind)i};
        lane->started = thread_start(&lane->thread, work, lane);
        ok = ok && lane->started;
    }
    return ok;
}

struct collateral_fetch *collateral_fetch_new(struct event_base *base, const struct config *config,
                                              collateral_loaded *loaded, void *context, struct fault *fault)
{
    struct collateral_fetch *f = calloc(1, sizeof *f);

    if (!f)
        abort(); /* only without memory */
    thread_lock_init(&f->lock, &f->changed);
    pthread_mutex_init(&f->config_lock, NULL);
    f->config = config;
    f->loaded = loaded;
    f->context = context;
    throttle_init(&f->throttle, 0);
    f->quotas = quotas_new();
    f->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    f->event = f->fd >= 0 ? event_new(base, f->fd, EV_READ | EV_PERSIST, hand_over, f) : NULL;
    if (f->quotas && f->event && event_add(f->event, NULL) == 0 && collateral_fetch_use(f, fault) && start(f))
        return f;
    collateral_fetch_free(f);
    fault_set(fault, FAULT_SYSTEM, "the threads that fetch endorsements cannot be started");
    return NULL;
}

void collateral_fetch_free(struct collateral_fetch *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    atomic_store(&f->stop, true);
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    for (int i = 0; i < LANES; i++)
        if (f->lanes[i].started)
            pthread_join(f->lanes[i].thread, NULL);
    if (f->event)
        event_free(f->event);
    if (f->fd >= 0)
        close(f->fd);
    loaded_free(&f->ready);
    drop_setup(f->setup);
    fetch_tasks_free(&f->tasks);
    throttle_end(&f->throttle);
    quotas_free(f->quotas);
    free(f);
}

static bool is_served(const struct setup *s, const struct want *wants, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool served = false;

        for (size_t k = 0; k < s->how.source_count; k++)
            served = served || upstream_serves(&s->sources[k], &wants[i]);
        if (!served)
            return false;
    }
    return count > 0;
}

/* With the lock held. Only what begins a fetch is on the caller's account: an answer that is known costs nobody anything. */
static enum fetch_ask ask_for(struct collateral_fetch *f, const struct want *wants, size_t count,
                              const uint8_t address[ADDRESS_SIZE], int64_t now, int64_t *wait)
{
    enum fetch_ask ask = fetch_tasks_look(&f->tasks, wants, count, steady(), wait);
    double seconds = 60;

    if (ask != FETCH_ASK_NEW)
        return ask;
    if (bucket_take(quotas_of(f->quotas, address), f->setup->misses / 60.0, f->setup->misses, now, &seconds) &&
        fetch_tasks_start(&f->tasks, wants, count, steady())) {
        pthread_cond_broadcast(&f->changed);
        return ask;
    }
    *wait = (int64_t)(seconds * 1000);
    return FETCH_ASK_REFUSED;
}

enum fetch_ask collateral_fetch_ask(struct collateral_fetch *f, struct bytes wanted,
                                    const uint8_t address[ADDRESS_SIZE], int64_t now, int *seconds)
{
    struct want wants[WANTS_OF_PLATFORM];
    size_t count = wants_parse(wanted, wants);
    enum fetch_ask ask = FETCH_ASK_OFF;
    int64_t wait = 0;

    pthread_mutex_lock(&f->lock);
    if (is_served(f->setup, wants, count))
        ask = ask_for(f, wants, count, address, now, &wait);
    f->state.asked[ask]++;
    pthread_mutex_unlock(&f->lock);
    *seconds = (int)(wait / 1000 + 1);
    return ask;
}

const char *collateral_fetch_text(struct arena *a, enum fetch_ask ask, int seconds)
{
    switch (ask) {
    case FETCH_ASK_NEW:
    case FETCH_ASK_UNDER_WAY:
        return arena_printf(a, "The endorsement is being fetched: try again in %d seconds.", seconds);
    case FETCH_ASK_THERE: return arena_printf(a, "It was fetched just now: try again in %d seconds.", seconds);
    case FETCH_ASK_IN_VAIN:
        return arena_printf(a,
                            "Its vendor was asked lately and did not give it; it is asked again on a request in %d "
                            "seconds or later.",
                            seconds);
    case FETCH_ASK_REFUSED:
        return arena_printf(a, "Too many endorsements were to be fetched for this address: try again in %d seconds.",
                            seconds);
    default: return "";
    }
}

void collateral_fetch_state(struct collateral_fetch *f, struct collateral_state *out)
{
    pthread_mutex_lock(&f->lock);
    *out = f->state;
    out->tasks = f->tasks.n;
    pthread_mutex_unlock(&f->lock);
}
