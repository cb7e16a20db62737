#include "service/ledger.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "service/log.h"
#include "service/thread.h"

enum {
    WAIT_MILLISECONDS = 1000,
    BATCHES = 3, /* of changes: one is read, one is on its way, one is applied */
    BATCH_BYTES = 1024 * 1024,
    BATCH_MEMORY = 256 * 1024 * 1024, /* one record may be large */
};

enum task_kind { TASK_APPEND, TASK_READ, TASK_CHANGES, TASK_KNOWN };

/* What is asked of the thread, and what it tells. */
struct task {
    struct task *next;
    enum task_kind kind;
    const struct record *records; /* to append */
    size_t count;
    struct ledger_reading *reading;
    ledger_done *done;
    void *context;
    enum ledger_outcome outcome;
    struct fault fault;
    struct arena arena; /* of changes */
    struct record *changes;
    size_t change_count, change_cap, change_bytes;
};

struct queue {
    struct task *first, **last;
    size_t count;
};

struct ledger {
    struct store *store;
    uint64_t seen; /* the thread's */
    pthread_t thread;
    pthread_mutex_t lock; /* of the queues */
    struct queue asked, told;
    struct queue spare; /* batches that may be filled */
    pthread_cond_t given_back;
    bool stop, silent; /* silent: the store did not answer last time */
    int wake;          /* eventfd: the thread's */
    int ready;         /* eventfd: the event loop's */
    struct event *event;
    struct ledger_callbacks call;
};

static void put(struct queue *q, struct task *t)
{
    t->next = NULL;
    *q->last = t;
    q->last = &t->next;
    q->count++;
}

static struct task *take(struct queue *q)
{
    struct task *t = q->first;

    if (!t)
        return NULL;
    q->first = t->next;
    if (!q->first)
        q->last = &q->first;
    q->count--;
    return t;
}

static void ring(int fd)
{
    const uint64_t one = 1;

    if (write(fd, &one, sizeof one) != sizeof one)
        return; /* the counter is full: it rings already */
}

static void silence(int fd)
{
    uint64_t rings;

    if (read(fd, &rings, sizeof rings) != sizeof rings)
        return; /* nobody rang */
}

static struct task *new_task(enum task_kind kind)
{
    struct task *t = calloc(1, sizeof *t);

    if (!t)
        abort();
    t->kind = kind;
    return t;
}

static void tell(struct ledger *l, struct task *t)
{
    pthread_mutex_lock(&l->lock);
    put(&l->told, t);
    pthread_mutex_unlock(&l->lock);
    ring(l->ready);
}

/* Its memory is used again and again: to be given fresh pages costs more than to read the records. */
static struct task *new_batch(void)
{
    struct task *t = new_task(TASK_CHANGES);

    arena_init(&t->arena, BATCH_MEMORY);
    arena_raw(&t->arena, 2 * BATCH_BYTES);
    arena_reset(&t->arena);
    return t;
}

static void give_back(struct ledger *l, struct task *t)
{
    arena_reset(&t->arena);
    t->changes = NULL;
    t->change_count = t->change_cap = t->change_bytes = 0;
    pthread_mutex_lock(&l->lock);
    put(&l->spare, t);
    pthread_cond_signal(&l->given_back);
    pthread_mutex_unlock(&l->lock);
}

/* Waits for the event loop to apply one; NULL: the end came first. */
static struct task *take_spare(struct ledger *l)
{
    struct task *t;

    pthread_mutex_lock(&l->lock);
    while (!(t = take(&l->spare)) && !l->stop)
        thread_wait(&l->given_back, &l->lock, -1);
    pthread_mutex_unlock(&l->lock);
    return t;
}

static bool keep_change(void *context, const struct record *r)
{
    struct task *t = context;

    t->changes = ARENA_ROOM(&t->arena, t->changes, t->change_count, &t->change_cap);
    t->changes[t->change_count++] = *r;
    t->change_bytes += r->provider.n + r->kind.n + r->body.n + r->hash.n + r->signer.n + r->caller.n;
    return t->change_bytes < BATCH_BYTES;
}

