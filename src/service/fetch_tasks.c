#include "service/fetch_tasks.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_MEMORY = 64 * 1024, AGAIN_SOON = 1000, UNDER_WAY_WAIT = 5000 };

void fetch_tasks_free(struct fetch_tasks *t)
{
    free(t->v);
    *t = (struct fetch_tasks){0};
}

static void name_of(const struct want *w, char out[FETCH_TASK_NAME])
{
    struct arena a;

    arena_init(&a, NAME_MEMORY);
    snprintf(out, FETCH_TASK_NAME, "%s", want_name(&a, w));
    arena_free(&a);
}

static struct fetch_task *find(const struct fetch_tasks *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->v[i].name, name) == 0)
            return &t->v[i];
    return NULL;
}

static struct fetch_task *add(struct fetch_tasks *t, const char *name, const struct want *w)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 64;
        struct fetch_task *grown = realloc(t->v, cap * sizeof *grown);

        if (!grown)
            abort(); /* only without memory */
        t->v = grown;
        t->cap = cap;
    }
    struct fetch_task *task = &t->v[t->n++];
    *task = (struct fetch_task){.want = *w};
    snprintf(task->name, sizeof task->name, "%s", name);
    return task;
}

static void drop(struct fetch_tasks *t, size_t i)
{
    t->v[i] = t->v[--t->n];
}

static size_t kept(const struct fetch_tasks *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++)
        n += t->v[i].kept;
    return n;
}

void fetch_tasks_plan_begin(struct fetch_tasks *t)
{
    for (size_t i = 0; i < t->n; i++)
        t->v[i].seen = false;
}

bool fetch_tasks_plan(struct fetch_tasks *t, const struct want *w, int64_t due, int64_t expires)
{
    char name[FETCH_TASK_NAME];

    name_of(w, name);
    struct fetch_task *task = find(t, name);
    if (!task) {
        if (kept(t) >= FETCH_KEPT_MOST)
            return false;
        task = add(t, name, w);
    }
    task->seen = task->kept = true;
    task->due = due;
    task->expires = expires;
    return true;
}

void fetch_tasks_plan_end(struct fetch_tasks *t)
{
    for (size_t i = 0; i < t->n; i++)
        t->v[i].kept = t->v[i].seen;
}

/* Nobody would miss it, but that it was sought in vain. */
static bool only_remembered(const struct fetch_task *task)
{
    return !task->kept && !task->asked && !task->running;
}

void fetch_tasks_forget(struct fetch_tasks *t)
{
    for (size_t i = t->n; i-- > 0;) {
        t->v[i].not_before = 0;
        t->v[i].tried = false;
        if (only_remembered(&t->v[i]))
            drop(t, i);
    }
}

static int64_t time_of(const struct fetch_task *task)
{
    if (task->running || (!task->asked && !task->kept))
        return INT64_MAX;
    if (task->asked || task->not_before > task->due)
        return task->not_before;
    return task->due;
}

static enum fetch_ask look_at(const struct fetch_task *task, int64_t now, int64_t *wait)
{
    if (task && (task->asked || task->running)) {
        *wait = UNDER_WAY_WAIT;
        return FETCH_ASK_UNDER_WAY;
    }
    if (task && task->kept && task->due > now) {
        *wait = AGAIN_SOON;
        return FETCH_ASK_THERE;
    }
    if (task && task->not_before > now) {
        *wait = task->not_before - now;
        return fetch_succeeded(task->last) ? FETCH_ASK_THERE : FETCH_ASK_IN_VAIN;
    }
    *wait = UNDER_WAY_WAIT;
    return FETCH_ASK_NEW;
}

enum fetch_ask fetch_tasks_look(const struct fetch_tasks *t, const struct want *wants, size_t count, int64_t now,
                                int64_t *wait)
{
    /* From the least to the most that is to be told of several. */
    static const int rank[FETCH_ASKS] = {
        [FETCH_ASK_THERE] = 0, [FETCH_ASK_UNDER_WAY] = 1, [FETCH_ASK_IN_VAIN] = 2, [FETCH_ASK_NEW] = 3};
    enum fetch_ask worst = FETCH_ASK_THERE;
    char name[FETCH_TASK_NAME];
    int64_t its;

    *wait = AGAIN_SOON;
    for (size_t i = 0; i < count; i++) {
        name_of(&wants[i], name);
        enum fetch_ask ask = look_at(find(t, name), now, &its);
        if (rank[ask] > rank[worst] || (ask == worst && its > *wait)) {
            worst = ask;
            *wait = its;
        }
    }
    return worst;
}

