/* What a driver provides; for store.c and the drivers alone. */
#ifndef ASSAY_STORE_DRIVER_H
#define ASSAY_STORE_DRIVER_H

#include "store/store.h"

/* Where records to be appended come from: a list, or somebody who is asked for one after another. */
struct source {
    const struct record *records; /* NULL: next */
    size_t count;
    store_next *next;
    void *context;
    bool into_empty; /* refuse, within the transaction, a store that holds anything */
};
/* Record i, which must be asked for in order; *out is NULL behind the last. Refuses what no driver could keep. */
bool source_next(struct source *s, uint64_t i, const struct record **out, struct fault *fault);

struct store_driver {
    const char *scheme; /* "sqlite" */
    /* url is whole, rest what follows the scheme and its colon. */
    struct store *(*open)(const char *url, const char *rest, struct fault *fault);
    void (*close)(struct store *s);
    bool (*append)(struct store *s, struct source *from, bool *conflict, struct fault *fault);
    bool (*changes)(struct store *s, struct arena *a, uint64_t since, store_visit *each, void *context,
                    struct fault *fault);
    /* Like changes, but every version. */
    bool (*records)(struct store *s, struct arena *a, uint64_t since, store_visit *each, void *context,
                    struct fault *fault);
    bool (*history)(struct store *s, struct arena *a, struct bytes provider, struct bytes kind,
                    const struct history_page *page, store_visit *each, void *context, struct fault *fault);
    bool (*generation)(struct store *s, uint64_t *out, struct fault *fault);
    bool (*reseal)(struct store *s, const struct record *records, size_t count, struct fault *fault);
    /* Sleep until wake_fd is readable (*woken), something hints at a change, or the time is over; earlier is no harm. */
    bool (*sleep)(struct store *s, int wake_fd, int milliseconds, bool *woken, struct fault *fault);
};

/* The first member of every driver's own store. */
struct store {
    const struct store_driver *driver;
    uint64_t given; /* the highest sequence that store_changes gave */
    bool rest;      /* the last wait failed: pause before the next */
};

extern const struct store_driver store_sqlite, store_postgres;

/* Why a version was not taken; returns false. */
bool store_conflict(bool *conflict, struct fault *fault);
/* It was to be empty and holds this many records; returns false. */
bool store_not_empty(uint64_t records, struct fault *fault);
/* The tables were made by a newer release than this one, which knows `known`; returns false. */
bool store_too_new(int found, int known, struct fault *fault);

#endif
