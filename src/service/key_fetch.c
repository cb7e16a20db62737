#include "service/key_fetch.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "net/http.h"
#include "service/load.h"
#include "service/thread.h"

enum { FETCH_MEMORY = 32 * 1024 * 1024, SOURCE_MEMORY = 1024 * 1024 };

struct source {
    struct key_source of;
    int64_t due;        /* monotonic seconds: the next attempt */
    int64_t ask_before; /* before this, asking is in vain */
};

struct done {
    struct fetched fetched;
    struct done *next;
};

struct key_fetch {
    key_fetched *fetched;
    void *context;
    int fd; /* wakes the event loop */
    struct event *event;
    pthread_t thread;
    bool started;
    atomic_bool stop;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    struct source *sources;
    size_t count;
    unsigned generation;
    struct done *done;
};

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static bool get(const struct key_source *s, const char *url, const atomic_bool *stop, struct fetched *f,
                struct bytes *body)
{
    struct http_request request = {.url = url,
                                   .ca_file = s->ca_file,
                                   .answer_limit = LIMIT_JWKS,
                                   .seconds = KEY_FETCH_SECONDS,
                                   .direct = true,
                                   .public_only = !s->private_addresses,
                                   .stop = stop};
    struct http_answer answer;

    if (!http_send(&request, &f->arena, &answer, &f->fault))
        return false;
    *body = answer.body;
    return answer.status == 200 || fault_set(&f->fault, FAULT_SYSTEM, "%s answered %d", url, answer.status);
}

static bool get_from_issuer(const struct key_source *s, const atomic_bool *stop, struct fetched *f, struct bytes *jwks)
{
    struct bytes document;
    const char *uri;

    return get(s, issuer_metadata_url(&f->arena, s->issuer), stop, f, &document) &&
           issuer_metadata(&f->arena, document, s->issuer, &uri, &f->fault) && get(s, uri, stop, f, jwks);
}

bool key_fetch_once(const struct key_source *source, const atomic_bool *stop, struct fetched *out)
{
    struct bytes jwks;

    *out = (struct fetched){0};
    arena_init(&out->arena, FETCH_MEMORY);
    bool there = source->jwks_file ? load_file(&out->arena, source->jwks_file, LIMIT_JWKS, &jwks, &out->fault)
                                   : get_from_issuer(source, stop, out, &jwks);
    if (there && issuer_keys_decode(&out->arena, jwks, &out->keys, &out->skipped, &out->fault))
        return true;
    out->keys = (struct issuer_keys){0};
    return false;
}

/* The source whose time has come, or the one whose time is next; NULL when there is none. */
static struct source *next_due(struct key_fetch *f)
{
    struct source *first = NULL;

    for (size_t i = 0; i < f->count; i++)
        if (!first || f->sources[i].due < first->due)
            first = &f->sources[i];
    return first;
}

static void deliver(struct key_fetch *f, struct done *d)
{
    const uint64_t one = 1;
    ssize_t written;

    d->next = f->done;
    f->done = d;
    written = write(f->fd, &one, sizeof one);
    (void)written; /* full: the loop is awake already */
}

/* The sources can be replaced while one of them is at work. */
static struct key_source keep(struct arena *a, const struct key_source *s)
{
    struct key_source copy = *s;

    copy.issuer = arena_copy(a, s->issuer);
    copy.jwks_file = s->jwks_file ? arena_string(a, bytes_text(s->jwks_file)) : NULL;
    copy.ca_file = s->ca_file ? arena_string(a, bytes_text(s->ca_file)) : NULL;
    return copy;
}

