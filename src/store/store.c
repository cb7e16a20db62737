#include "store/driver.h"

#include <time.h>

#include "base/text.h"

static const struct store_driver *const drivers[] = {&store_sqlite};

struct store *store_open(const char *url, struct fault *fault)
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        size_t n = strlen(drivers[i]->scheme);

        if (strncmp(url, drivers[i]->scheme, n) == 0 && url[n] == ':')
            return drivers[i]->open(url, url + n + 1, fault);
    }
    fault_set(fault, FAULT_USAGE, "store '%s': no such kind of store; use sqlite:PATH", url);
    return NULL;
}

void store_close(struct store *s)
{
    if (s)
        s->driver->close(s);
}

bool store_conflict(bool *conflict, struct fault *fault)
{
    *conflict = true;
    return fault_set(fault, FAULT_USAGE, "another change of the same record came first; read it and try again");
}

bool store_too_new(int found, int known, struct fault *fault)
{
    return fault_set(
        fault, FAULT_USAGE,
        "the store has schema %d, this program knows up to %d: it was written by a newer release; use that one", found,
        known);
}

static bool is_name(struct bytes text)
{
    return text.n && utf8_valid(text) && !memchr(text.p, 0, text.n);
}

bool store_append(struct store *s, const struct record *records, size_t count, bool *conflict, struct fault *fault)
{
    *conflict = false;
    for (size_t i = 0; i < count; i++)
        if (!is_name(records[i].provider) || !is_name(records[i].kind))
            return fault_set(fault, FAULT_USAGE, "provider and kind of a record are UTF-8 texts without NUL");
    return s->driver->append(s, records, count, conflict, fault);
}

/* Passes records on and remembers how far they went. */
struct follower {
    struct store *store;
    store_visit *each;
    void *context;
};

static bool follow(void *context, const struct record *record)
{
    struct follower *f = context;

    f->store->given = record->sequence;
    return f->each(f->context, record);
}

bool store_changes(struct store *s, struct arena *a, uint64_t since, store_visit *each, void *context,
                   struct fault *fault)
{
    struct follower f = {s, each, context};

    s->given = since;
    if (s->driver->changes(s, a, since, follow, &f, fault))
        return true;
    s->given = since; /* what failed must be asked for again */
    return false;
}

bool store_history(struct store *s, struct arena *a, struct bytes provider, struct bytes kind,
                   const struct history_page *page, store_visit *each, void *context, struct fault *fault)
{
    return s->driver->history(s, a, provider, kind, page, each, context, fault);
}

bool store_generation(struct store *s, uint64_t *out, struct fault *fault)
{
    return s->driver->generation(s, out, fault);
}

static int64_t milliseconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool store_wait(struct store *s, int wake_fd, int milliseconds, bool *changed, struct fault *fault)
{
    int64_t end = milliseconds_now() + milliseconds, left = milliseconds;
    uint64_t generation = 0;
    bool woken = false;

    for (;; left = end - milliseconds_now()) {
        if (!store_generation(s, &generation, fault))
            return false;
        *changed = generation > s->given;
        if (*changed || woken || left <= 0)
            return true;
        if (!s->driver->sleep(s, wake_fd, (int)left, &woken, fault))
            return false;
    }
}

static bool take_version(void *context, const struct record *record)
{
    *(uint64_t *)context = record->version + 1;
    return false; /* the newest comes first */
}

bool store_next_version(struct store *s, struct arena *a, struct bytes provider, struct bytes kind, uint64_t *out,
                        struct fault *fault)
{
    const struct history_page newest = {.limit = 1};

    *out = 1;
    return store_history(s, a, provider, kind, &newest, take_version, out, fault);
}
