#include "collateral/fetch.h"

#include <sys/random.h>
#include <time.h>

#include "base/limits.h"

enum {
    SLICE = 50 /* milliseconds between two looks whether to stop */,
    SIZE_MOST = 2 * LIMIT_CRL /* in hexadecimal */
};

const char *fetch_outcome_word(enum fetch_outcome o)
{
    static const char *const words[FETCH_OUTCOMES] = {
        [FETCH_NEW] = "new",     [FETCH_REPLACED] = "replaced",       [FETCH_SAME] = "same",
        [FETCH_OLDER] = "older", [FETCH_ABSENT] = "absent",           [FETCH_REFUSED] = "refused",
        [FETCH_BUSY] = "busy",   [FETCH_UNREACHABLE] = "unreachable", [FETCH_UNWRITABLE] = "unwritable",
    };

    return words[o];
}

bool fetch_succeeded(enum fetch_outcome o)
{
    return o == FETCH_NEW || o == FETCH_REPLACED || o == FETCH_SAME || o == FETCH_OLDER;
}

static int64_t steady(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Only for jitter: without it pauses are what they are. */
static uint32_t chance(void)
{
    uint32_t v = 0;
    ssize_t n = getrandom(&v, sizeof v, GRND_NONBLOCK);

    (void)n;
    return v;
}

static bool stopping(const struct fetch_how *how)
{
    return how->stop && atomic_load(how->stop);
}

static void fail(struct fetch_result *out, enum fetch_outcome outcome, const char *why)
{
    out->outcome = outcome;
    out->why = why;
}

/* Wait for our own rate; not for a server's back-off. */
static bool may_ask(const struct fetch_how *how, const char *url, struct fetch_result *out)
{
    enum throttle_answer answer;
    int64_t wait;

    while ((answer = throttle_ask(how->throttle, url, steady(), &wait)) == THROTTLE_PACE && !stopping(how)) {
        long slice = wait < SLICE ? (long)wait : SLICE;

        nanosleep(&(struct timespec){.tv_nsec = slice * 1000000L}, NULL);
    }
    if (answer == THROTTLE_GO)
        return true;
    fail(out, FETCH_BUSY, answer == THROTTLE_PACE ? "stopped" : "it asked to wait, or failed just now");
    out->wait = wait;
    return false;
}

/* What a status other than 200 says. */
static void refused(struct arena *a, const struct fetch_how *how, const char *url, const struct http_answer *answer,
                    struct fetch_result *out)
{
    int status = answer->status;
    bool absent = status == 404 || status == 410 || (status >= 460 && status <= 462); /* sgx-tdx.md 11.2 */
    bool tired = status == 429 || status == 503;

    if (absent) {
        throttle_good(how->throttle, url);
        fail(out, FETCH_ABSENT, arena_printf(a, "%s has no such thing (status %d)", url, status));
    } else if (tired || status >= 500) {
        out->wait = throttle_bad(how->throttle, url, steady(),
                                 retry_after(http_answer_header(answer, "Retry-After"), (int64_t)time(NULL)), chance());
        fail(out, tired ? FETCH_BUSY : FETCH_UNREACHABLE,
             arena_printf(a, "%s answered %d; it is asked again in %lld s at the earliest", url, status,
                          (long long)(out->wait + 999) / 1000));
    } else {
        throttle_good(how->throttle, url);
        fail(out, FETCH_REFUSED,
             arena_printf(a, "%s answered %d%s", url, status,
                          status >= 300 && status < 400 ? "; redirects are not followed" : ""));
    }
}

static bool ask(struct arena *a, const struct fetch_how *how, const struct upstream_request *r,
                struct http_answer *answer, struct fetch_result *out)
{
    static const char *const metadata[] = {"Metadata: true", NULL};
    struct http_request request = {.url = r->url,
                                   .headers = r->metadata ? metadata : NULL,
                                   .extra_ca_file = how->ca_file,
                                   .proxy = how->proxy,
                                   .plain_local = r->metadata,
                                   .answer_limit = SIZE_MOST,
                                   .seconds = how->seconds ? how->seconds : FETCH_SECONDS,
                                   .stop = how->stop};
    struct fault fault = {0};

    if (!may_ask(how, r->url, out))
        return false;
    out->asked = true;
    if (!http_send(&request, a, answer, &fault)) {
        bool theirs = fault.code == FAULT_LIMIT || fault.code == FAULT_USAGE;

        out->wait = throttle_bad(how->throttle, r->url, steady(), -1, chance());
        fail(out, theirs ? FETCH_REFUSED : FETCH_UNREACHABLE, arena_printf(a, "%s", fault.text));
        return false;
    }
    if (answer->status != 200) {
        refused(a, how, r->url, answer, out);
        return false;
    }
    return true;
}

/* By itself, before it is written: one endorsement, and the one that was asked for. */
static bool is_wanted(struct arena *a, const struct want *w, struct bytes content, const char **why)
{
    struct catalogue alone;

    catalogue_init(&alone, a);
    if (!catalogue_add(&alone, "the answer", content) || alone.n == 0) {
        *why = alone.foreign_count ? alone.foreign[0].why : "it is no endorsement";
        return false;
    }
    if (alone.n > 1) {
        *why = "it holds several endorsements";
        return false;
    }
    return want_met(a, w, &alone.v[0], why);
}

/* Last year's document has another evaluation number, so it would not meet the newer one under its name. Who asked for a number
 * gets it; who asked for the standard is not sent back. */
static bool is_older(struct arena *a, const struct fetch_how *how, struct folder *f, const struct want *w,
                     struct bytes content, bool *older, struct fault *fault)
{
    struct catalogue all;

    *older = false;
    if ((w->kind != WANT_TCB_INFO && w->kind != WANT_IDENTITY) || w->evaluation)
        return true;
    catalogue_init(&all, a);
    for (size_t i = 0; how->trust && i < how->trust->count; i++)
        catalogue_add_anchor(&all, how->trust->pins[i]);
    if (!folder_load(f, &all, fault))
        return false;
    size_t there = all.n;
    if (!catalogue_add(&all, "the answer", content) || all.n == there)
        return true; /* it is there already */
    const struct collateral *o = &all.v[there];
    for (size_t i = 0; i < there && !*older; i++)
        *older = all.v[i].kind == o->kind && bytes_equal(all.v[i].fmspc, o->fmspc) &&
                 all.v[i].evaluation > o->evaluation && collateral_older(o, &all.v[i]) &&
                 collateral_judge(&all, &all.v[i]) == COLLATERAL_GENUINE;
    return true;
}

static void put(struct arena *a, const struct fetch_how *how, const struct want *w, const char *url,
                const struct upstream_objects *objects, struct fetch_result *out)
{
    static const enum fetch_outcome outcomes[] = {
        [FOLDER_NEW] = FETCH_NEW,     [FOLDER_REPLACED] = FETCH_REPLACED, [FOLDER_SAME] = FETCH_SAME,
        [FOLDER_NEWER] = FETCH_OLDER, [FOLDER_OTHER] = FETCH_SAME,        [FOLDER_REFUSED] = FETCH_REFUSED};
    struct folder_result results[UPSTREAM_OBJECTS];
    struct fault fault = {0};
    struct folder folder;

    if (!folder_open(&folder, how->folder, FOLDER_WRITE, &fault)) {
        fail(out, FETCH_UNWRITABLE, arena_printf(a, "%s", fault.text));
        return;
    }
    bool older, ok = is_older(a, how, &folder, w, objects->v[0], &older, &fault) &&
                     (older || folder_put(&folder, a, how->trust, objects->v, objects->count, results, &fault));
    folder_close(&folder);
    if (!ok) {
        fail(out, FETCH_UNWRITABLE, arena_printf(a, "%s", fault.text));
        return;
    }
    if (older) {
        fail(out, FETCH_OLDER, arena_printf(a, "%s: a newer one, of a higher evaluation number, is there", url));
        return;
    }
    out->name = results[0].name;
    fail(out, outcomes[results[0].outcome],
         fetch_succeeded(outcomes[results[0].outcome]) ? "" : arena_printf(a, "%s: %s", url, results[0].why));
}

/* Whether another way to ask the same source may give what this one did not. */
static bool worth_another(const struct fetch_result *r)
{
    return r->outcome == FETCH_ABSENT || r->outcome == FETCH_REFUSED;
}

static void try_one(struct arena *a, const struct fetch_how *how, const struct upstream *u, const struct want *w,
                    const struct upstream_request *r, struct fetch_result *out)
{
    struct http_answer answer;
    struct upstream_objects objects;
    struct fault fault = {0};
    const char *why = "";

    if (!ask(a, how, r, &answer, out))
        return;
    throttle_good(how->throttle, r->url);
    if (!upstream_read(a, u, w, r, &answer, &objects, &fault))
        fail(out, FETCH_REFUSED, arena_printf(a, "%s: %s", r->url, fault.text));
    else if (!is_wanted(a, w, objects.v[0], &why))
        fail(out, FETCH_REFUSED, arena_printf(a, "%s: not what was asked for: %s", r->url, why));
    else
        put(a, how, w, r->url, &objects, out);
}

void fetch_want(struct arena *a, const struct fetch_how *how, const struct want *w, struct fetch_result *out)
{
    *out = (struct fetch_result){.outcome = FETCH_ABSENT, .why = "no source that is set has such endorsements"};
    for (size_t s = 0; s < how->source_count && !stopping(how); s++) {
        const struct upstream *u = &how->sources[s];
        struct upstream_request requests[UPSTREAM_TRIES];

        if (!upstream_serves(u, w))
            continue;
        size_t n = upstream_requests(a, u, w, requests);
        for (size_t i = 0; i < n && !stopping(how); i++) {
            out->from = u->shape;
            out->name = NULL;
            out->wait = 0;
            try_one(a, how, u, w, &requests[i], out);
            if (fetch_succeeded(out->outcome) || out->outcome == FETCH_UNWRITABLE)
                return;
            if (!worth_another(out))
                break;
        }
    }
}
