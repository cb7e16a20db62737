#include "service/tenancy.h"

#include <stdlib.h>
#include <time.h>

#include "service/log.h"
#include "service/own_evidence.h"
#include "service/regional.h"
#include "service/submit.h"

enum {
    MAKING_MAX = 128, /* creations that wait; each is an open request */
    FIX_MEMORY = 16 * 1024 * 1024,
    TRIES_MOST =
        4, /* of what another change came before: one of the service's own, say, which puts evidence into a certificate */
    KEY_MILLISECONDS = 30 * 1000, /* to find two primes, on a slow machine */
};

/* A change of the tenancy under way. */
struct tenancy {
    struct tenancy *next; /* creation that waits behind this one */
    struct service *service;
    struct arena *arena;
    struct tenancy_change change;
    struct record *records;
    size_t count;
    const struct tenant *tenant; /* that was meant; NULL: a new one */
    uint64_t begin;              /* of it */
    /* Where it may be asked again, for the core looks anew at what there is: what. */
    bool again;
    enum manage_what what;
    int milliseconds;
    unsigned tries;
    tenancy_done *done;
    void *context;
};

static void fail(const struct tenancy *t, int status, const char *code, const char *message)
{
    t->done(t->context, &(struct tenancy_result){status, bytes_text(code), bytes_text(message)});
}

static void undone(void *context, const struct tenancy_result *result)
{
    const struct tenancy *t = context;

    if (result->status)
        log_error("%.*s, which came second to its place, is still there and serves nobody: %.*s",
                  (int)t->change.issuer.n, (const char *)t->change.issuer.p, (int)result->message.n,
                  (const char *)result->message.p);
    fail(t, 409, "Conflict", "Another provider of this name came first, in another region; nothing changed.");
}

/* Made while another of the same name was made in another region: nobody could find it, to delete it, say. */
static bool came_second(const struct tenancy *t)
{
    const struct tenant *made = registry_by_issuer(t->service->registry, t->change.issuer);
    const struct held_record *held = made ? tenant_record(made, BYTES_LIT("provider")) : NULL;

    return t->change.resource.n && held && held->version == t->records->version && !made->listed;
}

static void ask_change(struct tenancy *t, enum manage_what what, const struct tenant *tenant, int milliseconds);

/* The tenant that it is about; another may have its name already. */
static bool gone(const struct tenancy *t)
{
    return t->tenant && tenant_begin(t->tenant) != t->begin;
}

static bool ask_again(struct tenancy *t)
{
    if (!t->again || gone(t) || ++t->tries == TRIES_MOST)
        return false;
    ask_change(t, t->what, t->tenant, t->milliseconds);
    return true;
}

static void stored(void *context, enum ledger_outcome outcome, const struct fault *fault)
{
    struct tenancy *t = context;

    if (outcome == LEDGER_DONE && came_second(t)) {
        tenancy_delete(
            t->service, t->arena, registry_by_issuer(t->service->registry, t->change.issuer),
            &(struct tenancy_change){.issuer = t->change.issuer, .caller = t->change.caller, .now = t->change.now},
            undone, t);
    } else if (outcome == LEDGER_DONE) {
        own_evidence_soon(t->service->own_evidence, t->change.issuer);
        t->done(t->context, &(struct tenancy_result){0});
    } else if (outcome == LEDGER_CONFLICT) {
        if (!ask_again(t))
            fail(t, 409, "Conflict", ledger_reason(outcome, fault));
    } else {
        log_error("a change of %.*s was not stored: %s", (int)t->change.issuer.n, (const char *)t->change.issuer.p,
                  fault->text);
        fail(t, 503, "ServiceUnavailable", ledger_reason(outcome, fault));
    }
}

static void store(struct tenancy *t)
{
    if (!ledger_append(t->service->ledger, t->records, t->count, stored, t))
        stored(t, LEDGER_FAILED, &(struct fault){.text = "too many changes wait for the store"});
}

static struct tenancy *begin(struct service *s, struct arena *a, const struct tenancy_change *change,
                             tenancy_done *done, void *context)
{
    struct tenancy *t = ARENA_NEW(a, struct tenancy);

    *t = (struct tenancy){.service = s, .arena = a, .change = *change, .done = done, .context = context};
    return t;
}

/* What the core made of it, and sealed. */
static void store_answer(struct tenancy *t, const struct answered *answer)
{
    t->count = answer->changes.count;
    t->records = ARENA_ARRAY(t->arena, struct record, t->count);
    for (size_t i = 0; i < t->count; i++)
        t->records[i] = record_of(t->arena, t->change.issuer, &answer->changes.v[i]);
    store(t);
}

static bool takes_regional(enum manage_what what)
{
    return what == MANAGE_PROVIDER_CREATE || what == MANAGE_KEY_PUBLISH || what == MANAGE_KEY_REPLACE ||
           what == MANAGE_KEY_REVOKE;
}

