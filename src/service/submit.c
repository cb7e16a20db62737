#include "service/submit.h"

#include <time.h>

#include "base/clock.h"
#include "core/decision.h"
#include "service/audit.h"
#include "service/config_sign_in.h"
#include "service/log.h"

/* A request that waits for the core, then for the store. */
struct waiting {
    struct service *service;
    struct exchange *exchange;
    const struct tenant *tenant;
    uint64_t begin;         /* of the tenant that was asked */
    struct answered answer; /* kept while its changes are stored */
    struct record records[CHANGES_MAX];
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

bool tenant_scope(const struct service *s, const struct tenant *t, struct scope *out)
{
    if (!t->fixed) {
        *out = (struct scope){t->place.subscription, t->place.group, t->place.name, false};
        return t->listed;
    }
    for (size_t i = 0; i < s->config->provider_count; i++) {
        const struct provider_config *p = &s->config->providers[i];

        if (bytes_is(t->issuer, p->issuer))
            return config_provider_scope(p, out);
    }
    return false;
}

/* Not where the provider is: its subscription and group are nobody's business who has no right there. */
static const char *why_denied(struct arena *a, enum action action, const struct access_answer *answer)
{
    if (answer->failed_check)
        return arena_printf(a, "; %s", answer->reason);
    if (answer->caller.subject.n)
        return arena_printf(a, "; the caller may not perform the action '%s' here", action_name(action));
    return "";
}

static void unauthorized(struct service *s, struct exchange *e, enum action action, const struct access_answer *answer)
{
    e->failed_check = answer->failed_check;
    http_header(e, "WWW-Authenticate", sign_in_challenge(s->sign_in, &e->arena, action_plane(action), answer));
    http_fail(e, 401, "Unauthorized",
              arena_printf(&e->arena, "Access to %s requires a valid JWT bearer token%s", e->sent_path,
                           why_denied(&e->arena, action, answer)));
}

struct access_request access_of(struct exchange *e, enum action action, const struct scope *scope)
{
    struct client_certificate *certificate = ARENA_NEW(&e->arena, struct client_certificate);
    bool certified = http_client_certificate(e, certificate);

