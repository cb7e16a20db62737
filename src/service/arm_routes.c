#include "service/arm_routes.h"

#include <time.h>

#include "arm/answer.h"
#include "base/limits.h"
#include "service/log.h"
#include "service/submit.h"
#include "service/tenancy.h"

/* One request under way. It lives in its exchange's arena, until what it changes is stored. */
struct controlling {
    struct service *service;
    struct exchange *exchange;
    struct arm_answer answer;
    struct bytes caller;
    struct record record;
};

static void reply(struct exchange *e, const struct arm_answer *answer)
{
    http_header(e, "Cache-Control", "no-cache");
    http_header(e, "Pragma", "no-cache");
    http_header(e, "Expires", "-1");
    if (answer->location)
        http_header(e, "Location", answer->location);
    if (answer->code)
        http_header(e, "x-ms-error-code", answer->code);
    http_reply(e, answer->status, answer->body);
}

static void refuse(struct exchange *e, int status, const char *code, struct bytes message)
{
    reply(e, &(struct arm_answer){.status = status, .code = code, .body = arm_error(&e->arena, code, message)});
}

/* The second label of the host, where it is a region's code: NAME.CODE.DOMAIN. */
static const struct region *region_of(const struct regions *regions, struct bytes issuer)
{
    for (size_t i = 0; i < regions->count; i++) {
        struct bytes code = regions->v[i].code, rest = bytes_after(issuer, strlen("https://"));
        const uint8_t *dot = memchr(rest.p, '.', rest.n);

        rest = dot ? bytes_after(rest, (size_t)(dot - rest.p) + 1) : BYTES_NONE;
        if (bytes_equal(bytes_first(rest, code.n), code) && bytes_begin(bytes_after(rest, code.n), "."))
            return &regions->v[i];
    }
    return NULL;
}

/* The first label, which is the name. */
static struct bytes first_label(struct bytes issuer)
{
    struct bytes rest = bytes_after(issuer, strlen("https://"));
    size_t n = 0;

    while (n < rest.n && rest.p[n] != '.' && rest.p[n] != ':')
        n++;
    return bytes_first(rest, n);
}

/* A tenant as the control plane shows it; NULL when its record does not read. */
static const struct resource *resource_of(struct service *s, struct arena *a, const struct tenant *t)
{
    const struct held_record *held = tenant_record(t, BYTES_LIT("provider"));
    const struct region *region = region_of(&s->config->regions, t->issuer);
    struct resource *r = ARENA_NEW(a, struct resource);

    if (!t->fixed)
        return held && resource_read(a, held->body, r, NULL) ? r : NULL;
    *r = (struct resource){.owner = t->shared ? ARM_SHARED : ARM_FIXED,
                           .subscription = t->place.subscription,
                           .group = t->place.group,
                           .name = t->place.name.n ? t->place.name : first_label(t->issuer),
                           .location = region ? region->name : BYTES_NONE,
                           .region = region ? region->code : BYTES_NONE,
                           .issuer = t->issuer};
    return r;
}

static const struct resource *find(void *context, struct bytes subscription, struct bytes group, struct bytes name)
{
    struct controlling *c = context;
    const struct tenant *t = registry_by_place(c->service->registry, &(struct place){subscription, group, name});

    return t ? resource_of(c->service, &c->exchange->arena, t) : NULL;
}

/* A deleted one is none. One whose record does not read keeps its name: nobody else is to have it. */
static const struct resource *find_issuer(void *context, struct bytes issuer)
{
    static const struct resource unreadable;
    struct controlling *c = context;
    const struct tenant *t = registry_by_issuer(c->service->registry, issuer);
    const struct held_record *held = t ? tenant_record(t, BYTES_LIT("provider")) : NULL;

    if (!t || (!t->fixed && (!held || held->body.n == 0)))
        return NULL;
    const struct resource *r = resource_of(c->service, &c->exchange->arena, t);
    return r ? r : &unreadable;
}

struct visiting {
    struct controlling *controlling;
    arm_visit *visit;
    void *to;
    bool enough;
};

/* Records are read one at a time: a subscription may have thousands. */
static void visit_one(void *context, const struct tenant *t)
{
    struct visiting *v = context;
    const struct resource *r;
    struct arena a;

    if (v->enough)
        return;
    arena_init(&a, LIMIT_REQUEST_MEMORY);
    r = resource_of(v->controlling->service, &a, t);
    v->enough = r && !v->visit(v->to, r);
    arena_free(&a);
}

static void each(void *context, struct bytes subscription, struct bytes group, arm_visit *visit, void *to)
{
    struct controlling *c = context;

    registry_each(c->service->registry, subscription, group, visit_one, &(struct visiting){c, visit, to, false});
}

