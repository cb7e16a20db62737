/* What a driver provides; for store.c and the drivers alone. */
#ifndef ASSAY_STORE_DRIVER_H
#define ASSAY_STORE_DRIVER_H

#include "store/store.h"

struct store_driver {
    const char *scheme; /* "sqlite" */
    /* url is whole, rest what follows the scheme and its colon. */
    struct store *(*open)(const char *url, const char *rest, struct fault *fault);
    void (*close)(struct store *s);
    bool (*append)(struct store *s, const struct record *records, size_t count, bool *conflict, struct fault *fault);
    bool (*changes)(struct store *s, struct arena *a, uint64_t since, store_visit *each, void *context,
                    struct fault *fault);
    bool (*history)(struct store *s, struct arena *a, struct bytes provider, struct bytes kind,
                    const struct history_page *page, store_visit *each, void *context, struct fault *fault);
    bool (*generation)(struct store *s, uint64_t *out, struct fault *fault);
    /* Sleep until wake_fd is readable (*woken), something hints at a change, or the time is over; earlier is no harm. */
    bool (*sleep)(struct store *s, int wake_fd, int milliseconds, bool *woken, struct fault *fault);
};

/* The first member of every driver's own store. */
struct store {
    const struct store_driver *driver;
    uint64_t given; /* the highest sequence that store_changes gave */
};

extern const struct store_driver store_sqlite;

/* Why a version was not taken; returns false. */
bool store_conflict(bool *conflict, struct fault *fault);
/* The tables were made by a newer release than this one, which knows `known`; returns false. */
bool store_too_new(int found, int known, struct fault *fault);

#endif