/* Everything above what was seen, whoever wrote it, told batch by batch. */
static bool read_changes(struct ledger *l, struct fault *fault)
{
    for (;;) {
        struct task *t = take_spare(l);

        if (!t)
            return true;
        bool ok = store_changes(l->store, &t->arena, l->seen, keep_change, t, fault);
        bool more = t->change_bytes >= BATCH_BYTES;
        if (!ok || t->change_count == 0) {
            give_back(l, t);
            return ok;
        }
        l->seen = t->changes[t->change_count - 1].sequence;
        tell(l, t);
        if (!more)
            return true;
    }
}

static void append(struct ledger *l, struct task *t)
{
    bool conflict;

    if (store_append(l->store, t->records, t->count, &conflict, &t->fault))
        t->outcome = LEDGER_DONE;
    else
        t->outcome = conflict ? LEDGER_CONFLICT : LEDGER_FAILED;
}

static bool keep_read(void *context, const struct record *r)
{
    struct ledger_reading *reading = context;

    reading->records = ARENA_ROOM(reading->arena, reading->records, reading->count, &reading->cap);
    reading->records[reading->count++] = *r;
    return true;
}

static void read_history(struct ledger *l, struct task *t)
{
    struct ledger_reading *r = t->reading;

    t->outcome = store_history(l->store, r->arena, r->provider, r->kind, &r->page, keep_read, r, &t->fault)
                     ? LEDGER_DONE
                     : LEDGER_FAILED;
}

static void work(struct ledger *l, struct task *t)
{
    struct fault fault = {0};

    if (t->kind == TASK_APPEND)
        append(l, t);
    else
        read_history(l, t);
    /* Who wrote sees it before being told. That it cannot be read now does not undo it: the changes come later. */
    if (t->kind == TASK_APPEND && t->outcome != LEDGER_FAILED && !read_changes(l, &fault))
        log_error("the store's changes cannot be read: %s", fault.text);
    tell(l, t);
}

/* What others wrote. */
static void look(struct ledger *l)
{
    struct fault fault = {0};

    if (!read_changes(l, &fault))
        log_error("the store's changes cannot be read: %s", fault.text);
}

static struct task *next(struct ledger *l, bool *stop)
{
    pthread_mutex_lock(&l->lock);
    struct task *t = take(&l->asked);
    *stop = l->stop;
    pthread_mutex_unlock(&l->lock);
    return t;
}

static void note_answer(struct ledger *l, bool ok)
{
    pthread_mutex_lock(&l->lock);
    l->silent = !ok;
    pthread_mutex_unlock(&l->lock);
}

bool ledger_answers(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    bool answers = !l->silent;
    pthread_mutex_unlock(&l->lock);
    return answers;
}

/* All that is there at the start. */
static bool first_look(struct ledger *l)
{
    struct task *t = new_task(TASK_KNOWN);
    bool ok = read_changes(l, &t->fault);

    tell(l, t);
    return ok;
}

static void *run(void *context)
{
    struct ledger *l = context;
    bool stop = false, well = true;

    if (!first_look(l))
        return NULL;
    for (;;) {
        struct task *t = next(l, &stop);

        if (t) {
            work(l, t);
            continue;
        }
        if (stop)
            return NULL;
        bool changed = false;
        struct fault fault = {0};
        bool ok = store_wait(l->store, l->wake, WAIT_MILLISECONDS, &changed, &fault);
        silence(l->wake);
        if (!ok && well)
            log_error("the store does not answer, this node goes on with what it knows: %s", fault.text);
        else if (ok && !well)
            log_info("the store answers again");
        well = ok;
        note_answer(l, ok);
        if (changed)
            look(l);
    }
}

