#include "service/kept.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/keeping.h"
#include "crypto/cms.h"
#include "service/log.h"
#include "service/thread.h"
#include "store/kept.h"

enum {
    BATCH = 64,
    BATCH_BYTES = 16 * 1024 * 1024,
    BATCH_MEMORY = 512 * 1024 * 1024, /* a frame's worth for each of a batch never comes: bodies are bounded */
    SWEEP_SECONDS = 60,
    OPEN_SECONDS = 10, /* between attempts */
    PATH_BYTES = 4096,
    DAY = 24 * 60 * 60,
};

enum item_kind { ITEM_ADD, ITEM_FORGET, ITEM_FIND };

struct item {
    struct item *next;
    enum item_kind kind;
    uint64_t index, begin;
    int64_t expires;
    struct bytes provider, recipient, clear; /* behind the item itself */
    size_t size;                             /* of all that */
    kept_found *found;
    void *context;
    enum kept_outcome outcome;
    uint8_t *body; /* what was found */
    size_t body_size;
};

struct items {
    struct item *first, **last;
};

struct kept {
    char path[PATH_BYTES];
    bool allowed;
    uint64_t bytes_most;
    uint32_t days_most;
    struct kept_store *store; /* the thread's, as are all up to `failing`; NULL: it cannot be opened */
    time_t next_open;
    struct arena arena;
    uint64_t swept;        /* and not logged yet */
    bool failing;          /* which was logged */
    enum kept_room lacked; /* likewise */
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t asked;
    struct items waiting, done;
    size_t waiting_bytes, reads;
    bool stop;
    struct kept_counts counts;
    int ready; /* eventfd: the event loop's */
    struct event *told;
};

static void put(struct items *q, struct item *i)
{
    i->next = NULL;
    *q->last = i;
    q->last = &i->next;
}

static struct item *take(struct items *q)
{
    struct item *i = q->first;

    if (!i)
        return NULL;
    q->first = i->next;
    if (!q->first)
        q->last = &q->first;
    return i;
}

static struct item *item_new(enum item_kind kind, struct bytes provider, struct bytes recipient,
                             const struct kept_inputs *inputs)
{
    size_t clear = inputs ? kept_inputs_size(inputs) : 0, size = provider.n + recipient.n + clear;
    struct item *i = malloc(sizeof *i + size);

    if (!i)
        abort();
    *i = (struct item){.kind = kind, .size = size};
    /* Room for all of it: this writer asks no arena for more. */
    struct writer w = {.p = (uint8_t *)(i + 1), .cap = size};
    i->provider = bytes_make(w.p, provider.n);
    wr_put(&w, provider);
    i->recipient = bytes_make(w.p + w.n, recipient.n);
    wr_put(&w, recipient);
    i->clear = bytes_make(w.p + w.n, clear);
    if (inputs)
        put_kept_inputs(&w, inputs);
    return i;
}

static void item_free(struct item *i)
{
    secret_wipe(i + 1, i->size);
    free(i->body);
    free(i);
}

/* --- The thread. --- */

static void count(struct kept *k, size_t kept, size_t lost)
{
    pthread_mutex_lock(&k->lock);
    k->counts.kept += kept;
    k->counts.lost += lost;
    k->counts.bytes = k->store ? kept_store_size(k->store) : 0;
    k->counts.unreadable = !k->store;
    pthread_mutex_unlock(&k->lock);
}

/* Once, until it is better again. */
static void say(bool *said, bool bad, const char *why)
{
    if (bad && !*said)
        log_error("inputs of decisions are not kept: %s", why);
    *said = bad;
}

/* Tokens go on without it, so it stops no start. */
static bool opened(struct kept *k)
{
    struct fault fault = {0};
    time_t now = time(NULL);

    if (k->store || now < k->next_open)
        return k->store;
    k->next_open = now + OPEN_SECONDS;
    k->store = kept_store_open(k->path, k->bytes_most, &fault);
    if (!k->store && !k->failing)
        log_error("%s cannot be opened: no inputs of decisions are kept, and what is over is not deleted: %s", k->path,
                  fault.text);
    k->failing = !k->store;
    count(k, 0, 0);
    return k->store;
}

/* How many of them found room. */
static size_t with_room(struct kept *k, const struct kept_row *rows, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        enum kept_room room = rows[i].room;

        kept += room == KEPT_ROOM;
        if (room == KEPT_ROOM || room == k->lacked || k->lacked == KEPT_FULL)
            continue;
        k->lacked = room;
        if (room == KEPT_FULL)
            log_error("inputs of decisions are not kept: [decisions] keep_mib_most is reached; what is over goes by "
                      "itself");
        else
            log_error("inputs of decisions of %.*s are not kept: it has its share of [decisions] keep_mib_most, and "
                      "the rest is for other providers; what is over goes by itself",
                      (int)rows[i].provider.n, (const char *)rows[i].provider.p);
    }
    return kept;
}

