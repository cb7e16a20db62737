#include "service/arm_routes.h"

#include <time.h>

#include "arm/answer.h"
#include "base/limits.h"
#include "base/text.h"
#include "core/key_life.h"
#include "service/audit.h"
#include "service/key_answer.h"
#include "service/log.h"
#include "service/regional.h"
#include "service/submit.h"
#include "service/tenancy.h"

/* One request under way. It lives in its exchange's arena, until what it changes is stored. */
struct controlling {
    struct service *service;
    struct exchange *exchange;
    struct arm_answer answer;
    struct bytes caller;
    struct tenant *refused; /* who was asked for, when a record of it is not the core's */
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

const struct region *arm_routes_region(const struct regions *regions, struct bytes issuer)
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

static const struct provider_config *config_of(const struct service *s, const struct tenant *t)
{
    const struct config *c = s->config;

    for (size_t i = 0; i < c->provider_count; i++)
        if (bytes_is(t->issuer, c->providers[i].issuer))
            return &c->providers[i];
    return NULL;
}

/* A tenant as the control plane shows it; NULL when its record does not read. */
static const struct resource *resource_of(const struct service *s, struct arena *a, const struct tenant *t)
{
    const struct provider_config *p = t->fixed ? config_of(s, t) : NULL;
    const struct held_record *held = tenant_record(t, BYTES_LIT("provider"));
    const struct region *region = arm_routes_region(&s->config->regions, t->issuer);
    struct resource *r = ARENA_NEW(a, struct resource);

    if (!p)
        return !t->fixed && held && resource_read(a, held->body, r, NULL) ? r : NULL;
    const struct held_record *signers = tenant_record(t, BYTES_LIT("signers"));
    *r = (struct resource){.owner = t->shared ? ARM_SHARED : ARM_FIXED,
                           .subscription = t->shared ? BYTES_NONE : bytes_text(p->subscription),
                           .group = t->shared ? BYTES_NONE : bytes_text(p->group),
                           .name = bytes_text(p->name),
                           .location = region ? region->name : BYTES_NONE,
                           .region = region ? region->code : BYTES_NONE,
                           .issuer = t->issuer,
                           .isolated = signers && signers->body.n};
    return r;
}

/* Of the configuration, and in no region's name: the shared ones are in no place. */
static const struct tenant *fixed_at(const struct service *s, size_t i)
{
    const struct tenant *t = registry_by_issuer(s->registry, bytes_text(s->config->providers[i].issuer));

    return t && t->fixed && !t->shared ? t : NULL;
}

static const struct resource *find(void *context, struct bytes subscription, struct bytes group, struct bytes name)
{
    struct controlling *c = context;
    struct arena *a = &c->exchange->arena;
    struct tenant *t = registry_by_place(c->service->registry, &(struct place){subscription, group, name});
    struct bytes why;

    if (t && registry_refuses(c->service->registry, t, a, &why))
        c->refused = t;
    if (t && !t->fixed)
        return resource_of(c->service, a, t);
    for (size_t i = 0; i < c->service->config->provider_count; i++) {
        const struct tenant *fixed = fixed_at(c->service, i);
        const struct resource *r = fixed ? resource_of(c->service, a, fixed) : NULL;

        if (r && resource_is(r, subscription, group, name))
            return r;
    }
    return NULL;
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
    struct bytes subscription, group;
    arm_visit *visit;
    void *to;
    bool enough;
};

/* Records are read one at a time: a subscription may have thousands. */
static void visit_one(void *context, const struct tenant *t)
{
    struct visiting *v = context;
    const struct resource *r = NULL;
    struct bytes why;
    struct arena a;

    if (v->enough)
        return;
    arena_init(&a, LIMIT_REQUEST_MEMORY);
    /* One that the core did not seal is left out; the log says which. */
    if (!registry_refuses(v->controlling->service->registry, (struct tenant *)(uintptr_t)t, &a, &why))
        r = resource_of(v->controlling->service, &a, t);
    v->enough = r && bytes_equal_nocase(r->subscription, v->subscription) &&
                (!v->group.n || bytes_equal_nocase(r->group, v->group)) && !v->visit(v->to, r);
    arena_free(&a);
}

static void each(void *context, struct bytes subscription, struct bytes group, arm_visit *visit, void *to)
{
    struct controlling *c = context;
    struct visiting v = {c, subscription, group, visit, to, false};

    for (size_t i = 0; i < c->service->config->provider_count; i++) {
        const struct tenant *fixed = fixed_at(c->service, i);

        if (fixed)
            visit_one(&v, fixed);
    }
    registry_each(c->service->registry, subscription, group, visit_one, &v);
}

static void add_one(void *context, const struct tenant *t)
{
    (void)t;
    ++*(size_t *)context;
}

static size_t count(void *context, struct bytes subscription)
{
    struct controlling *c = context;
    size_t n = 0;

    registry_each(c->service->registry, subscription, BYTES_NONE, add_one, &n);
    return n;
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

    if (result->status == 503 || bytes_is(result->code, "Conflict"))
        http_header(c->exchange, "Retry-After", result->status == 503 ? "5" : "1");
    if (result->status == 0)
        reply(c->exchange, &c->answer);
    else
        refuse(c->exchange, result->status, arena_string(a, result->code), result->message);
}

static void keys_shown(struct controlling *c)
{
    const struct tenant *t = registry_by_issuer(c->service->registry, c->answer.effect.issuer);

    c->answer.body = t ? key_answer(&c->exchange->arena, t, (int64_t)time(NULL)) : BYTES_NONE;
    reply(c->exchange, &c->answer);
}

/* What the log should have, whoever reads the audit records. */
static void keys_changed(void *context, const struct tenancy_result *result)
{
    struct controlling *c = context;
    const struct arm_effect *effect = &c->answer.effect;

    if (result->status) {
        finished(c, result);
        return;
    }
    if (effect->kind == ARM_KEYS_REVOKE)
        log_info("%.*s: the signing key %.*s is revoked by %.*s: tokens that it signed are refused from now on",
                 (int)effect->issuer.n, (const char *)effect->issuer.p, (int)effect->kid.n, (const char *)effect->kid.p,
                 (int)c->caller.n, (const char *)c->caller.p);
    else
        log_info("%.*s: a new signing key %s, asked for by %.*s", (int)effect->issuer.n, (const char *)effect->issuer.p,
                 effect->kind == ARM_KEYS_PUBLISH ? "is published" : "signs", (int)c->caller.n,
                 (const char *)c->caller.p);
    keys_shown(c);
}

static enum manage_what key_step(enum arm_effect_kind kind, bool of_region)
{
    if (kind == ARM_KEYS_REVOKE)
        return MANAGE_KEY_REVOKE;
    /* A region's new key signs for nobody until its providers publish it, each for itself. */
    return kind == ARM_KEYS_REPLACE || of_region ? MANAGE_KEY_REPLACE : MANAGE_KEY_PUBLISH;
}

/* A key that is its region's changes for the whole region: the provider named stands for it. */
static void change_keys(struct controlling *c, const struct tenant *t, struct tenancy_change change)
{
    const struct arm_effect *effect = &c->answer.effect;
    const struct key_request request = {effect->kid};
    struct arena *a = &c->exchange->arena;
    struct bytes name = regional_name(c->service, a, t->issuer);
    struct bytes why;

    if (regional_refused(c->service, a, t->issuer, &why)) {
        refuse(c->exchange, 500, "StateRefused", why);
        return;
    }
    const struct tenant *region = regional_tenant(c->service, a, name);
    bool of_region = region && (effect->kind != ARM_KEYS_REVOKE || regional_has(region, effect->kid));

    if (of_region && effect->kind == ARM_KEYS_REPLACE) {
        refuse(c->exchange, 409, "Conflict",
               BYTES_LIT("The key is that of a region: its providers publish the next one first. Leave out 'now', or "
                         "revoke the key."));
        return;
    }
    if (of_region)
        change.issuer = region->issuer;
    change.signers = write_key_request(a, &request);
    tenancy_key(c->service, a, of_region ? region : t, key_step(effect->kind, of_region), &change, keys_changed, c);
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
    case ARM_UPDATE: tenancy_update(c->service, &c->exchange->arena, t, &change, finished, c); break;
    case ARM_DELETE: tenancy_delete(c->service, &c->exchange->arena, t, &change, finished, c); break;
    case ARM_KEYS_SHOW: keys_shown(c); break;
    case ARM_KEYS_PUBLISH:
    case ARM_KEYS_REPLACE:
    case ARM_KEYS_REVOKE: change_keys(c, t, change); break;
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
    const struct arm_directory directory = {c, find, find_issuer, each, count, defaults};

    *c = (struct controlling){.service = s, .exchange = e, .caller = caller};
    arm_answer(&e->arena, &directory, &s->config->regions, request, &c->answer);
    if (!c->refused || !state_refused(s, e, c->refused))
        carry_out(c, request->time);
}

static bool below(struct bytes path, const char *prefix)
{
    size_t n = strlen(prefix);

    return path.n > n && bytes_is_nocase(bytes_first(path, n), prefix);
}

bool arm_routes_take(const struct service *s, const struct exchange *e)
{
    bool its_listener = (e->by == LISTENER_ADMINISTRATION) == (s->administration != NULL);

    return its_listener && s->config->control_authority &&
           bytes_is_nocase(e->authority, s->config->control_authority) &&
           (below(e->path, "/subscriptions/") || below(e->path, "/providers/"));
}

enum arm_found arm_routes_find(const struct exchange *e, struct arm_route *out, const char **methods)
{
    if (!has_escape(e->sent_path, "2f") && utf8_valid(e->path)) /* answers repeat it */
        return arm_route(e->method, e->path, out, methods);
    *out = (struct arm_route){0};
    return ARM_NO_PATH;
}

/* What others depend on takes the right over everything: keys that a region shares. */
static struct scope scope_of(const struct service *s, const struct arm_route *route)
{
    bool shared =
        s->config->regional_keys && (route->operation == ARM_KEY_ROTATE || route->operation == ARM_KEY_REVOKE);

