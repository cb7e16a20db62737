/* What the fetcher of endorsements has to do, and when: refreshes ahead of expiry, and what platforms asked for that was not there.
 * Everything is one task for all who want it; what was sought in vain is remembered for a while. Bounded. Time is given, in
 * milliseconds of any steady clock. */
#ifndef ASSAY_SERVICE_FETCH_TASKS_H
#define ASSAY_SERVICE_FETCH_TASKS_H

#include "collateral/fetch.h"

enum {
    FETCH_TASK_NAME = 192,
    FETCH_ASKED_MOST = 256,        /* that wait to be fetched because a request lacked them */
    FETCH_REMEMBERED = 1024,       /* that no object of the folder stands behind: asked for, or sought in vain */
    FETCH_TRIES = 3,               /* for one asking, while sources are busy or away */
    FETCH_ABSENT_SECONDS = 3600,   /* until what no source has is sought again */
    FETCH_REFUSED_SECONDS = 60,    /* until what is missing, and came wrongly, is sought again */
    FETCH_UNWRITABLE_SECONDS = 60, /* until the folder is tried again */
    FETCH_KEPT_MOST = 32 * 1024,   /* refreshed; a folder of Intel's endorsements of all platforms has some hundreds */
};

struct fetch_task {
    char name[FETCH_TASK_NAME]; /* want_name */
    struct want want;
    int64_t due;        /* of a refresh */
    int64_t not_before; /* after an attempt */
    int64_t expires;    /* seconds since 1970, of the object that is refreshed */
    bool kept;          /* refreshed: the folder has one */
    bool asked;         /* a request lacked it */
    bool running;
    bool seen;      /* while planning */
    unsigned tries; /* since it was asked for */
    bool tried;
    enum fetch_outcome last; /* where it was tried */
};

struct fetch_tasks {
    struct fetch_task *v;
    size_t n, cap;
    int64_t interval; /* milliseconds between two attempts at one thing that succeeds */
};
void fetch_tasks_free(struct fetch_tasks *t);
/* What came of attempts: everything may be tried again now. */
void fetch_tasks_forget(struct fetch_tasks *t);

/* Plan anew: between these two every refresh is named, and those that are not any more are dropped. */
void fetch_tasks_plan_begin(struct fetch_tasks *t);
/* due: in milliseconds. False when there are too many. */
bool fetch_tasks_plan(struct fetch_tasks *t, const struct want *w, int64_t due, int64_t expires);
void fetch_tasks_plan_end(struct fetch_tasks *t);

enum fetch_ask {
    FETCH_ASK_THERE, /* all of it was fetched, and is in date: it is on its way to the pairs */
    FETCH_ASK_UNDER_WAY,
    FETCH_ASK_IN_VAIN, /* it was tried lately */
    FETCH_ASK_NEW,     /* nobody is at it yet: fetch_tasks_start */
    FETCH_ASK_REFUSED, /* too much is asked for */
    FETCH_ASK_OFF,
    FETCH_ASKS
};
/* How does it stand with these? *wait is the milliseconds after which asking again may help. */
enum fetch_ask fetch_tasks_look(const struct fetch_tasks *t, const struct want *wants, size_t count, int64_t now,
                                int64_t *wait);
/* Those of them that nobody is at are tasks from now on. False: there are too many already. */
bool fetch_tasks_start(struct fetch_tasks *t, const struct want *wants, size_t count, int64_t now);

/* The task whose time has come, marked as running; NULL: none has, and the next one's is in *wait milliseconds (negative: there is
 * none). Valid until the next call. */
const struct fetch_task *fetch_tasks_next(struct fetch_tasks *t, bool amd, int64_t now, int64_t *wait);
/* What came of it; wait as in struct fetch_result. True when that is news: the first attempt, or another outcome than last time. */
bool fetch_tasks_done(struct fetch_tasks *t, const char *name, enum fetch_outcome outcome, int64_t wait, int64_t now);

#endif
