#include "store/driver.h"

static const struct store_driver *const drivers[] = {&store_sqlite};

struct store *store_open(const char *url, struct fault *fault)
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        size_t n = strlen(drivers[i]->scheme);

        if (strncmp(url, drivers[i]->scheme, n) == 0 && url[n] == ':')
            return drivers[i]->open(url + n + 1, fault);
    }
    fault_set(fault, FAULT_USAGE, "store '%s': no such kind of store; use sqlite:PATH", url);
    return NULL;
}

void store_close(struct store *s)
{
    if (s)
        s->driver->close(s);
}

bool store_append(struct store *s, const struct record *record, bool *conflict, struct fault *fault)
{
    *conflict = false;
    return s->driver->append(s, record, conflict, fault);
}

bool store_current(struct store *s, struct arena *a, store_visit *each, void *context, struct fault *fault)
{
    return s->driver->current(s, a, each, context, fault);
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