    return shared ? (struct scope){0} : (struct scope){route->subscription, route->group, route->name, false};
}

/* By the right that the route needs; where it needs none, any caller will do. */
static bool may(struct service *s, struct exchange *e, const struct arm_route *route, bool any_caller)
{
    static const enum action actions[] = {
        [ARM_ACTION_NONE] = ACTION_PROVIDER_READ,           [ARM_ACTION_READ] = ACTION_PROVIDER_READ,
        [ARM_ACTION_WRITE] = ACTION_PROVIDER_WRITE,         [ARM_ACTION_DELETE] = ACTION_PROVIDER_DELETE,
        [ARM_CONNECTION_READ] = ACTION_CONNECTION_READ,     [ARM_CONNECTION_WRITE] = ACTION_CONNECTION_WRITE,
        [ARM_CONNECTION_REMOVE] = ACTION_CONNECTION_DELETE, [ARM_LINK_READ] = ACTION_LINK_READ,
    };
    const struct scope scope = scope_of(s, route);
    struct access_answer found = {0};
    struct access_request request = access_of(e, actions[route->action], &scope);
    enum access access = sign_in_access(s->sign_in, &e->arena, &request, &found);

    e->failed_check = found.failed_check;
    if (access == ACCESS_UNAUTHENTICATED) {
        http_header(e, "WWW-Authenticate", sign_in_challenge(s->sign_in, &e->arena, PLANE_CONTROL, &found));
        refuse(
            e, 401, "AuthenticationFailed",
            bytes_text(found.failed_check
                           ? arena_printf(&e->arena, "Authentication failed: %s", found.reason)
                           : "Authentication failed. The 'Authorization' header is missing or holds no bearer token."));
        return false;
    }
    e->caller = found.caller; /* who is refused is on record, too */
    if (access != ACCESS_GRANTED && !any_caller) {
        refuse(e, 403, "AuthorizationFailed", bytes_text(found.reason));
        return false;
    }
    if (!audit_admits(s->audit, e)) {
        http_header(e, "Retry-After", "5");
        refuse(e, 503, "ServiceUnavailable", BYTES_LIT(UNRECORDABLE));
        return false;
    }
    return true;
}

static struct arm_caller caller_of(const struct exchange *e)
{
    const struct caller *c = &e->caller;
    bool machine = bytes_begin(c->issuer, "x509:");

