/* How often each upstream is asked: a rate of our own, and back-off when it says that it has had enough, or fails. Time is given, so
 * that this can be tested; one throttle serves several threads. */
#ifndef ASSAY_COLLATERAL_THROTTLE_H
#define ASSAY_COLLATERAL_THROTTLE_H

#include <pthread.h>

#include "base/bytes.h"

enum {
    THROTTLE_HOSTS = 16,                   /* sources, and Intel's second host */
    THROTTLE_HOST_NAME = 256,              /* of a host with its port, and a NUL */
    THROTTLE_FIRST = 2000,                 /* milliseconds of the first pause; each further failure doubles it */
    THROTTLE_MOST = 60 * 60 * 1000,        /* the longest pause of our own */
    THROTTLE_OBEYED = 24 * 60 * 60 * 1000, /* the longest that a server may ask for */
};

struct throttle_host {
    char name[THROTTLE_HOST_NAME];
    int64_t next;      /* our rate: not before this */
    int64_t backed_to; /* its wish, or our back-off: not before this */
    unsigned failures; /* in a row */
};

struct throttle {
    pthread_mutex_t lock;
    int interval; /* milliseconds between two requests to one host */
    struct throttle_host hosts[THROTTLE_HOSTS];
    size_t count;
};

void throttle_init(struct throttle *t, int interval);
void throttle_end(struct throttle *t);
void throttle_pace(struct throttle *t, int interval);

enum throttle_answer {
    THROTTLE_GO,      /* the place is taken: send now */
    THROTTLE_PACE,    /* our rate: in *wait milliseconds */
    THROTTLE_BACK_OFF /* not within *wait milliseconds */
};
/* May the host of this URL be asked at `now` (milliseconds of any steady clock)? */
enum throttle_answer throttle_ask(struct throttle *t, const char *url, int64_t now, int64_t *wait);
/* It answered well. */
void throttle_good(struct throttle *t, const char *url);
/* It failed, or asked to be left alone: for retry_after seconds, or (negative) by our own measure, of which random takes up
 * to a half, lest all who were refused together come back together. Gives the pause in milliseconds. */
int64_t throttle_bad(struct throttle *t, const char *url, int64_t now, int64_t retry_after, uint32_t random);

/* Value of a Retry-After header: seconds, or a date in the form of RFC 9110 beside which `now` is seconds since 1970. Negative: it is neither. */
int64_t retry_after(struct bytes value, int64_t now);

#endif
