#include "service/rotation.h"

#include <stdlib.h>
#include <time.h>

#include "core/key_life.h"
#include "service/log.h"
#include "service/regional.h"
#include "service/tenancy.h"

enum {
    LOOK_PROVIDERS = 4096, /* in one look, a millisecond or so */
    PAUSE_SECONDS = 60,    /* after a failure */
    LAG_MOST = 60,         /* seconds by which nodes of one store may differ */
    STEP_MEMORY = 16 * 1024 * 1024,
};
static const struct timeval look_interval = {.tv_sec = 1};

struct rotation {
    struct service *service;
    struct event *timer;
    struct arena arena; /* of the step under way */
    size_t at;          /* of the registry, where the next look begins */
    size_t looked;      /* since the last look at all began */
    bool busy;
    enum rotation_step step;
    struct tenant *tenant;
    uint32_t lot;  /* of this start, for its lag */
    int64_t pause; /* until then nothing is tried: the store or the core failed */
    struct rotation_state seen, counting;
};

/* The kid is base64 of a digest: two of its characters are as good as a number drawn for it. */
static int64_t sooner(struct bytes kid, int64_t period)
{
    unsigned n = kid.n >= 2 ? (unsigned)kid.p[0] * 131u + kid.p[1] : 0;

    return period / 8 * (int64_t)(n % 1024) / 1024;
}

static int64_t due_by_age(const struct tenant *t, const struct rotation_rules *rules)
{
    return tenant_key_since(t) + rules->period - sooner(t->key.kid, rules->period) - rules->ahead;
}

/* The setting is another one than when the key was made, or the region's key is new. */
static bool has_another(const struct tenant *t, const struct tenant *region)
{
    if (region)
        return !bytes_equal(t->key.kid, region->key.kid);
    return sealed_key_is_regional(t->key.sealed) && !key_is_region(t->issuer);
}

enum rotation_step rotation_next(const struct tenant *t, const struct rotation_rules *rules,
                                 const struct tenant *region, int64_t *due)
{
    *due = 0;
    if (t->next.kid.n) {
        *due = t->next.since + rules->ahead;
        return ROTATION_SWITCH;
    }
    if (has_another(t, region))
        return ROTATION_PUBLISH;
    if (!rules->period || region)
        return ROTATION_NONE;
    *due = due_by_age(t, rules);
    return key_is_region(t->issuer) ? ROTATION_RENEW : ROTATION_PUBLISH;
}

static struct rotation_rules rules_of(const struct config *c)
{
    return (struct rotation_rules){.period = c->rotation_seconds, .ahead = c->publish_ahead_seconds};
}

static void count(struct rotation_state *n, const struct tenant *t, enum rotation_step step, int64_t due, int64_t now)
{
    int64_t since = tenant_key_since(t);

    if (!n->oldest || since < n->oldest)
        n->oldest = since;
    if (step != ROTATION_NONE && (!n->next || due < n->next))
        n->next = due;
    n->waiting += step == ROTATION_SWITCH;
    n->overdue += step != ROTATION_NONE && due + ROTATION_OVERDUE < now;
}

/* All were looked at. */
static void look_ends(struct rotation *r)
{
    if (r->counting.overdue && !r->seen.overdue)
        log_error("%zu signing keys should have changed an hour ago and did not; the reasons stand above",
                  r->counting.overdue);
    r->counting.published = r->seen.published;
    r->counting.switched = r->seen.switched;
    r->counting.failed = r->seen.failed;
    r->seen = r->counting;
    r->counting = (struct rotation_state){0};
    r->looked = 0;
}

/* The node that is first saves the others the making of a key that nobody needs: they wait a little, each another while. */
static int64_t lag_of(const struct rotation *r, const struct rotation_rules *rules)
{
    int64_t most = rules->ahead / 16 < LAG_MOST ? rules->ahead / 16 : LAG_MOST;

    return most ? (int64_t)(r->lot % (uint64_t)most) : 0;
}

/* The step of one tenant, if it is one that has any. */
static bool step_of(struct rotation *r, const struct tenant *t, const struct rotation_rules *rules, int64_t now,
                    enum rotation_step *step, int64_t *due)
{
    const struct service *s = r->service;

    if (key_is_region(t->issuer) ? !s->config->regional_keys || !t->key.sealed.n : !tenant_serves(t))
        return false;
    arena_reset(&r->arena);
    struct bytes name = regional_name(s, &r->arena, t->issuer);
    struct bytes why;
    if (regional_refused(s, &r->arena, t->issuer, &why))
        return false; /* the log has it */
    const struct tenant *region = regional_tenant(s, &r->arena, name);
    *step = rotation_next(t, rules, region, due);
    if (regional_to_revoke(regional_revoker(s, &r->arena, t->issuer), t, now).n) {
        *step = ROTATION_REVOKE;
        *due = 0;
    }
    if (name.n && !region) { /* it is to have one: whoever takes the step makes it first */
        *step = ROTATION_PUBLISH;
        *due = 0;
    }
    return true;
}

static struct tenant *next_due(struct rotation *r, int64_t now, enum rotation_step *step)
{
    const struct rotation_rules rules = rules_of(r->service->config);
    size_t count_all = registry_count(r->service->registry);
    int64_t due, lag = lag_of(r, &rules);