/* Those of a batch that can be encrypted, and have room. */
static void add(struct kept *k, struct item **items, size_t n)
{
    struct kept_row rows[BATCH];
    struct fault fault = {0};
    size_t ready = 0;

    for (size_t i = 0; i < n; i++) {
        struct kept_row *row = &rows[ready];

        *row = (struct kept_row){.index = items[i]->index,
                                 .provider = items[i]->provider,
                                 .begin = items[i]->begin,
                                 .expires = items[i]->expires};
        ready += cms_seal(&k->arena, items[i]->recipient, items[i]->clear, &row->body, &fault);
        secret_wipe((uint8_t *)(uintptr_t)items[i]->clear.p, items[i]->clear.n);
    }
    bool stored = !ready || kept_store_add(k->store, rows, ready, &fault);
    size_t kept = stored ? with_room(k, rows, ready) : 0;
    say(&k->failing, fault.code != FAULT_NONE, fault.text);
    count(k, kept, n - kept);
    arena_reset(&k->arena);
}

static void find(struct kept *k, struct item *i)
{
    struct fault fault = {0};
    struct bytes body = BYTES_NONE;

    bool ok = k->store &&
              kept_store_find(k->store, i->index, i->provider, i->begin, (int64_t)time(NULL), &k->arena, &body, &fault);
    i->outcome = !ok ? KEPT_FAILED : body.n ? KEPT_FOUND : KEPT_NONE;
    if (k->store && !ok)
        log_error("kept inputs cannot be read: %s", fault.text);
    if (body.n) {
        i->body = malloc(body.n);
        if (!i->body)
            abort();
        memcpy(i->body, body.p, body.n);
        i->body_size = body.n;
    }
    arena_reset(&k->arena);
    const uint64_t one = 1;
    pthread_mutex_lock(&k->lock);
    k->reads--;
    put(&k->done, i);
    pthread_mutex_unlock(&k->lock);
    if (write(k->ready, &one, sizeof one) != sizeof one)
        return; /* the counter is full: it rings already */
}

/* A part of what is over; true: there may be more. */
static bool sweep(struct kept *k)
{
    struct fault fault = {0};
    uint64_t gone = 0;

    if (!opened(k))
        return false;
    if (!kept_store_sweep(k->store, (int64_t)time(NULL), &gone, &fault))
        log_error("kept inputs that are over cannot be deleted: %s", fault.text);
    k->swept += gone;
    if (gone == KEPT_SWEEP_ROWS)
        return true;
    if (!k->swept)
        return false;
    log_info("inputs of %llu decisions were deleted: their time was over", (unsigned long long)k->swept);
    k->swept = 0;
    k->lacked = KEPT_ROOM;
    count(k, 0, 0);
    return false;
}

/* What needs no other beside it. */
static void work_on(struct kept *k, struct item *i)
{
    struct fault fault = {0};

    if (i->kind == ITEM_FIND) {
        find(k, i);
        return;
    }
    if (!k->store || !kept_store_forget(k->store, i->provider, i->begin, &fault))
        log_error(
            "kept inputs of a provider that was deleted are there until their time is over, or the next start: %s",
            k->store ? fault.text : "kept.db cannot be opened");
    count(k, 0, 0);
    item_free(i);
}

/* Under the lock: the next ones of a kind that go together. */
static size_t take_batch(struct kept *k, struct item **items)
{
    size_t n = 0, size = 0;

    while (n < BATCH && k->waiting.first && (n == 0 || k->waiting.first->kind == ITEM_ADD) && size < BATCH_BYTES) {
        items[n] = take(&k->waiting);
        size += items[n]->size;
        if (items[n++]->kind != ITEM_ADD)
            break;
    }
    k->waiting_bytes -= n && items[0]->kind == ITEM_ADD ? size : 0;
    return n;
}

