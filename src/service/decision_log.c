#include "service/decision_log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "core/checkpoint.h"
#include "core/keeping.h"
#include "core/replay.h"
#include "merkle/append.h"
#include "service/log.h"
#include "service/thread.h"
#include "service/witness_thread.h"

enum {
    BATCH = 1024,
    GATHER_SHARE = 50,
    GATHER_EACH = 1000 * 1000, /* ns */
    GATHER_MOST = 10 * GATHER_EACH,
    CHECKPOINT_MEMORY = 4 * 1024 * 1024,
    CHECKPOINT_MILLISECONDS = 10000,
    WITNESS_TEXTS = 64 * 1024,
};

struct item {
    struct item *next;
    decision_done *done;
    void *context;
    bool kept;
    uint64_t index;
    struct bytes record; /* behind the item itself */
};

struct items {
    struct item *first, **last;
    size_t count;
};

/* A file beside the log: settings, endorsements. */
struct beside {
    struct beside *next;
    char name[sizeof "endorsements/" + 2 * SHA256_SIZE];
    struct bytes content; /* behind it */
};

/* A checkpoint on its way: settled by the thread, signed by the core, cosigned by the witness, published by the thread. */
enum stage { STAGE_NONE, STAGE_SETTLE, STAGE_SIGN, STAGE_COSIGN, STAGE_PUBLISH };

/* Who cosigns; nobody where there is no thread. */
struct cosigner {
    struct witness_thread *thread;
    struct log_key key;
    struct arena texts;        /* of the key */
    uint64_t size;             /* that it is thought to know */
    char said[FAULT_TEXT_MAX]; /* its last failure, which is not told a second time */
    bool asked;                /* the event loop's */
};

struct decision_log {
    const struct config *config;
    struct pool **pool;
    char *name, *folder; /* the log's; a configuration that is read again takes its texts away */
    struct bytes given;  /* the event loop's: hashes of the endorsements that were given to the thread, ascending */
    struct cosigner witness;
    struct log_append *append; /* the thread's */
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t asked;
    struct items waiting, done;
    struct beside *beside, **last_beside; /* to be written before what waits */
    bool beside_failed;                   /* one of them could not be */
    bool stop;
    enum stage stage;
    struct arena arena; /* of the checkpoint; whoever has the stage has it */
    struct checkpoint_message checkpoint;
    struct bytes message, note;
    bool published; /* the note is on the disk, as it is */
    struct decision_counts counts;
    int ready; /* eventfd: the event loop's */
    struct event *told, *timer;
};

static void put(struct items *q, struct item *i)
{
    i->next = NULL;
    *q->last = i;
    q->last = &i->next;
    q->count++;
}

static struct item *take(struct items *q)
{
    struct item *i = q->first;

    if (!i)
        return NULL;
    q->first = i->next;
    if (!q->first)
        q->last = &q->first;
    q->count--;
    return i;
}

static void ring(const struct decision_log *l)
{
    const uint64_t one = 1;

    if (write(l->ready, &one, sizeof one) != sizeof one)
        return; /* the counter is full: it rings already */
}

/* The thread: all that wait, with one write. */
static void write_batch(struct decision_log *l, struct item **items, size_t count)
{
    struct bytes records[BATCH];
    struct fault fault = {0};
    uint64_t first = log_append_size(l->append);
    size_t added = 0;

    for (size_t i = 0; i < count; i++)
        records[i] = items[i]->record;
    if (!log_append_add(l->append, records, count, &added, &fault))
        log_error("%zu decisions are not on record: %s", count - added, fault.text);
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < count; i++) {
        items[i]->kept = i < added;
        items[i]->index = first + i;
        put(&l->done, items[i]);
    }
    l->counts.records += added;
    l->counts.lost += count - added;
    l->counts.writes++;
    pthread_mutex_unlock(&l->lock);
    ring(l);
}

/* The thread: what decisions are made by, before any record of them. */
static void write_beside(struct decision_log *l, struct beside *b)
{
    bool failed = false;

    for (struct beside *next; b; b = next) {
        struct fault fault = {0};

        next = b->next;
        bool ok = log_append_keep(l->append, b->name, b->content, &fault);
        failed |= !ok;
        if (!ok)
            log_error("no decision by %s can be replayed until they are in the log's folder: %s",
                      strncmp(b->name, "settings", 8) == 0 ? "these settings" : "these endorsements", fault.text);
        free(b);
    }
    if (!failed)
        return;
    pthread_mutex_lock(&l->lock);
    l->beside_failed = true;
    pthread_mutex_unlock(&l->lock);
}