/* The key that its region has for it, where it has one, and what the region revoked: as the core sealed both, for it to judge. */
static void add_regional(const struct tenancy *t, struct manage_request *request)
{
    const struct tenant *region =
        takes_regional(request->what)
            ? regional_tenant(t->service, t->arena, regional_name(t->service, t->arena, t->change.issuer))
            : NULL;

    if (!region)
        return;
    request->region_key = tenant_sealed_record(region, t->arena, BYTES_LIT("key"));
    request->region_revoked = tenant_sealed_record(region, t->arena, BYTES_LIT("revoked"));
}

/* Why it was not asked: the records of its region are not what the core sealed, or too many wait. */
static void not_asked(const struct tenancy *t, enum manage_what what)
{
    struct tenancy_result result = {.status = 500, .code = BYTES_LIT("StateRefused")};

    if (takes_regional(what) && regional_refused(t->service, t->arena, t->change.issuer, &result.message))
        t->done(t->context, &result);
    else
        fail(t, 503, "ServiceUnavailable", "Too many requests wait already. Try again.");
}

/* Asks the core for the records; False: not_asked tells why. tenant: whose state it needs, or NULL. */
static bool ask(struct tenancy *t, enum manage_what what, const struct tenant *tenant, int milliseconds,
                pool_done *answered)
{
    struct manage_request request = {.what = what,
                                     .issuer = t->change.issuer,
                                     .body = t->change.signers,
                                     .resource = t->change.resource,
                                     .caller = t->change.caller,
                                     .first = what == MANAGE_PROVIDER_CREATE && !tenant,
                                     .time = t->change.now};
    add_regional(t, &request);
    const struct pool_work work = {
        FRAME_MANAGE, write_manage(t->arena, &request), {t->change.issuer, t->change.signers}, tenant, milliseconds};

    struct bytes why;

    if (takes_regional(what) && regional_refused(t->service, t->arena, t->change.issuer, &why))
        return false;
    return !t->service->stopping && pool_submit(t->service->pool, &work, answered, t);
}

/* {"error":{"code","message"}} of the core, which alone wrote it. */
static void refused(const struct tenancy *t, const struct answered *answer)
{
    struct tenancy_result result = {.status = answer->status, .code = answer->code};
    const struct json *body = NULL;

    if (!json_parse(t->arena, answer->body, NULL, &body, NULL) ||
        !json_text(json_member(json_member(body, "error"), "message"), &result.message))
        result.message = BYTES_LIT("The request was refused.");
    t->done(t->context, &result);
}

static void made(void *context, enum pool_failure outcome, const struct answered *answer);

/* A key takes a pair hundreds of times as long as a request: one is made at a time, so that whoever creates many providers leaves
 * the other pairs to those who attest. */
static void make_next(struct service *s)
{
    for (struct tenancy *t; (t = s->making);) {
        const struct tenant *known = registry_by_issuer(s->registry, t->change.issuer);
        const struct tenant *before = known && known->records ? known : NULL;

        if (ask(t, MANAGE_PROVIDER_CREATE, before, KEY_MILLISECONDS, made))
            return;
        s->making = t->next;
        not_asked(t, MANAGE_PROVIDER_CREATE);
    }
}

static void made(void *context, enum pool_failure outcome, const struct answered *answer)
{
    struct tenancy *t = context;
    const struct tenant *known = registry_by_issuer(t->service->registry, t->change.issuer);

    t->service->making = t->next;
    make_next(t->service);
    if (outcome != POOL_ANSWERED) {
        fail(t, 503, "ServiceUnavailable", "The verifier ended while it worked on the request. Try again.");
        return;
    }
    if (answer->status != 200) {
        refused(t, answer);
        return;
    }
    /* Somebody was first while the key was made. From here on the store tells. */
    if (known && tenant_serves(known)) {
        stored(t, LEDGER_CONFLICT, &(struct fault){0});
        return;
    }
    store_answer(t, answer);
}

static void enqueue(struct service *s, struct tenancy *t)
{
    struct tenancy **at = &s->making;
    size_t waiting = 0;

    for (; *at; at = &(*at)->next)
        waiting++;
    if (waiting == MAKING_MAX) {
        fail(t, 503, "ServiceUnavailable", "Too many providers are being made already. Try again.");
        return;
    }
    *at = t;
    if (waiting == 0)
        make_next(s);
}

/* The region has a key, or another node was first to make it: what this was for goes on, and may find that it is not here yet. */
static void region_made(void *context, const struct tenancy_result *result)
{
    struct tenancy *t = context;

    if (result->status && result->status != 409)
        t->done(t->context, result);
    else if (!regional_tenant(t->service, t->arena, regional_name(t->service, t->arena, t->change.issuer)))
        fail(t, 409, "Conflict", "Another node makes the key of the region. Try again.");
    else
        enqueue(t->service, t);
}

