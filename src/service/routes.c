#include "service/routes.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "service/log.h"

/* A request that waits for the core. */
struct waiting {
    struct service *service;
    struct exchange *exchange;
    struct bytes issuer, caller;
};

static const struct served *find_served(const struct service *s, struct bytes authority)
{
    for (size_t i = 0; i < s->served_count; i++)
        if (bytes_equal(s->served[i].authority, authority))
            return &s->served[i];
    return NULL;
}

void routes_keys(struct service *s, const struct key_record *keys, size_t count)
{
    s->served = ARENA_ARRAY(&s->arena, struct served, count);
    for (size_t i = 0; i < count; i++) {
        struct served *v = &s->served[s->served_count++];
        char *authority = arena_string(&s->arena, bytes_after(keys[i].issuer, strlen("https://")));

        for (char *p = authority; *p; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p + 32);
        v->authority = bytes_text(authority);
        v->issuer = arena_copy(&s->arena, keys[i].issuer);
        v->jwks = token_jwks(&s->arena, &keys[i], 1);
        v->openid = token_openid(&s->arena, v->issuer);
    }
}

/* ^\d{4}-\d{2}-\d{2}(-preview)?$ of 2018-09-01 or later (api.md 1.2). */
static bool api_version_ok(const char *v)
{
    static const char first[] = "2018-09-01";
    int64_t t;
    char time[32];

    if (!v || strlen(v) < 10 || (v[10] && strcmp(v + 10, "-preview") != 0))
        return false;
    snprintf(time, sizeof time, "%.10sT00:00:00Z", v);
    return time_parse(bytes_text(time), &t) && strncmp(v, first, 10) >= 0;
}

static bool bearer_ok(const struct service *s, const struct exchange *e)
{
    const char *given = http_request_header(e, "Authorization");

    return given && s->bearer.n && strncasecmp(given, "Bearer ", 7) == 0 &&
           secret_equal(bytes_text(given + 7), s->bearer);
}

static void unauthorized(struct exchange *e)
{
    http_header(
        e, "WWW-Authenticate",
        "Bearer authorization_uri=\"https://login.microsoftonline.com/common\", resource=\"https://attest.azure.net\"");
    http_fail(e, 401, "Unauthorized",
              arena_printf(&e->arena, "Access to %s requires a valid JWT bearer token", e->sent_path));
}

static void wrong_method(struct exchange *e, const char *allowed)
{
    http_header(e, "Allow", allowed);
    http_fail(e, 405, "MethodNotAllowed", arena_printf(&e->arena, "This path answers to %s.", allowed));
}

static void core_failed(struct exchange *e, enum pool_failure outcome)
{
    switch (outcome) {
    case POOL_SLOW:
        http_fail(e, 503, "ServiceUnavailable", "The request took longer than a request may; it was ended.");
        break;
    case POOL_OVER_MEMORY:
        http_fail(e, 413, "RequestTooComplex", "The request needed more memory than a request may; it was ended.");
        break;
    case POOL_REFUSED_UNREAD:
        http_header(e, "Retry-After", "600");
        http_fail(e, 400, "InvalidParameter",
                  "This very request ended its verifier twice; it is refused unread for ten minutes.");
        break;
    default:
        http_header(e, "Retry-After", "1");
        http_fail(e, 503, "ServiceUnavailable", "The verifier ended while it worked on the request. Try again.");
        break;
    }
}

/* Make the change durable; the snapshot follows before the answer goes out. */
static bool store_change(struct waiting *w, const struct change *change, struct fault *fault)
{
    struct service *s = w->service;
    struct record record = {.provider = w->issuer,
                            .kind = change->kind,
                            .time = (int64_t)time(NULL),
                            .body = change->body,
                            .hash = change->hash,
                            .signer = change->signer,
                            .caller = w->caller};
    bool conflict;

    if (!s->store)
        return fault_set(fault, FAULT_SYSTEM, "there is no store: set [store] url");
    if (!store_next_version(s->store, &w->exchange->arena, record.provider, record.kind, &record.version, fault))
        return false;
    return store_append(s->store, &record, &conflict, fault) && service_reload(s, fault);
}

static void answered(void *context, enum pool_failure outcome, const struct answered *answer)
{
    struct waiting *w = context;
    struct exchange *e = w->exchange;
    struct fault fault = {0};

    if (outcome != POOL_ANSWERED) {
        core_failed(e, outcome);
        return;
    }
    if (answer->failed_check.n)
        e->failed_check = arena_string(&e->arena, answer->failed_check);
    if (answer->code.n)
        http_header(e, "x-ms-error-code", arena_string(&e->arena, answer->code));
    if (answer->change.kind.n && !store_change(w, &answer->change, &fault)) {
        log_error("a change of %.*s was not stored: %s", (int)w->issuer.n, (const char *)w->issuer.p, fault.text);
        http_header(e, "Retry-After", "5");
        http_fail(e, 503, "ServiceUnavailable", "The change could not be stored; nothing changed. Try again.");
        return;
    }
    http_reply(e, answer->status, answer->body);
}

static void submit(struct service *s, struct exchange *e, enum frame_kind kind, struct bytes message,
                   struct bytes issuer)
{
    struct waiting *w = ARENA_NEW(&e->arena, struct waiting);
    const struct bytes identity[2] = {e->path, e->body};

    *w = (struct waiting){
        .service = s, .exchange = e, .issuer = issuer, .caller = BYTES_LIT("bearer token of the configuration")};
    if (s->stopping || !s->ready || !pool_submit(s->pool, kind, message, identity, answered, w)) {
        http_header(e, "Retry-After", "1");
        http_fail(e, 503, "ServiceUnavailable",
                  s->ready ? "Too many requests wait already. Try again." : "The service is starting. Try again.");
    }
}