/* The thread: the last checkpoint goes before the witness again, for a cosignature of now: an old one may be of a log that was put back,
 * and who demands it refuses it. */
static enum stage cosign_last(struct decision_log *l)
{
    if (!l->witness.thread || !cosign_drop(&l->arena, l->checkpoint.last, &l->witness.key, &l->note))
        return STAGE_NONE;
    l->published = true; /* as it stands there */
    return STAGE_COSIGN;
}

/* The thread: what the core is to sign; STAGE_NONE when there is nothing new, or it failed. */
static enum stage settle(struct decision_log *l)
{
    struct checkpoint_message *m = &l->checkpoint;
    struct checkpoint last = {0};
    struct fault fault = {0};
    struct bytes text;

    if (l->note.n && !l->published)
        return STAGE_PUBLISH; /* signed, and not on the disk yet: the core goes on from no other */
    l->note = BYTES_NONE;
    arena_reset(&l->arena);
    *m = (struct checkpoint_message){.use = STATE_CHECKPOINT};
    if (!log_append_last(l->append, &l->arena, &m->last, &fault) ||
        (m->last.n && (!note_text(m->last, &text) || !checkpoint_parse(text, &last)))) {
        log_error("no checkpoint of the decision log: its last one cannot be read: %s", fault.text);
        return STAGE_NONE;
    }
    if (m->last.n && last.size == log_append_size(l->append))
        return cosign_last(l);
    if (!log_append_settle(l->append, last.size, &m->next, &m->growth, &fault)) {
        log_error("no checkpoint of the decision log: %s", fault.text);
        return STAGE_NONE;
    }
    l->message = write_checkpoint(&l->arena, m);
    return STAGE_SIGN;
}

static void publish(struct decision_log *l)
{
    struct fault fault = {0};

    if (!log_append_publish(l->append, l->note, &fault))
        log_error("no checkpoint of the decision log: %s", fault.text);
    else
        l->published = true;
}

/* The thread. To wait for the disk costs as much for one record as for a hundred: where several came together more are on their way,
 * and the next write takes them all. So it rests until it has used a fiftieth of one processor, whatever the disk costs; but the fewer
 * came, the sooner it goes on, for few callers gain little and wait as long. Who asks alone is not kept waiting. */
static void gather(size_t together, uint64_t *used)
{
    const uint64_t most = together < 2                           ? 0
                          : together < GATHER_MOST / GATHER_EACH ? together * GATHER_EACH
                                                                 : GATHER_MOST;
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    uint64_t before = *used, rest;
    *used = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    rest = (*used - before) * (GATHER_SHARE - 1);
    if (most)
        (void)nanosleep(&(struct timespec){0, (long)(rest < most ? rest : most)}, NULL);
}

