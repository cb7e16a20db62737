/* What a driver provides; for store.c and the drivers alone. */
#ifndef ASSAY_STORE_DRIVER_H
#define ASSAY_STORE_DRIVER_H

#include "store/store.h"

struct store_driver {
    const char *scheme; /* "sqlite" */
    struct store *(*open)(const char *rest, struct fault *fault);
    void (*close)(struct store *s);
    bool (*append)(struct store *s, const struct record *record, bool *conflict, struct fault *fault);
    bool (*current)(struct store *s, struct arena *a, store_visit *each, void *context, struct fault *fault);
    bool (*history)(struct store *s, struct arena *a, struct bytes provider, struct bytes kind,
                    const struct history_page *page, store_visit *each, void *context, struct fault *fault);
    bool (*generation)(struct store *s, uint64_t *out, struct fault *fault);
};

/* The first member of every driver's own store. */
struct store {
    const struct store_driver *driver;
};

extern const struct store_driver store_sqlite;

enum { STORE_SCHEMA = 1 }; /* version of the tables; a newer one is refused */

#endif
