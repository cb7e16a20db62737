#include "service/routes.h"

#include <stdlib.h>
#include <time.h>

#include "service/arm_routes.h"
#include "service/health.h"
#include "service/log_routes.h"
#include "service/measurements.h"
#include "service/regional.h"
#include "service/submit.h"

enum { RETRY_MOST = 60, LATE_MILLISECONDS = 250 };

static void attest(struct service *s, struct exchange *e, const struct tenant *t, struct bytes type)
{
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
    if (!version_ok(e))
        return;
    bool of_tpm = strcmp(kind->name, "Tpm") == 0 && !t->tpm_open;
    if ((of_tpm || strcmp(version, "2018-09-01-preview") == 0) && !allowed(s, e, t, ACTION_ATTESTATION_READ))
        return;
    e->short_id = strcmp(kind->name, "Tpm") == 0;
    submit_evidence(s, e, t, type, false);
}

static void document(struct exchange *e, int status, struct bytes body)
{
    if (strcmp(e->method, "GET") == 0 || strcmp(e->method, "HEAD") == 0)
        http_reply(e, status, body);
    else
        wrong_method(e, "GET, HEAD");
}

/* Reports of TPMs name the key by its certificate's thumbprint (claims.md 1.1). Only a provider that has, or had, a policy for
 * them gave any out: there is no default. */
static bool gives_reports(const struct tenant *t)
{
    const struct held_record *h = tenant_record(t, BYTES_LIT("policy/Tpm"));

    return h && (h->body.n || h->version > 1); /* the first version may be that of a deletion */
}

/* What a provider answers even when it was deleted: relying parties judge the tokens that it gave out. */
static bool public_routes(struct service *s, struct exchange *e, const struct tenant *t)
{
    struct key_record keys[TENANT_KEYS_MAX];
    struct bytes why;
    bool certs = bytes_is_nocase(e->path, "/certs");

    if (!certs && !bytes_is_nocase(e->path, "/.well-known/openid-configuration"))
        return false;
    struct tenant *region = regional_refused(s, &e->arena, t->issuer, &why);
    if (region)
        return state_refused(s, e, region);
    int64_t now = (int64_t)time(NULL);
    size_t count = regional_keys(s, &e->arena, t, now, keys);
    /* None to believe is an answer, where there are some; who has none at all is nobody. */
    if (count == 0 && tenant_keys(t, now, keys) == 0)
        return false;
    document(e, 200, certs ? token_jwks(&e->arena, keys, count, gives_reports(t)) : token_openid(&e->arena, t->issuer));
    return true;
}

/* More than it may: told so, and late, so that asking on and on costs others nothing. */
static void too_many(struct service *s, struct exchange *e, enum metrics_quota quota, double wait, const char *message)
{
    int seconds = wait < 1 ? 1 : wait < RETRY_MOST ? (int)wait + 1 : RETRY_MOST;

    metrics_refused(s->metrics, quota);
    http_header(e, "Retry-After", arena_printf(&e->arena, "%d", seconds));
    http_fail_late(e, LATE_MILLISECONDS, 429, "TooManyRequests", message);
}

/* False: the exchange was, or will be, answered. */
static bool address_within_quota(struct service *s, struct exchange *e)
{
    const struct config *c = s->config;
    double wait;

    if (bucket_take(quotas_of(s->quotas, e->address), c->address_rate, c->address_burst, e->began, &wait))
        return true;
    too_many(s, e, METRICS_QUOTA_ADDRESS, wait,
             "Your address sends more requests than one may. Wait as long as Retry-After says.");
    return false;
}

static bool within_quota(struct service *s, struct exchange *e, struct tenant *t)
{
    const struct config *c = s->config;
    double wait;

    if (!address_within_quota(s, e))
        return false;
    if (!bucket_take(&t->bucket, c->provider_rate, c->provider_burst, e->began, &wait)) {
        too_many(s, e, METRICS_QUOTA_PROVIDER, wait,
                 "This provider gets more requests than one may. Wait as long as Retry-After says.");
        return false;
    }
    return true;
}