    for (size_t n = 0; n < LOOK_PROVIDERS && r->looked < count_all; n++) {
        struct tenant *t = registry_at(r->service->registry, r->at++ % count_all);

        r->looked++;
        if (!step_of(r, t, &rules, now, step, &due))
            continue;
        count(&r->counting, t, *step, due, now);
        if (*step != ROTATION_NONE && due + lag <= now && t->key_pause <= now)
            return t;
    }
    if (r->looked >= count_all)
        look_ends(r);
    return NULL;
}

static void failed(struct rotation *r, const struct tenancy_result *result)
{
    int64_t now = (int64_t)time(NULL);

    r->seen.failed++;
    r->tenant->key_pause = now + PAUSE_SECONDS;
    if (result->status == 503)
        r->pause = now + PAUSE_SECONDS;
    log_error("the signing key of %.*s does not change: %.*s", (int)r->tenant->issuer.n,
              (const char *)r->tenant->issuer.p, (int)result->message.n, (const char *)result->message.p);
}

static void succeeded(struct rotation *r)
{
    static const char *const said[] = {
        [ROTATION_PUBLISH] = "is published; it will sign once clients had time to see it",
        [ROTATION_SWITCH] = "signs from now on; the one before stays listed until its tokens have expired",
        [ROTATION_REVOKE] = "signs; one that its region revoked is listed no more",
        [ROTATION_RENEW] = "is the region's new one; its providers follow"};
    const struct tenant *t = r->tenant;
    const struct provider_key *key = r->step == ROTATION_PUBLISH ? &t->next : &t->key;

    ++*(r->step == ROTATION_PUBLISH ? &r->seen.published : &r->seen.switched);
    log_info("%.*s: the signing key %.*s %s", (int)t->issuer.n, (const char *)t->issuer.p, (int)key->kid.n,
             (const char *)key->kid.p, said[r->step]);
}

static void done(void *context, const struct tenancy_result *result)
{
    struct rotation *r = context;

    r->busy = false;
    if (result->status == 0)
        succeeded(r);
    else if (!bytes_is(result->code, "Conflict")) /* somebody was first */
        failed(r, result);
    if (!r->service->stopping)
        event_active(r->timer, EV_TIMEOUT, 0); /* there may be more */
}

/* The region has a key now, and the step it was made for is due still. */
static void region_made(void *context, const struct tenancy_result *result)
{
    struct rotation *r = context;

    r->busy = false;
    if (result->status && !bytes_is(result->code, "Conflict"))
        failed(r, result);
}

static void take_step(struct rotation *r, int64_t now)
{
    static const enum manage_what steps[] = {[ROTATION_PUBLISH] = MANAGE_KEY_PUBLISH,
                                             [ROTATION_SWITCH] = MANAGE_KEY_SWITCH,
                                             [ROTATION_REVOKE] = MANAGE_KEY_REVOKE,
                                             [ROTATION_RENEW] = MANAGE_KEY_REPLACE};
    const struct tenant *t = r->tenant;
    struct tenancy_change change = {.issuer = t->issuer, .caller = BYTES_LIT("rotation"), .now = now};
    struct key_request request = {BYTES_NONE};

    arena_reset(&r->arena);
    struct bytes name = regional_name(r->service, &r->arena, t->issuer);
    const struct tenant *region = regional_tenant(r->service, &r->arena, name);
    if (name.n && !region) {
        change.issuer = name;
        tenancy_create(r->service, &r->arena, &change, region_made, r);
        return;
    }
    if (r->step == ROTATION_REVOKE)
        request.kid = regional_to_revoke(regional_revoker(r->service, &r->arena, t->issuer), t, now);
    change.signers = write_key_request(&r->arena, &request);
    tenancy_key(r->service, &r->arena, t, steps[r->step], &change, done, r);
}

static void look(evutil_socket_t fd, short what, void *context)
{
    struct rotation *r = context;
    int64_t now = (int64_t)time(NULL);

    (void)fd, (void)what;
    if (r->busy || !r->service->ready || r->service->stopping || now < r->pause)
        return;
    r->tenant = next_due(r, now, &r->step);
    if (!r->tenant)
        return;
    r->busy = true;
    take_step(r, now);
}

struct rotation *rotation_new(struct service *s, struct fault *fault)
{
    struct rotation *r = calloc(1, sizeof *r);

    if (r)
        r->timer = event_new(s->base, -1, EV_PERSIST, look, r);
    if (!r || !r->timer || event_add(r->timer, &look_interval) != 0) {
        rotation_free(r);
        fault_set(fault, FAULT_SYSTEM, "no timer for the rotation of keys");
        return NULL;
    }
    r->service = s;
    random_bytes((uint8_t *)&r->lot, sizeof r->lot); /* without one it is 0, which will do */
    arena_init(&r->arena, STEP_MEMORY);
    return r;
}

void rotation_free(struct rotation *r)
{
    if (!r)
        return;
    if (r->timer)
        event_free(r->timer);
    arena_free(&r->arena);
    free(r);
}

void rotation_state(const struct rotation *r, struct rotation_state *out)
{
    *out = r ? r->seen : (struct rotation_state){0};
}
