#include "service/submit.h"

#include <time.h>

#include "base/clock.h"
#include "service/log.h"

/* A request that waits for the core. */
struct waiting {
    struct service *service;
    struct exchange *exchange;
    struct bytes issuer, caller;
};

/* ^\d{4}-\d{2}-\d{2}(-preview)?$ of 2018-09-01 or later (api.md 1.2). */
static bool well_formed(const char *v)
{
    static const char first[] = "2018-09-01";
    int64_t t;
    char time[32];

    if (!v || strlen(v) < 10 || (v[10] && strcmp(v + 10, "-preview") != 0))
        return false;
    snprintf(time, sizeof time, "%.10sT00:00:00Z", v);
    return time_parse(bytes_text(time), &t) && strncmp(v, first, 10) >= 0;
}

bool version_ok(struct exchange *e)
{
    if (well_formed(http_query(e, "api-version")))
        return true;
    http_fail(
        e, 400, "InvalidParameter",
        "The query parameter api-version must be given, as YYYY-MM-DD or YYYY-MM-DD-preview, not before 2018-09-01.");
    return false;
}

bool bearer_ok(const struct service *s, const struct exchange *e)
{
    const char *given = http_request_header(e, "Authorization");

    return given && s->bearer.n && strncasecmp(given, "Bearer ", 7) == 0 &&
           secret_equal(bytes_text(given + 7), s->bearer);
}

void unauthorized(struct exchange *e)
{
    http_header(
        e, "WWW-Authenticate",
        "Bearer authorization_uri=\"https://login.microsoftonline.com/common\", resource=\"https://attest.azure.net\"");
    http_fail(e, 401, "Unauthorized",
              arena_printf(&e->arena, "Access to %s requires a valid JWT bearer token", e->sent_path));
}

void wrong_method(struct exchange *e, const char *allowed)
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
    return store_append(s->store, &record, 1, &conflict, fault) && service_reload(s, fault);
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
        http_fail(e, 503, "ServiceUnavailable",
                  fault.code == FAULT_UNCERTAIN
                      ? "It is not known whether the change was stored. Read it before you try again."
                      : "The change could not be stored; nothing changed. Try again.");
        return;
    }
    http_reply(e, answer->status, answer->body);
}

void submit(struct service *s, struct exchange *e, enum frame_kind kind, struct bytes message, struct bytes issuer)
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

void submit_evidence(struct service *s, struct exchange *e, const struct served *v, struct bytes type, bool explain)
{
    uint8_t *entropy = arena_alloc(&e->arena, TOKEN_JTI_ENTROPY);
    struct core_request request = {
        .issuer = v->issuer, .attester = type, .body = e->body, .explain = explain, .time = (int64_t)time(NULL)};
    if (!http_random(s->http, entropy, TOKEN_JTI_ENTROPY)) {
        http_fail(e, 503, "ServiceUnavailable", "The system gives no random numbers.");
        return;
    }
    request.entropy = bytes_make(entropy, TOKEN_JTI_ENTROPY);
    submit(s, e, FRAME_ATTEST, write_attest(&e->arena, &request), v->issuer);
}

bool path_is(struct bytes path, const char *whole)
{
    return bytes_is_nocase(path, whole);
}

bool path_below(struct bytes path, const char *prefix, struct bytes *rest)
{
    size_t n = strlen(prefix);

    *rest = bytes_after(path, n);
    return path.n > n && bytes_is_nocase(bytes_first(path, n), prefix) && !memchr(rest->p, '/', rest->n);
}