static void *run(void *context)
{
    struct decision_log *l = context;
    struct item *items[BATCH];
    uint64_t used = 0;

    pthread_mutex_lock(&l->lock);
    for (;;) {
        size_t count = 0;
        enum stage stage = l->stage;
        struct beside *beside = l->beside;

        l->beside = NULL;
        l->last_beside = &l->beside;
        while (count < BATCH && (items[count] = take(&l->waiting)) != NULL)
            count++;
        if (count == 0 && l->stop && !beside)
            break;
        if (count == 0 && !beside && stage != STAGE_SETTLE && stage != STAGE_PUBLISH) {
            thread_wait(&l->asked, &l->lock, -1);
            continue;
        }
        pthread_mutex_unlock(&l->lock);
        write_beside(l, beside);
        bool staged = !count && (stage == STAGE_SETTLE || stage == STAGE_PUBLISH);
        if (count) {
            write_batch(l, items, count);
            gather(count, &used);
        } else if (stage == STAGE_SETTLE)
            stage = settle(l);
        else if (stage == STAGE_PUBLISH) {
            publish(l);
            stage = STAGE_NONE;
        }
        pthread_mutex_lock(&l->lock);
        if (staged) {
            l->stage = stage;
            ring(l);
        }
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static void set_stage(struct decision_log *l, enum stage stage)
{
    pthread_mutex_lock(&l->lock);
    l->stage = stage;
    pthread_cond_signal(&l->asked);
    pthread_mutex_unlock(&l->lock);
}

static void ask_witness(struct decision_log *l)
{
    l->witness.asked = true;
    set_stage(l, STAGE_COSIGN);
    witness_thread_ask(l->witness.thread, l->note, l->witness.size);
}

/* One line when what it says is news. */
static void tell_witness(struct cosigner *w, enum witness_outcome outcome, const struct fault *fault)
{
    if (outcome == WITNESS_COSIGNED) {
        if (*w->said)
            log_info("the witness cosigns the decision log's checkpoints again");
        *w->said = 0;
        return;
    }
    if (strcmp(w->said, fault->text) == 0)
        return;
    log_error(outcome == WITNESS_REFUSED ? "THE WITNESS REFUSES THE DECISION LOG: %s"
                                         : "no cosignature for the decision log's checkpoint: %s",
              fault->text);
    snprintf(w->said, sizeof w->said, "%s", fault->text);
}

/* The checkpoint is published either way: who demands the cosignature sees that it is not there. */
static void witness_answers(void *context, enum witness_outcome outcome, struct bytes cosigned, uint64_t known,
                            const struct fault *fault)
{
    struct decision_log *l = context;

    l->witness.asked = false;
    tell_witness(&l->witness, outcome, fault);
    pthread_mutex_lock(&l->lock);
    l->counts.cosigned += outcome == WITNESS_COSIGNED;
    l->counts.witness_refused += outcome == WITNESS_REFUSED;
    l->counts.witness_failed += outcome == WITNESS_FAILED;
    if (outcome != WITNESS_FAILED)
        l->counts.refused = outcome == WITNESS_REFUSED;
    pthread_mutex_unlock(&l->lock);
    if (outcome == WITNESS_COSIGNED) {
        l->note = arena_copy(&l->arena, cosigned);
        l->witness.size = known;
        l->published = false;
    }
    set_stage(l, l->published ? STAGE_NONE : STAGE_PUBLISH);
}

/* In the witness's thread: from the log's files, which stay as they are. */
static bool prove(void *context, uint64_t old, uint64_t size, struct merkle_path *out, struct fault *fault)
{
    const struct decision_log *l = context;
    struct log_reader reader = {.read = log_folder_read, .context = l->folder, .size = size};
    const struct merkle_source source = log_reader_source(&reader);

    log_reader_open(&reader);
    bool ok = merkle_prove_consistency(&source, old, size, out, fault);
    log_reader_free(&reader);
    return ok;
}

static bool start_witness(struct decision_log *l, struct event_base *base, struct fault *fault)
{
    const struct config *c = l->config;
    struct witness_order order = {
        .url = c->decision_witness, .ca_file = c->decision_witness_ca, .prove = prove, .context = l};

    if (!c->decision_witness)
        return true;
    if (!witness_key_parse(&l->witness.texts, bytes_text(c->decision_witness_key), &l->witness.key))
        return fault_set(fault, FAULT_USAGE, "[decisions] witness_key is no key of a witness");
    order.key = l->witness.key;
    l->witness.thread = witness_thread_start(base, &order, witness_answers, l, fault);
    return l->witness.thread != NULL;
}

static void signed_by_core(void *context, enum pool_failure outcome, const struct answered *answer)
{
    struct decision_log *l = context;

    if (outcome == POOL_ANSWERED && answer->status == 200) {
        l->note = arena_copy(&l->arena, answer->body);
        l->published = false;
        if (l->witness.thread)
            ask_witness(l);
        else
            set_stage(l, STAGE_PUBLISH);
        return;
    }
    if (outcome == POOL_ANSWERED)
        log_error("the core does not sign the decision log's checkpoint: %.*s", (int)answer->body.n,
                  (const char *)answer->body.p);
    set_stage(l, STAGE_NONE);
}

static void ask_core(struct decision_log *l, struct bytes message)
{
    const struct pool_work work = {.kind = FRAME_CHECKPOINT,
                                   .body = message,
                                   .identity = {BYTES_LIT("checkpoint"), message},
                                   .milliseconds = CHECKPOINT_MILLISECONDS};

    if (!*l->pool || !pool_submit(*l->pool, &work, signed_by_core, l))
        set_stage(l, STAGE_NONE);
}

/* The event loop: answers go out. */
static void give(struct decision_log *l)
{
    struct item *i;

    for (;;) {
        pthread_mutex_lock(&l->lock);
        i = take(&l->done);
        pthread_mutex_unlock(&l->lock);
        if (!i)
            return;
        i->done(i->context, i->kept, i->index);
        free(i);
    }
}

static void told(evutil_socket_t fd, short what, void *context)
{
    struct decision_log *l = context;
    uint64_t rings;

    (void)what;
    if (read((int)fd, &rings, sizeof rings) != sizeof rings)
        return;
    give(l);
    pthread_mutex_lock(&l->lock);
    bool sign = l->stage == STAGE_SIGN && l->message.n, cosign_again = l->stage == STAGE_COSIGN && !l->witness.asked;
    struct bytes message = l->message;
    l->message = BYTES_NONE; /* asked once */
    pthread_mutex_unlock(&l->lock);
    if (sign)
        ask_core(l, message);
    else if (cosign_again)
        ask_witness(l);
}

static void time_for_checkpoint(evutil_socket_t fd, short what, void *context)
{
    struct decision_log *l = context;
    const struct timeval tv = {l->config->decision_checkpoint_seconds, 0};

    (void)fd, (void)what;
    evtimer_add(l->timer, &tv);
    pthread_mutex_lock(&l->lock);
    if (l->stage == STAGE_NONE) {
        l->stage = STAGE_SETTLE;
        pthread_cond_signal(&l->asked);
    }
    pthread_mutex_unlock(&l->lock);
}

bool decision_log_start(struct event_base *base, const struct config *c, struct pool **pool, struct decision_log **out,
                        struct fault *fault)
{
    const struct timeval second = {1, 0};

    *out = NULL;
    if (!c->decision_folder)
        return true;
    char *name = strdup(c->decision_name), *folder = strdup(c->decision_folder);
    if (!name || !folder)
        abort();
    struct log_append *append = log_append_open(c->decision_folder, bytes_text(name), true, fault);
    if (!append) {
        free(name);
        free(folder);
        return false;
    }
    struct decision_log *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    *l = (struct decision_log){.config = c, .pool = pool, .name = name, .folder = folder, .append = append};
    arena_init(&l->witness.texts, WITNESS_TEXTS);
    l->waiting.last = &l->waiting.first;
    l->done.last = &l->done.first;
    l->last_beside = &l->beside;
    if (log_append_dropped(append))
        log_info("decision log: a record that was not whole was dropped; nobody has its answer");
    arena_init(&l->arena, CHECKPOINT_MEMORY);
    thread_lock_init(&l->lock, &l->asked);
    l->ready = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    l->told = event_new(base, l->ready, EV_READ | EV_PERSIST, told, l);
    l->timer = evtimer_new(base, time_for_checkpoint, l);
    if (l->ready < 0 || !l->told || !l->timer || event_add(l->told, NULL) != 0 || evtimer_add(l->timer, &second) != 0 ||
        !thread_start(&l->thread, run, l))
        abort();
    *out = l;
    return start_witness(l, base, fault);
}

void decision_log_stop(struct decision_log *l)
{
    if (!l)
        return;
    witness_thread_stop(l->witness.thread);
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_signal(&l->asked);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    give(l);
    event_free(l->told);
    event_free(l->timer);
    close(l->ready);
    log_append_close(l->append);
    free(l->name);
    free(l->folder);
    free((void *)(uintptr_t)l->given.p);
    arena_free(&l->arena);
    arena_free(&l->witness.texts);
    free(l);
}

static void put_beside(struct decision_log *l, struct arena *a, const char *folder, const uint8_t digest[SHA256_SIZE],
                       struct bytes content)
{
    struct beside *b = malloc(sizeof *b + content.n);

    if (!b)
        abort();
    if (content.n)
        memcpy(b + 1, content.p, content.n);
    *b = (struct beside){.content = bytes_make(b + 1, content.n)};
    snprintf(b->name, sizeof b->name, "%s/%s", folder, arena_string(a, hex_encode(a, bytes_make(digest, SHA256_SIZE))));
    pthread_mutex_lock(&l->lock);
    *l->last_beside = b;
    l->last_beside = &b->next;
    pthread_cond_signal(&l->asked);
    pthread_mutex_unlock(&l->lock);
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, SHA256_SIZE);
}

/* Not to be copied again: a snapshot has few that the one before had not. One that could not be written is given once more. */
static bool was_given(struct decision_log *l, const uint8_t digest[SHA256_SIZE])
{
    return l->given.n && bsearch(digest, l->given.p, l->given.n / SHA256_SIZE, SHA256_SIZE, by_digest);
}

static void forget_given_that_failed(struct decision_log *l)
{
    pthread_mutex_lock(&l->lock);
    bool failed = l->beside_failed;
    l->beside_failed = false;
    pthread_mutex_unlock(&l->lock);
    if (failed)
        l->given.n = 0;
}

static void set_given(struct decision_log *l, struct bytes digests)
{
    uint8_t *copy = malloc(digests.n + 1);

    if (!copy)
        abort();
    if (digests.n)
        memcpy(copy, digests.p, digests.n);
    free((void *)(uintptr_t)l->given.p);
    l->given = bytes_make(copy, digests.n);
}

/* Each under its hash; and the list of the hashes, which has the one of the records. */
static void put_endorsements(struct decision_log *l, struct arena *a, const struct loaded *snapshot)
{
    struct digest_set set = {0};
    struct named_bytes m;
    uint8_t digest[SHA256_SIZE];

    forget_given_that_failed(l);
    for (size_t i = 0; i < snapshot->count; i++)
        if (snapshot->frames[i].kind == FRAME_ENDORSEMENT && read_named(snapshot->frames[i].body, &m)) {
            digest_set_add(&set, a, m.content);
            if (m.content.n > KEPT_FILE_MOST)
                log_error("no decision by these endorsements can be replayed from the log's folder: %s is larger than "
                          "%d bytes, and left out",
                          arena_string(a, text_clean(a, m.name)), KEPT_FILE_MOST);
            else if (!was_given(l, set.v[set.n - 1]))
                put_beside(l, a, "endorsements", set.v[set.n - 1], m.content);
        }
    digest_set_end(&set, digest);
    const struct bytes digests = bytes_make(set.v, set.n * SHA256_SIZE);
    put_beside(l, a, "endorsements", digest, digests);
    set_given(l, digests);
}

void decision_log_settings(struct decision_log *l, const struct loaded *snapshot)
{
    struct arena a;
    struct bytes *bodies = NULL;
    size_t n = 0, cap = 0;
    uint8_t digest[SHA256_SIZE];

    if (!l)
        return;
    arena_init(&a, 4 * REPLAY_SETTINGS_MOST);
    for (size_t i = 0; i < snapshot->count; i++)
        if (snapshot->frames[i].kind == FRAME_SNAPSHOT_BEGIN || snapshot->frames[i].kind == FRAME_ANCHOR) {
            bodies = ARENA_ROOM(&a, bodies, n, &cap);
            bodies[n++] = snapshot->frames[i].body;
        }
    struct bytes content = replay_settings(&a, bodies, n, digest);
    put_beside(l, &a, "settings", digest, content);
    if (l->config->decision_keep)
        put_endorsements(l, &a, snapshot);
    arena_free(&a);
}

bool decision_log_add(struct decision_log *l, struct bytes record, decision_done *done, void *context)
{
    struct item *i = malloc(sizeof *i + record.n);
    uint8_t *copy = (uint8_t *)(i + 1);

    if (!i)
        abort();
    memcpy(copy, record.p, record.n);
    *i = (struct item){.done = done, .context = context, .record = bytes_make(copy, record.n)};
    pthread_mutex_lock(&l->lock);
    bool room = l->waiting.count < DECISION_QUEUE;
    if (room)
        put(&l->waiting, i);
    pthread_cond_signal(&l->asked);
    pthread_mutex_unlock(&l->lock);
    if (!room)
        free(i);
    return room;
}

struct decision_counts decision_log_counts(struct decision_log *l)
{
    struct decision_counts counts = {0};

    if (!l)
        return counts;
    pthread_mutex_lock(&l->lock);
    counts = l->counts;
    pthread_mutex_unlock(&l->lock);
    return counts;
}