void tenancy_create(struct service *s, struct arena *a, const struct tenancy_change *change, tenancy_done *done,
                    void *context)
{
    struct tenancy *t = begin(s, a, change, done, context);
    struct bytes region = regional_name(s, a, change->issuer);
    const struct tenancy_change first = {.issuer = region, .caller = change->caller, .now = change->now};

    struct bytes why;
    bool makes_it = region.n && !regional_refused(s, a, change->issuer, &why) && !regional_tenant(s, a, region);

    enqueue(s, makes_it ? begin(s, a, &first, region_made, t) : t);
}

static void changed(void *context, enum pool_failure outcome, const struct answered *answer)
{
    struct tenancy *t = context;

    if (outcome != POOL_ANSWERED)
        fail(t, 503, "ServiceUnavailable", "The verifier ended while it worked on the request. Try again.");
    else if (answer->status == 500 && gone(t)) /* without its key, a pair can do nothing for it */
        fail(t, 404, "ResourceNotFound", "The provider was deleted meanwhile; nothing changed.");
    else if (answer->status != 200)
        refused(t, answer);
    else
        store_answer(t, answer);
}

/* About a tenant that is there now. */
static struct tenancy *begin_of(struct service *s, struct arena *a, const struct tenant *tenant,
                                const struct tenancy_change *change, tenancy_done *done, void *context)
{
    struct tenancy *t = begin(s, a, change, done, context);

    t->tenant = tenant;
    t->begin = tenant_begin(tenant);
    return t;
}

static void ask_change(struct tenancy *t, enum manage_what what, const struct tenant *tenant, int milliseconds)
{
    if (!ask(t, what, tenant, milliseconds, changed))
        not_asked(t, what);
}

void tenancy_update(struct service *s, struct arena *a, const struct tenant *tenant, const struct tenancy_change *what,
                    tenancy_done *done, void *context)
{
    ask_change(begin_of(s, a, tenant, what, done, context), MANAGE_PROVIDER_UPDATE, tenant, 0);
}

/* Whatever else changes meanwhile, as long as it is the same provider. An update is not of these: it was made from what its caller
 * saw. */
static void ask_until_done(struct tenancy *t, enum manage_what what, const struct tenant *tenant, int milliseconds)
{
    t->again = true;
    t->what = what;
    t->milliseconds = milliseconds;
    ask_change(t, what, tenant, milliseconds);
}

void tenancy_delete(struct service *s, struct arena *a, const struct tenant *tenant, const struct tenancy_change *what,
                    tenancy_done *done, void *context)
{
    ask_until_done(begin_of(s, a, tenant, what, done, context), MANAGE_PROVIDER_DELETE, tenant, 0);
}

void tenancy_key(struct service *s, struct arena *a, const struct tenant *tenant, enum manage_what step,
                 const struct tenancy_change *what, tenancy_done *done, void *context)
{
    ask_until_done(begin_of(s, a, tenant, what, done, context), step, tenant, KEY_MILLISECONDS);
}

/* Providers of the configuration, one after another. */
struct fixing {
    struct service *service;
    struct arena arena;
    size_t next;
    tenancy_done *done;
    void *context;
};

static void fix_next(struct fixing *f);

static void fixed(void *context, const struct tenancy_result *result)
{
    struct fixing *f = context;

    if (result->status == 409) /* another node was first: look again */
        f->next--;
    else if (result->status) {
        f->done(f->context, result);
        arena_free(&f->arena);
        free(f);
        return;
    }
    fix_next(f);
}

static void fix_next(struct fixing *f)
{
    static const struct tenancy_result well;
    const struct config *c = f->service->config;
    struct tenancy_change change = {.caller = BYTES_LIT("the configuration"), .now = (int64_t)time(NULL)};

    for (; f->next < c->provider_count; f->next++) {
        const struct provider_config *p = &c->providers[f->next];
        struct fault fault = {0};

        arena_reset(&f->arena);
        change.issuer = arena_copy(&f->arena, bytes_text(p->issuer));
        if (tenant_serves(registry_fix(f->service->registry, change.issuer, p->shared)))
            continue;
        if (p->signers && !load_signers(&f->arena, p->signers, &change.signers, &fault)) {
            fixed(f, &(struct tenancy_result){500, BYTES_LIT("InternalError"), bytes_text(fault.text)});
            return;
        }
        f->next++;
        tenancy_create(f->service, &f->arena, &change, fixed, f);
        return;
    }
    f->done(f->context, &well);
    arena_free(&f->arena);
    free(f);
}

void tenancy_fix(struct service *s, tenancy_done *done, void *context)
{
    struct fixing *f = calloc(1, sizeof *f);

    if (!f)
        abort();
    *f = (struct fixing){.service = s, .done = done, .context = context};
    arena_init(&f->arena, FIX_MEMORY);
    fix_next(f);
}
