#include "store/driver.h"

#include <poll.h>
#include <time.h>

#include "base/limits.h"
#include "base/text.h"

static const struct store_driver *const drivers[] = {&store_sqlite, &store_postgres};

enum { REST_MILLISECONDS = 250 };

struct store *store_open(const char *url, struct fault *fault)
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        size_t n = strlen(drivers[i]->scheme);

        if (strncmp(url, drivers[i]->scheme, n) == 0 && url[n] == ':')
            return drivers[i]->open(url, url + n + 1, fault);
    }
    /* What follows the kind may hold a password, of whoever mistyped it. */
    fault_set(fault, FAULT_USAGE, "store '%.*s': no such kind of store; use sqlite:PATH or postgresql://HOST/DATABASE",
              (int)strcspn(url, ":@/"), url);
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

bool store_not_empty(uint64_t records, struct fault *fault)
{
    return fault_set(fault, FAULT_USAGE, "the store is not empty: it holds %llu records", (unsigned long long)records);
}

static bool is_name(struct bytes text)
{
    return text.n && utf8_valid(text) && !memchr(text.p, 0, text.n);
}

static bool can_keep(const struct record *r, struct fault *fault)
{
    if (!is_name(r->provider) || !is_name(r->kind))
        return fault_set(fault, FAULT_USAGE, "provider and kind of a record are UTF-8 texts without NUL");
    return (r->body.n <= LIMIT_STORE_FIELD && r->hash.n <= LIMIT_STORE_FIELD && r->signer.n <= LIMIT_STORE_FIELD &&
            r->caller.n <= LIMIT_STORE_FIELD && r->seal.n <= LIMIT_STORE_FIELD) ||
           fault_set(fault, FAULT_LIMIT, "a field of a record has more than %d bytes", LIMIT_STORE_FIELD);
}

bool source_next(struct source *s, uint64_t i, const struct record **out, struct fault *fault)
{
    *out = NULL;
    if (s->records)
        *out = i < s->count ? &s->records[i] : NULL;
    else if (!s->next(s->context, out, fault))
        return false;
    if (!*out)
        return true;
    if (s->into_empty && (*out)->sequence != i + 1)
        return fault_set(fault, FAULT_SYNTAX, "record %llu follows record %llu: some are missing",
                         (unsigned long long)(*out)->sequence, (unsigned long long)i);
    return can_keep(*out, fault);
}

bool store_append(struct store *s, const struct record *records, size_t count, bool *conflict, struct fault *fault)
{
    struct source from = {.records = records, .count = count};

    *conflict = false;
    return s->driver->append(s, &from, conflict, fault);
}

bool store_import(struct store *s, store_next *next, void *context, uint64_t *count, struct fault *fault)
{
    struct source from = {.next = next, .context = context, .into_empty = true};
    bool conflict = false;

    *count = 0;
    if (s->driver->append(s, &from, &conflict, fault))
        return store_generation(s, count, fault);
    if (conflict) {
        *fault = (struct fault){0};
        fault_set(fault, FAULT_SYNTAX, "a version follows another one than the one before it: some are missing");
    }
    return false;
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

bool store_reseal(struct store *s, const struct record *records, size_t count, struct fault *fault)
{
    return s->driver->reseal(s, records, count, fault);
}

bool store_generation(struct store *s, uint64_t *out, struct fault *fault)
{
    return s->driver->generation(s, out, fault);
}

bool store_records(struct store *s, struct arena *a, uint64_t since, store_visit *each, void *context,
                   struct fault *fault)
{
    return s->driver->records(s, a, since, each, context, fault);
}

static int64_t milliseconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* After a failure, whatever the driver does by itself. True: wake_fd ended it. */
static bool rest(struct store *s, int wake_fd, int milliseconds)
{
    struct pollfd wake = {.fd = wake_fd, .events = POLLIN}; /* poll skips -1 */
    bool failed = s->rest;

    s->rest = false;
    return failed && poll(&wake, 1, milliseconds < REST_MILLISECONDS ? milliseconds : REST_MILLISECONDS) > 0;
}

bool store_wait(struct store *s, int wake_fd, int milliseconds, bool *changed, struct fault *fault)
{
    int64_t end = milliseconds_now() + milliseconds, left;
    bool woken = rest(s, wake_fd, milliseconds);
    uint64_t generation = 0;

    *changed = false;
    for (;;) {
        if (!store_generation(s, &generation, fault))
            return !(s->rest = true);
        *changed = generation > s->given;
        left = end - milliseconds_now();
        if (*changed || woken || left <= 0)
            return true;
        if (!s->driver->sleep(s, wake_fd, (int)left, &woken, fault))
            return !(s->rest = true);
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