static void tenant_routes(struct service *s, struct exchange *e, const struct tenant *t)
{
    struct bytes rest;

    if (path_below(e->path, "/attest/", &rest))
        attest(s, e, t, rest);
    else if (!manage_routes(s, e, t))
        http_fail(e, 404, "NotFound", "There is no such path.");
}

/* What is for operators: on a listener of its own, or beside the data plane. */
static bool operator_routes(struct service *s, struct exchange *e)
{
    if (health_routes(s, e))
        return true;
    if (!arm_routes_take(s, e))
        return false;
    if (address_within_quota(s, e))
        arm_routes(s, e);
    return true;
}

static void data_routes(struct service *s, struct exchange *e)
{
    struct tenant *t = registry_by_authority(s->registry, e->authority);

    if (t && state_refused(s, e, t))
        return;
    if (t && public_routes(s, e, t))
        return;
    if (t && t->closed) {
        http_fail(e, 403, "Forbidden", "Public network access to this provider is disabled.");
        return;
    }
    if (t && tenant_serves(t)) {
        if (within_quota(s, e, t))
            tenant_routes(s, e, t);
        return;
    }
    http_fail(e, s->ready ? 404 : 503, s->ready ? "NotFound" : "ServiceUnavailable",
              s->ready ? "No provider answers under this host name and port." : "The service is starting. Try again.");
}

static const char *query(void *exchange, const char *name)
{
    return http_query(exchange, name);
}

/* Endorsements for other tools, under any name of this service: they vouch for themselves. */
static void endorsement_routes(struct service *s, struct exchange *e)
{
    struct serve_request r = {e->method, e->path, (int64_t)time(NULL), query, e};
    struct serve_answer answer;

    if (!address_within_quota(s, e))
        return;
    serve_reply(s->served, &e->arena, &r, &answer);
    http_header(e, "Content-Type", answer.type);
    http_header(e, "Request-ID", e->id);
    for (size_t i = 0; i < answer.header_count; i++)
        http_header(e, answer.headers[i].name, answer.headers[i].value);
    http_reply(e, answer.status, answer.body);
}

/* For relying parties, under any name of this service: the list vouches for itself. */
static void measurement_list(struct service *s, struct exchange *e)
{
    if (!address_within_quota(s, e))
        return;
    if (strcmp(e->method, "GET") != 0 && strcmp(e->method, "HEAD") != 0) {
        wrong_method(e, "GET, HEAD");
        return;
    }
    http_header(e, "Content-Type", "application/jose");
    http_header(e, "Cache-Control", "no-cache");
    http_reply(e, 200, arena_copy(&e->arena, measurements_text(s->measurements)));
}

void routes_handle(void *service, struct exchange *e)
{
    struct service *s = service;
    bool administration = e->by == LISTENER_ADMINISTRATION, apart = s->administration != NULL;

    if (!administration && bytes_is_nocase(e->path, "/servicehealth"))
        document(e, s->ready ? 204 : 503, BYTES_NONE);
    else if (administration == apart && operator_routes(s, e))
        return;
    else if (!administration && s->served && serve_path(e->path))
        endorsement_routes(s, e);
    else if (!administration && measurements_path(s->measurements, e->path))
        measurement_list(s, e);
    else if (!administration && log_routes_take(s, e)) {
        if (address_within_quota(s, e))
            log_routes(s, e);
    } else if (administration)
        http_fail(e, 404, "NotFound", "There is no such path on the administration listener.");
    else
        data_routes(s, e);
}

void routes_answered(void *service, const struct exchange *e, int status, int64_t microseconds)
{
    struct service *s = service;

    metrics_request(s->metrics, metrics_operation(e->method, e->path), status, microseconds, e->failed_check);
}