static void attest(struct service *s, struct exchange *e, const struct served *v, struct bytes type)
{
    uint8_t *entropy = arena_alloc(&e->arena, TOKEN_JTI_ENTROPY);
    const char *version = http_query(e, "api-version");
    const struct policy_kind *kind = policy_kind_find(type);

    if (!kind || bytes_is_nocase(type, "VbsEnclave")) {
        http_fail(e, 404, "NotFound", "There is no such attestation type.");
        return;
    }
    if (strcmp(e->method, "POST") != 0) {
        wrong_method(e, "POST");
        return;
    }
    if (!api_version_ok(version)) {
        http_fail(e, 400, "InvalidParameter",
                  "The query parameter api-version must be given, as YYYY-MM-DD or YYYY-MM-DD-preview, not before "
                  "2018-09-01.");
        return;
    }
    if (strcmp(version, "2018-09-01-preview") == 0 && !bearer_ok(s, e)) {
        unauthorized(e);
        return;
    }
    struct core_request request = {.issuer = v->issuer, .attester = type, .body = e->body, .time = (int64_t)time(NULL)};
    if (!http_random(s->http, entropy, TOKEN_JTI_ENTROPY)) {
        http_fail(e, 503, "ServiceUnavailable", "The system gives no random numbers.");
        return;
    }
    request.entropy = bytes_make(entropy, TOKEN_JTI_ENTROPY);
    submit(s, e, FRAME_ATTEST, write_attest(&e->arena, &request), v->issuer);
}

static void manage(struct service *s, struct exchange *e, const struct served *v, enum manage_operation operation,
                   struct bytes kind)
{
    struct manage_request request = {
        .operation = operation, .issuer = v->issuer, .kind = kind, .body = e->body, .time = (int64_t)time(NULL)};

    if (!bearer_ok(s, e)) {
        unauthorized(e);
        return;
    }
    if (!api_version_ok(http_query(e, "api-version"))) {
        http_fail(e, 400, "InvalidParameter",
                  "The query parameter api-version must be given, as YYYY-MM-DD or YYYY-MM-DD-preview, not before "
                  "2018-09-01.");
        return;
    }
    submit(s, e, FRAME_MANAGE, write_manage(&e->arena, &request), v->issuer);
}

/* Does the path begin with this segment, letter case ignored? *rest is what follows. */
static bool below(struct bytes path, const char *prefix, struct bytes *rest)
{
    size_t n = strlen(prefix);

    *rest = bytes_after(path, n);
    return path.n > n && bytes_is_nocase(bytes_first(path, n), prefix) && !memchr(rest->p, '/', rest->n);
}

static bool has_suffix(struct bytes text, const char *suffix)
{
    size_t n = strlen(suffix);

    return text.n > n && bytes_is_nocase(bytes_after(text, text.n - n), suffix);
}

static void policies(struct service *s, struct exchange *e, const struct served *v, struct bytes type)
{
    if (has_suffix(type, ":reset")) {
        type.n -= strlen(":reset");
        if (strcmp(e->method, "POST") == 0)
            manage(s, e, v, MANAGE_POLICY_RESET, type);
        else
            wrong_method(e, "POST");
    } else if (strcmp(e->method, "GET") == 0) {
        manage(s, e, v, MANAGE_POLICY_GET, type);
    } else if (strcmp(e->method, "PUT") == 0) {
        manage(s, e, v, MANAGE_POLICY_SET, type);
    } else {
        wrong_method(e, "GET, PUT");
    }
}

static void only(struct service *s, struct exchange *e, const struct served *v, const char *method,
                 enum manage_operation operation)
{
    if (strcmp(e->method, method) == 0)
        manage(s, e, v, operation, BYTES_NONE);
    else
        wrong_method(e, method);
}

static void document(struct exchange *e, int status, struct bytes body)
{
    if (strcmp(e->method, "GET") == 0 || strcmp(e->method, "HEAD") == 0)
        http_reply(e, status, body);
    else
        wrong_method(e, "GET, HEAD");
}

void routes_handle(void *service, struct exchange *e)
{
    struct service *s = service;
    const struct served *v = find_served(s, e->authority);
    struct bytes rest;

    if (bytes_is_nocase(e->path, "/servicehealth")) {
        document(e, s->ready ? 204 : 503, BYTES_NONE);
        return;
    }
    if (!v)
        http_fail(e, s->ready ? 404 : 503, s->ready ? "NotFound" : "ServiceUnavailable",
                  s->ready ? "No provider answers under this host name and port."
                           : "The service is starting. Try again.");
    else if (bytes_is_nocase(e->path, "/certs"))
        document(e, 200, v->jwks);
    else if (bytes_is_nocase(e->path, "/.well-known/openid-configuration"))
        document(e, 200, v->openid);
    else if (below(e->path, "/attest/", &rest))
        attest(s, e, v, rest);
    else if (below(e->path, "/policies/", &rest))
        policies(s, e, v, rest);
    else if (bytes_is_nocase(e->path, "/certificates"))
        only(s, e, v, "GET", MANAGE_SIGNERS_GET);
    else if (bytes_is_nocase(e->path, "/certificates:add"))
        only(s, e, v, "POST", MANAGE_SIGNERS_ADD);
    else if (bytes_is_nocase(e->path, "/certificates:remove"))
        only(s, e, v, "POST", MANAGE_SIGNERS_REMOVE);
    else
        http_fail(e, 404, "NotFound", "There is no such path.");
}