/* Shared ones are the configuration's; which is a region's default is told by its host name. */
static void defaults(void *context, arm_visit *visit, void *to)
{
    struct controlling *c = context;
    const struct config *config = c->service->config;

    for (size_t i = 0; i < config->provider_count; i++) {
        const struct tenant *t = registry_by_issuer(c->service->registry, bytes_text(config->providers[i].issuer));
        const struct resource *r = t && t->shared ? resource_of(c->service, &c->exchange->arena, t) : NULL;

        if (r && r->region.n && !visit(to, r))
            return;
    }
}

/* What came of it. */
static void finished(void *context, const struct tenancy_result *result)
{
    struct controlling *c = context;
    struct arena *a = &c->exchange->arena;

    if (result->status == 0)
        reply(c->exchange, &c->answer);
    else
        refuse(c->exchange, result->status, arena_string(a, result->code), result->message);
}

static void updated(void *context, enum ledger_outcome outcome, const struct fault *fault)
{
    struct controlling *c = context;

    if (outcome == LEDGER_DONE) {
        reply(c->exchange, &c->answer);
        return;
    }
    if (outcome != LEDGER_CONFLICT)
        log_error("%s a change was not stored: %s", c->exchange->id, fault->text);
    http_header(c->exchange, "Retry-After", outcome == LEDGER_CONFLICT ? "1" : "5");
    refuse(c->exchange, outcome == LEDGER_CONFLICT ? 409 : 503,
           outcome == LEDGER_CONFLICT ? "Conflict" : "ServiceUnavailable", bytes_text(ledger_reason(outcome, fault)));
}

static void update(struct controlling *c, const struct tenant *t)
{
    struct exchange *e = c->exchange;
    const struct change change = {.kind = BYTES_LIT("provider"), .body = c->answer.effect.record};

    c->record = record_of(&e->arena, t, &change, c->caller);
    if (!ledger_append(c->service->ledger, &c->record, 1, updated, c))
        updated(c, LEDGER_FAILED, &(struct fault){.text = "too many changes wait for the store"});
}

/* Durable before it is acknowledged. */
static void carry_out(struct controlling *c, int64_t now)
{
    const struct arm_effect *effect = &c->answer.effect;
    const struct tenant *t = registry_by_issuer(c->service->registry, effect->issuer);
    const struct tenancy_change change = {.issuer = effect->issuer,
                                          .signers = effect->signers,
                                          .resource = effect->record,
                                          .caller = c->caller,
                                          .now = now};

    switch (effect->kind) {
    case ARM_NOTHING: reply(c->exchange, &c->answer); break;
    case ARM_CREATE: tenancy_create(c->service, &c->exchange->arena, &change, finished, c); break;
    case ARM_UPDATE: update(c, t); break;
    case ARM_DELETE: tenancy_delete(c->service, &c->exchange->arena, t, &change, finished, c); break;
    }
}

static bool has_escape(const char *path, const char *digits)
{
    for (; *path && *path != '?'; path++)
        if (*path == '%' && strncasecmp(path + 1, digits, 2) == 0)
            return true;
    return false;
}

static void answer(struct service *s, struct exchange *e, const struct arm_request *request, struct bytes caller)
{
    struct controlling *c = ARENA_NEW(&e->arena, struct controlling);
    const struct arm_directory directory = {c, find, find_issuer, each, defaults};

    *c = (struct controlling){.service = s, .exchange = e, .caller = caller};
    arm_answer(&e->arena, &directory, &s->config->regions, request, &c->answer);
    carry_out(c, request->time);
}

static bool below(struct bytes path, const char *prefix)
{
    size_t n = strlen(prefix);

    return path.n > n && bytes_is_nocase(bytes_first(path, n), prefix);
}

bool arm_routes_take(const struct service *s, const struct exchange *e)
{
    return s->config->control_authority && bytes_is_nocase(e->authority, s->config->control_authority) &&
           (below(e->path, "/subscriptions/") || below(e->path, "/providers/"));
}

void arm_routes(struct service *s, struct exchange *e)
{
    struct arm_request request = {
        .version = http_query(e, "api-version"), .body = e->body, .time = (int64_t)time(NULL)};
    const char *allowed = NULL;
    enum arm_found found =
        has_escape(e->sent_path, "2f") ? ARM_NO_PATH : arm_route(e->method, e->path, &request.route, &allowed);
    if (!bearer_ok(s, e))
        unauthorized(e);
    else if (found == ARM_NO_PATH)
        refuse(e, 404, "InvalidResourceType", BYTES_LIT("There is no such path."));
    else if (found == ARM_WRONG_METHOD) {
        http_header(e, "Allow", allowed);
        refuse(e, 405, "MethodNotAllowed", BYTES_LIT("This path does not answer to that method."));
    } else if (!s->ready || s->stopping)
        refuse(e, 503, "ServiceUnavailable", BYTES_LIT("The service is starting, or stopping. Try again."));
    else {
        request.caller = (struct arm_caller){BYTES_LIT("bearer token of the configuration"), ARM_KEY};
        answer(s, e, &request, request.caller.name);
    }
}