/* With the lock held; gives it up while it fetches. */
static void attempt(struct key_fetch *f, struct source *s)
{
    struct arena texts;
    unsigned generation = f->generation;
    size_t number = (size_t)(s - f->sources);
    struct done *d = malloc(sizeof *d);

    if (!d)
        abort(); /* only without memory */
    arena_init(&texts, SOURCE_MEMORY);
    struct key_source of = keep(&texts, &s->of);
    s->due = now() + of.refresh_seconds;
    pthread_mutex_unlock(&f->lock);
    bool ok = key_fetch_once(&of, &f->stop, &d->fetched);
    pthread_mutex_lock(&f->lock);
    if (f->generation == generation && f->sources[number].due > 0) { /* 0: asked for meanwhile */
        bool retry_first = !ok && of.refresh_seconds > KEY_FETCH_RETRY_SECONDS;

        f->sources[number].due = now() + (retry_first ? KEY_FETCH_RETRY_SECONDS : of.refresh_seconds);
    }
    d->fetched.generation = generation;
    d->fetched.source = number;
    deliver(f, d);
    arena_free(&texts);
}

static void *work(void *context)
{
    struct key_fetch *f = context;

    pthread_mutex_lock(&f->lock);
    while (!atomic_load(&f->stop)) {
        struct source *s = next_due(f);
        int64_t left = s ? s->due - now() : 0;

        if (s && left <= 0)
            attempt(f, s);
        else
            thread_wait(&f->changed, &f->lock, s ? left * 1000 : -1);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

static void hand_over(evutil_socket_t fd, short what, void *context)
{
    struct key_fetch *f = context;
    struct done *list, *oldest = NULL;
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);

    (void)n, (void)what;
    pthread_mutex_lock(&f->lock);
    list = f->done;
    f->done = NULL;
    pthread_mutex_unlock(&f->lock);
    while (list) {
        struct done *next = list->next;

        list->next = oldest;
        oldest = list;
        list = next;
    }
    while (oldest) {
        struct done *next = oldest->next;

        f->fetched(f->context, &oldest->fetched);
        free(oldest);
        oldest = next;
    }
}

struct key_fetch *key_fetch_new(struct event_base *base, key_fetched *fetched, void *context, struct fault *fault)
{
    struct key_fetch *f = calloc(1, sizeof *f);

    if (!f)
        abort(); /* only without memory */
    thread_lock_init(&f->lock, &f->changed);
    f->fetched = fetched;
    f->context = context;
    f->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    f->event = f->fd >= 0 ? event_new(base, f->fd, EV_READ | EV_PERSIST, hand_over, f) : NULL;
    f->started = f->event && event_add(f->event, NULL) == 0 && thread_start(&f->thread, work, f);
    if (f->started)
        return f;
    key_fetch_free(f);
    fault_set(fault, FAULT_SYSTEM, "the thread that fetches keys of issuers cannot be started");
    return NULL;
}

void key_fetch_free(struct key_fetch *f)
{
    if (!f)
        return;
    if (f->started) {
        pthread_mutex_lock(&f->lock);
        atomic_store(&f->stop, true);
        pthread_cond_signal(&f->changed);
        pthread_mutex_unlock(&f->lock);
        pthread_join(f->thread, NULL);
    }
    while (f->done) {
        struct done *d = f->done;

        f->done = d->next;
        arena_free(&d->fetched.arena);
        free(d);
    }
    if (f->event)
        event_free(f->event);
    if (f->fd >= 0)
        close(f->fd);
    free(f->sources);
    free(f);
}

unsigned key_fetch_sources(struct key_fetch *f, const struct key_source *sources, const bool *fresh, size_t count)
{
    struct source *list = calloc(count ? count : 1, sizeof *list);

    if (!list)
        abort(); /* only without memory */
    for (size_t i = 0; i < count; i++)
        list[i] = (struct source){.of = sources[i], .due = fresh[i] ? now() + sources[i].refresh_seconds : 0};
    pthread_mutex_lock(&f->lock);
    free(f->sources);
    f->sources = list;
    f->count = count;
    unsigned generation = ++f->generation;
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return generation;
}

void key_fetch_ask(struct key_fetch *f, size_t source)
{
    int64_t t = now();

    pthread_mutex_lock(&f->lock);
    if (source < f->count && t >= f->sources[source].ask_before) {
        f->sources[source].ask_before = t + KEY_FETCH_ASK_SECONDS;
        f->sources[source].due = 0;
        pthread_cond_signal(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
}