    return (struct arm_caller){c->name.n ? c->name : c->subject, machine ? ARM_KEY : ARM_USER};
}

/* Nobody learns anything before he signed in: not even which paths and methods there are. */
void arm_routes(struct service *s, struct exchange *e)
{
    struct arm_request request = {.version = http_query(e, "api-version"),
                                  .body = e->body,
                                  .time = (int64_t)time(NULL),
                                  .providers_most = (size_t)s->config->subscription_providers};
    const char *methods = NULL;
    enum arm_found found = arm_routes_find(e, &request.route, &methods);

    if (!may(s, e, &request.route, found != ARM_FOUND || request.route.action == ARM_ACTION_NONE))
        return;
    if (found == ARM_NO_PATH) {
        refuse(e, 404, "InvalidResourceType", BYTES_LIT("There is no such path."));
    } else if (found == ARM_WRONG_METHOD) {
        http_header(e, "Allow", methods);
        refuse(e, 405, "MethodNotAllowed", BYTES_LIT("This path does not answer to that method."));
    } else if (!s->ready || s->stopping) {
        refuse(e, 503, "ServiceUnavailable", BYTES_LIT("The service is starting, or stopping. Try again."));
    } else {
        request.caller = caller_of(e);
        answer(s, e, &request, sign_in_caller_text(&e->arena, &e->caller));
    }
}