/* Of what is only remembered, what may be sought again the soonest is forgotten the soonest. False when nothing can be. */
static bool make_room(struct fetch_tasks *t)
{
    size_t remembered = 0, asked = 0, first = SIZE_MAX;

    for (size_t i = 0; i < t->n; i++) {
        remembered += !t->v[i].kept;
        asked += t->v[i].asked;
        if (only_remembered(&t->v[i]) && (first == SIZE_MAX || t->v[i].not_before < t->v[first].not_before))
            first = i;
    }
    if (asked >= FETCH_ASKED_MOST)
        return false;
    if (remembered < FETCH_REMEMBERED)
        return true;
    if (first == SIZE_MAX)
        return false;
    drop(t, first);
    return true;
}

bool fetch_tasks_start(struct fetch_tasks *t, const struct want *wants, size_t count, int64_t now)
{
    char name[FETCH_TASK_NAME];
    int64_t wait;

    for (size_t i = 0; i < count; i++) {
        name_of(&wants[i], name);
        struct fetch_task *task = find(t, name);
        if (look_at(task, now, &wait) != FETCH_ASK_NEW)
            continue;
        if (!make_room(t))
            return false;
        task = find(t, name); /* it may have moved, or been what was forgotten */
        if (!task)
            task = add(t, name, &wants[i]);
        task->asked = true;
        task->tries = 0;
    }
    return true;
}

/* Of those whose time has come, what a request lacked goes first, and what brings its issuers' certificates along goes before what
 * needs them (the order of enum want_kind). */
static bool before(const struct fetch_task *a, const struct fetch_task *b, int64_t now)
{
    if (time_of(a) > now || time_of(b) > now)
        return time_of(a) < time_of(b);
    if (a->asked != b->asked)
        return a->asked;
    return a->want.kind < b->want.kind;
}

const struct fetch_task *fetch_tasks_next(struct fetch_tasks *t, bool amd, int64_t now, int64_t *wait)
{
    struct fetch_task *first = NULL;

    for (size_t i = 0; i < t->n; i++) {
        struct fetch_task *task = &t->v[i];

        if ((task->want.kind >= WANT_VCEK) == amd && time_of(task) != INT64_MAX && (!first || before(task, first, now)))
            first = task;
    }
    *wait = first ? time_of(first) - now : -1;
    if (!first || *wait > 0)
        return NULL;
    first->running = true;
    return first;
}

/* Until it is tried again. */
static int64_t pause_after(const struct fetch_tasks *t, const struct fetch_task *task, enum fetch_outcome outcome,
                           int64_t wait)
{
    switch (outcome) {
    case FETCH_REFUSED: return task->kept ? t->interval : FETCH_REFUSED_SECONDS * 1000;
    case FETCH_ABSENT: return FETCH_ABSENT_SECONDS * 1000;
    case FETCH_UNWRITABLE: return FETCH_UNWRITABLE_SECONDS * 1000;
    case FETCH_BUSY:
    case FETCH_UNREACHABLE: return wait > AGAIN_SOON ? wait : AGAIN_SOON;
    default: return t->interval;
    }
}

bool fetch_tasks_done(struct fetch_tasks *t, const char *name, enum fetch_outcome outcome, int64_t wait, int64_t now)
{
    struct fetch_task *task = find(t, name);
    bool transient = outcome == FETCH_BUSY || outcome == FETCH_UNREACHABLE;

    if (!task)
        return true;
    bool news = !task->tried || task->last != outcome;
    task->running = false;
    task->tried = true;
    task->last = outcome;
    task->not_before = now + pause_after(t, task, outcome, wait);
    if (!transient || ++task->tries >= FETCH_TRIES)
        task->asked = false;
    return news;
}