static void give(struct ledger *l, struct task *t)
{
    if (t->kind == TASK_CHANGES) {
        for (size_t i = 0; i < t->change_count; i++)
            l->call.apply(l->call.context, &t->changes[i]);
        give_back(l, t);
        return;
    }
    if (t->kind == TASK_KNOWN)
        l->call.known(l->call.context, t->fault.code ? &t->fault : NULL);
    else
        t->done(t->context, t->outcome, &t->fault);
    free(t);
}

/* False: there was none. */
static bool give_next(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    struct task *t = take(&l->told);
    pthread_mutex_unlock(&l->lock);
    if (t)
        give(l, t);
    return t != NULL;
}

/* One at a time: at a start there are many, and pairs, which start meanwhile, must be spoken to. */
static void told(evutil_socket_t fd, short what, void *context)
{
    struct ledger *l = context;

    (void)what;
    silence((int)fd);
    if (give_next(l))
        ring(l->ready);
}

static void empty(struct queue *q)
{
    struct task *t;

    while ((t = take(q))) {
        arena_free(&t->arena);
        free(t);
    }
}

/* Without its thread. */
static void release(struct ledger *l)
{
    if (l->event)
        event_free(l->event);
    if (l->wake >= 0)
        close(l->wake);
    if (l->ready >= 0)
        close(l->ready);
    empty(&l->spare);
    pthread_cond_destroy(&l->given_back);
    pthread_mutex_destroy(&l->lock);
    store_close(l->store);
    free(l);
}

struct ledger *ledger_start(struct event_base *base, struct store *store, const struct ledger_callbacks *callbacks,
                            struct fault *fault)
{
    struct ledger *l = calloc(1, sizeof *l);

    if (!l) {
        store_close(store);
        fault_set(fault, FAULT_SYSTEM, "no memory");
        return NULL;
    }
    *l = (struct ledger){.store = store, .call = *callbacks};
    l->asked.last = &l->asked.first;
    l->told.last = &l->told.first;
    l->spare.last = &l->spare.first;
    thread_lock_init(&l->lock, &l->given_back);
    for (int i = 0; i < BATCHES; i++)
        put(&l->spare, new_batch());
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->event = l->ready >= 0 ? event_new(base, l->ready, EV_READ | EV_PERSIST, told, l) : NULL;
    if (l->wake >= 0 && l->event && event_add(l->event, NULL) == 0 && thread_start(&l->thread, run, l))
        return l;
    release(l);
    fault_set(fault, FAULT_SYSTEM, "cannot start the store's thread");
    return NULL;
}

void ledger_stop(struct ledger *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_signal(&l->given_back);
    pthread_mutex_unlock(&l->lock);
    ring(l->wake);
    pthread_join(l->thread, NULL);
    while (give_next(l))
        ;
    release(l);
}

static bool ask(struct ledger *l, struct task *t)
{
    pthread_mutex_lock(&l->lock);
    bool room = l->asked.count < LEDGER_QUEUE;
    if (room)
        put(&l->asked, t);
    pthread_mutex_unlock(&l->lock);
    if (room)
        ring(l->wake);
    else
        free(t);
    return room;
}

bool ledger_append(struct ledger *l, const struct record *records, size_t count, ledger_done *done, void *context)
{
    struct task *t = new_task(TASK_APPEND);

    t->records = records;
    t->count = count;
    t->done = done;
    t->context = context;
    return ask(l, t);
}

bool ledger_read(struct ledger *l, struct ledger_reading *reading, ledger_done *done, void *context)
{
    struct task *t = new_task(TASK_READ);

    t->reading = reading;
    t->done = done;
    t->context = context;
    return ask(l, t);
}

const char *ledger_reason(enum ledger_outcome outcome, const struct fault *fault)
{
    if (outcome == LEDGER_CONFLICT)
        return "Another change of the same came first; nothing changed. Read it, and try again.";
    if (fault->code == FAULT_UNCERTAIN)
        return "The store failed while it took the change: it may have been made. Read before you try again.";
    return "The change could not be stored; nothing changed. Try again.";
}