static void *run(void *context)
{
    struct item *items[BATCH];
    struct kept *k = context;

    bool more = sweep(k);
    count(k, 0, 0);
    pthread_mutex_lock(&k->lock);
    for (;;) {
        size_t n = take_batch(k, items);

        if (n == 0 && k->stop)
            break;
        if (n == 0 && !more)
            thread_wait(&k->asked, &k->lock, SWEEP_SECONDS * 1000);
        pthread_mutex_unlock(&k->lock);
        more = sweep(k);
        if (n && items[0]->kind == ITEM_ADD) {
            if (k->store)
                add(k, items, n);
            else
                count(k, 0, n);
            for (size_t i = 0; i < n; i++)
                item_free(items[i]);
        } else if (n) {
            work_on(k, items[0]);
        }
        pthread_mutex_lock(&k->lock);
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

/* --- The event loop. --- */

static void give(struct kept *k)
{
    struct item *i;

    for (;;) {
        pthread_mutex_lock(&k->lock);
        i = take(&k->done);
        pthread_mutex_unlock(&k->lock);
        if (!i)
            return;
        i->found(i->context, i->outcome, bytes_make(i->body, i->body_size));
        item_free(i);
    }
}

static void told(evutil_socket_t fd, short what, void *context)
{
    uint64_t rings;

    (void)what;
    if (read((int)fd, &rings, sizeof rings) == sizeof rings)
        give(context);
}

bool kept_start(struct event_base *base, const struct config *c, struct kept **out, struct fault *fault)
{
    char path[PATH_BYTES];

    *out = NULL;
    if (!c->decision_folder)
        return true;
    if (snprintf(path, sizeof path, "%s/kept.db", c->decision_folder) >= (int)sizeof path)
        return fault_set(fault, FAULT_USAGE, "[decisions] log is too long a path");
    if (!c->decision_keep && access(path, F_OK) != 0 && errno == ENOENT)
        return true;
    struct kept *k = calloc(1, sizeof *k);
    if (!k)
        abort();
    *k = (struct kept){.allowed = c->decision_keep,
                       .bytes_most = (uint64_t)c->decision_keep_mib_most << 20,
                       .days_most = (uint32_t)c->decision_keep_days_most};
    memcpy(k->path, path, sizeof path);
    k->waiting.last = &k->waiting.first;
    k->done.last = &k->done.first;
    arena_init(&k->arena, BATCH_MEMORY);
    thread_lock_init(&k->lock, &k->asked);
    k->ready = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    k->told = event_new(base, k->ready, EV_READ | EV_PERSIST, told, k);
    if (k->ready < 0 || !k->told || event_add(k->told, NULL) != 0 || !thread_start(&k->thread, run, k))
        abort();
    *out = k;
    return true;
}

void kept_stop(struct kept *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    k->stop = true;
    pthread_cond_signal(&k->asked);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    give(k);
    event_free(k->told);
    close(k->ready);
    kept_store_close(k->store);
    arena_free(&k->arena);
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->asked);
    free(k);
}

bool kept_allowed(const struct kept *k)
{
    return k && k->allowed;
}

static void ask(struct kept *k, struct item *i)
{
    put(&k->waiting, i);
    pthread_cond_signal(&k->asked);
}

void kept_add(struct kept *k, const struct kept_decision *d)
{
    struct keep_order order;

    if (!kept_allowed(k) || !d->order.n)
        return;
    bool read = read_keep_order(d->order, &order);
    const struct kept_inputs inputs = {d->request, order.payload, order.policy};
    struct item *i = read ? item_new(ITEM_ADD, d->provider, order.keeping.recipient, &inputs) : NULL;
    pthread_mutex_lock(&k->lock);
    bool room = i && k->waiting_bytes + i->size <= KEPT_QUEUE_BYTES;
    if (room) {
        i->index = d->index;
        i->begin = d->begin;
        i->expires = d->now + (int64_t)DAY * (order.keeping.days < k->days_most ? order.keeping.days : k->days_most);
        k->waiting_bytes += i->size;
        ask(k, i);
    } else {
        k->counts.lost++;
    }
    pthread_mutex_unlock(&k->lock);
    if (i && !room)
        item_free(i);
}

void kept_forget(struct kept *k, struct bytes provider, uint64_t deleted)
{
    if (!k)
        return;
    struct item *i = item_new(ITEM_FORGET, provider, BYTES_NONE, NULL);
    i->begin = deleted;
    pthread_mutex_lock(&k->lock);
    ask(k, i);
    pthread_mutex_unlock(&k->lock);
}

bool kept_find(struct kept *k, uint64_t index, struct bytes provider, uint64_t begin, kept_found *found, void *context)
{
    struct item *i = item_new(ITEM_FIND, provider, BYTES_NONE, NULL);

    i->index = index;
    i->begin = begin;
    i->found = found;
    i->context = context;
    pthread_mutex_lock(&k->lock);
    bool room = k->reads < KEPT_QUEUE_READS;
    if (room) {
        k->reads++;
        ask(k, i);
    }
    pthread_mutex_unlock(&k->lock);
    if (!room)
        item_free(i);
    return room;
}

struct kept_counts kept_counts(struct kept *k)
{
    struct kept_counts counts = {0};

    if (!k)
        return counts;
    pthread_mutex_lock(&k->lock);
    counts = k->counts;
    pthread_mutex_unlock(&k->lock);
    return counts;
}
