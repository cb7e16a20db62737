#include "service/ledger.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "service/log.h"

enum {
    WAIT_MILLISECONDS = 1000,
    CHANGES_MEMORY = 1024 * 1024 * 1024,
};

/* What is asked of the thread; also what it tells. */
struct task {
    struct task *next;
    const struct record *records; /* to append; NULL: a reading */
    size_t count;
    struct ledger_reading *reading;
    ledger_done *done; /* NULL: changes that nobody asked for */
    void *context;
    enum ledger_outcome outcome;
    struct fault fault;
    struct arena arena; /* of changes */
    struct record *changes;
    size_t change_count, change_cap;
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
    bool stop, silent; /* silent: the store did not answer last time */
    int wake;          /* eventfd: the thread's */
    int ready;         /* eventfd: the event loop's */
    struct event *event;
    ledger_apply *apply;
    void *context;
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

static struct task *new_task(void)
{
    struct task *t = calloc(1, sizeof *t);

    if (!t)
        abort();
    arena_init(&t->arena, CHANGES_MEMORY);
    return t;
}

static bool keep_change(void *context, const struct record *r)
{
    struct task *t = context;

    t->changes = ARENA_ROOM(&t->arena, t->changes, t->change_count, &t->change_cap);
    t->changes[t->change_count++] = *r;
    return true;
}

/* Everything above what was seen, whoever wrote it. */
static bool read_changes(struct ledger *l, struct task *t, struct fault *fault)
{
    if (!store_changes(l->store, &t->arena, l->seen, keep_change, t, fault))
        return false;
    if (t->change_count)
        l->seen = t->changes[t->change_count - 1].sequence;
    return true;
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

static void tell(struct ledger *l, struct task *t)
{
    pthread_mutex_lock(&l->lock);
    put(&l->told, t);
    pthread_mutex_unlock(&l->lock);
    ring(l->ready);
}

static void work(struct ledger *l, struct task *t)
{
    struct fault fault = {0};

    if (t->records)
        append(l, t);
    else
        read_history(l, t);
    /* Who wrote sees it before being told. That it cannot be read now does not undo it: the changes come later. */
    if (t->records && t->outcome != LEDGER_FAILED && !read_changes(l, t, &fault))
        log_error("the store's changes cannot be read: %s", fault.text);
    tell(l, t);
}

/* What others wrote. */
static void look(struct ledger *l)
{
    struct task *t = new_task();
    struct fault fault = {0};

    if (!read_changes(l, t, &fault))
        log_error("the store's changes cannot be read: %s", fault.text);
    if (t->change_count) {
        tell(l, t);
        return;
    }
    arena_free(&t->arena);
    free(t);
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

static void *run(void *context)
{
    struct ledger *l = context;
    bool stop = false, well = true;

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
    for (size_t i = 0; i < t->change_count; i++)
        l->apply(l->context, &t->changes[i]);
    if (t->done)
        t->done(t->context, t->outcome, &t->fault);
    arena_free(&t->arena);
    free(t);
}

static void told(evutil_socket_t fd, short what, void *context)
{
    struct ledger *l = context;
    struct task *t;

    (void)what;
    silence((int)fd);
    do {
        pthread_mutex_lock(&l->lock);
        t = take(&l->told);
        pthread_mutex_unlock(&l->lock);
        if (t)
            give(l, t);
    } while (t);
}

struct ledger *ledger_start(struct event_base *base, struct store *store, uint64_t seen, ledger_apply *apply,
                            void *context, struct fault *fault)
{
    struct ledger *l = calloc(1, sizeof *l);

    if (!l) {
        fault_set(fault, FAULT_SYSTEM, "no memory");
        return NULL;
    }
    *l = (struct ledger){.store = store, .seen = seen, .apply = apply, .context = context};
    l->asked.last = &l->asked.first;
    l->told.last = &l->told.first;
    pthread_mutex_init(&l->lock, NULL);
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->event = l->ready >= 0 ? event_new(base, l->ready, EV_READ | EV_PERSIST, told, l) : NULL;
    if (l->wake >= 0 && l->event && event_add(l->event, NULL) == 0 && pthread_create(&l->thread, NULL, run, l) == 0)
        return l;
    fault_set(fault, FAULT_SYSTEM, "cannot start the store's thread");
    if (l->event)
        event_free(l->event);
    free(l);
    return NULL;
}

void ledger_stop(struct ledger *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_mutex_unlock(&l->lock);
    ring(l->wake);
    pthread_join(l->thread, NULL);
    told(l->ready, 0, l);
    event_free(l->event);
    close(l->wake);
    close(l->ready);
    pthread_mutex_destroy(&l->lock);
    store_close(l->store);
    free(l);
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
    struct task *t = new_task();

    t->records = records;
    t->count = count;
    t->done = done;
    t->context = context;
    return ask(l, t);
}

bool ledger_read(struct ledger *l, struct ledger_reading *reading, ledger_done *done, void *context)
{
    struct task *t = new_task();

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