    return (struct access_request){.authorization = http_request_header(e, "Authorization"),
                                   .certificate = certified ? certificate : NULL,
                                   .action = action,
                                   .scope = scope,
                                   .time = (int64_t)time(NULL)};
}

bool allowed(struct service *s, struct exchange *e, const struct tenant *t, enum action action)
{
    struct scope scope = {0};
    struct access_answer answer = {0};
    struct access_request request = access_of(e, action, &scope);
    enum access access = ACCESS_UNAUTHENTICATED;

    if (tenant_scope(s, t, &scope))
        access = sign_in_access(s->sign_in, &e->arena, &request, &answer);
    if (access != ACCESS_UNAUTHENTICATED)
        e->caller = answer.caller; /* who is refused is on record, too */
    if (access != ACCESS_GRANTED)
        unauthorized(s, e, action, &answer);
    else if (!audit_admits(s->audit, e))
        unrecordable(e);
    else
        return true;
    return false;
}

void unrecordable(struct exchange *e)
{
    http_header(e, "Retry-After", "5");
    http_fail(e, 503, "ServiceUnavailable", UNRECORDABLE);
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

void store_failed(struct exchange *e, enum ledger_outcome outcome, const struct fault *fault)
{
    if (outcome == LEDGER_CONFLICT) {
        http_header(e, "Retry-After", "1");
        http_fail(e, 409, "Conflict", ledger_reason(outcome, fault));
        return;
    }
    log_error("%s a change was not stored: %s", e->id, fault->text);
    http_header(e, "Retry-After", "5");
    http_fail(e, 503, "ServiceUnavailable", ledger_reason(outcome, fault));
}

/* An endorsement was not at hand. Nobody waits for it; whoever was refused for that is told what becomes of it. */
static bool reply_wanted(struct waiting *w, const struct answered *answer)
{
    struct exchange *e = w->exchange;
    int seconds;
    enum fetch_ask ask = collateral_fetch_ask(w->service->collateral, answer->wanted, e->address, e->began, &seconds);

    if (answer->status != 400 || ask == FETCH_ASK_OFF)
        return false;
    http_header(e, "Retry-After", arena_printf(&e->arena, "%d", seconds));
    http_fail(e, answer->status, arena_string(&e->arena, answer->code),
              arena_printf(&e->arena, "%.*s %s", (int)answer->message.n, (const char *)answer->message.p,
                           collateral_fetch_text(&e->arena, ask, seconds)));
    return true;
}

static void reply(struct exchange *e, const struct answered *answer)
{
    if (answer->code.n)
        http_header(e, "x-ms-error-code", arena_string(&e->arena, answer->code));
    http_reply(e, answer->status, answer->body);
}

static void stored(void *context, enum ledger_outcome outcome, const struct fault *fault)
{
    struct waiting *w = context;

    if (outcome == LEDGER_DONE)
        reply(w->exchange, &w->answer);
    else
        store_failed(w->exchange, outcome, fault);
}

struct record record_of(struct arena *a, struct bytes issuer, const struct change *change)
{
    return (struct record){.provider = issuer,
                           .kind = arena_copy(a, change->kind),
                           .version = change->version,
                           .time = change->time,
                           .body = arena_copy(a, change->body),
                           .hash = arena_copy(a, change->hash),
                           .signer = arena_copy(a, change->signer),
                           .caller = arena_copy(a, change->caller),
                           .seal = arena_copy(a, change->seal)};
}

bool state_refused(struct service *s, struct exchange *e, struct tenant *t)
{
    struct bytes why;

    if (!registry_refuses(s->registry, t, &e->arena, &why))
        return false;
    e->failed_check = check_table[t->failed].id;
    http_fail(e, 500, "StateRefused",
              arena_printf(&e->arena, "The provider's state cannot be used: %.*s", (int)why.n, (const char *)why.p));
    return true;
}

/* Durable before it is acknowledged, and in force for whoever asks after that. */
static void store_changes_of(struct waiting *w, const struct answered *answer)
{
    struct exchange *e = w->exchange;

    w->answer = (struct answered){.status = answer->status, .body = arena_copy(&e->arena, answer->body)};
    for (size_t i = 0; i < answer->changes.count; i++)
        w->records[i] = record_of(&e->arena, w->tenant->issuer, &answer->changes.v[i]);
    if (!ledger_append(w->service->ledger, w->records, answer->changes.count, stored, w))
        store_failed(e, LEDGER_FAILED, &(struct fault){.text = "too many changes wait for the store"});
}

/* The tenant that was asked; another may have its name already. */
static bool gone(const struct waiting *w)
{
    return tenant_begin(w->tenant) != w->begin || !tenant_serves(w->tenant);
}

static void finish(struct waiting *w, const struct answered *answer)
{
    if (!answer->wanted.n || !reply_wanted(w, answer))
        reply(w->exchange, answer);
}

static void not_on_record(struct exchange *e)
{
    http_header(e, "Retry-After", "5");
    http_fail(e, 503, "ServiceUnavailable",
              "The decision could not be put on record, so its outcome is not given out. Try again later.");
}

static void recorded(void *context, bool kept, uint64_t index)
{
    struct waiting *w = context;

    if (!kept) {
        not_on_record(w->exchange);
        return;
    }
    if (!gone(w))
        kept_add(w->service->kept, &(struct kept_decision){.index = index,
                                                           .provider = w->tenant->issuer,
                                                           .begin = w->begin,
                                                           .request = w->exchange->body,
                                                           .order = w->answer.keep,
                                                           .now = (int64_t)time(NULL)});
    http_header(w->exchange, "x-assay-decision", arena_printf(&w->exchange->arena, "%llu", (unsigned long long)index));
    finish(w, &w->answer);
}

/* In the log before it is given out. False: this is nothing for the log. */
static bool put_on_record(struct waiting *w, const struct answered *answer)
{
    struct exchange *e = w->exchange;
    struct service *s = w->service;

    if (!s->decisions || !answer->decision.n || (answer->status != 200 && !s->config->decision_refusals))
        return false;
    w->answer = *answer;
    w->answer.code = arena_copy(&e->arena, answer->code);
    w->answer.body = arena_copy(&e->arena, answer->body);
    w->answer.wanted = arena_copy(&e->arena, answer->wanted);
    w->answer.message = arena_copy(&e->arena, answer->message);
    w->answer.keep = s->kept ? arena_copy(&e->arena, answer->keep) : BYTES_NONE;
    struct bytes record = decision_record(&e->arena, answer->decision, bytes_text(e->id));
    if (!decision_log_add(s->decisions, record, recorded, w))
        not_on_record(e);
    return true;
}

static void answered(void *context, enum pool_failure outcome, const struct answered *answer)
{
    struct waiting *w = context;
    struct exchange *e = w->exchange;

    if (outcome != POOL_ANSWERED) {
        core_failed(e, outcome);
        return;
    }
    if (answer->failed_check.n)
        e->failed_check = arena_string(&e->arena, answer->failed_check);
    /* Without its key, a pair can do nothing for it (500). */
    if (gone(w) && (answer->changes.count || answer->status == 500))
        http_fail(e, 404, "NotFound", "The provider was deleted meanwhile; nothing changed.");
    else if (answer->changes.count)
        store_changes_of(w, answer);
    else if (!put_on_record(w, answer))
        finish(w, answer);
}

void submit(struct service *s, struct exchange *e, enum frame_kind kind, struct bytes message, const struct tenant *t)
{
    struct waiting *w = ARENA_NEW(&e->arena, struct waiting);
    const struct pool_work work = {kind, message, {e->path, e->body}, t, 0};

    *w = (struct waiting){.service = s, .exchange = e, .tenant = t, .begin = tenant_begin(t)};
    if (s->stopping || !s->ready) {
        http_header(e, "Retry-After", "1");
        http_fail(e, 503, "ServiceUnavailable", "The service is starting or ending. Try again.");
    } else if (!pool_submit(s->pool, &work, answered, w)) {
        metrics_refused(s->metrics, METRICS_QUOTA_QUEUE);
        http_header(e, "Retry-After", "1");
        http_fail(e, 429, "TooManyRequests", "Too many requests of this provider, or of all, wait already. Try again.");
    }
}

void submit_evidence(struct service *s, struct exchange *e, const struct tenant *t, struct bytes type, bool explain)
{
    uint8_t *entropy = arena_alloc(&e->arena, EXAM_ENTROPY);
    struct core_request request = {
        .issuer = t->issuer, .attester = type, .body = e->body, .explain = explain, .time = (int64_t)time(NULL)};
    if (!http_random(s->http, entropy, EXAM_ENTROPY)) {
        http_fail(e, 503, "ServiceUnavailable", "The system gives no random numbers.");
        return;
    }
    request.entropy = bytes_make(entropy, EXAM_ENTROPY);
    submit(s, e, FRAME_ATTEST, write_attest(&e->arena, &request), t);
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
