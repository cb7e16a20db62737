#include "service/routes.h"

#include <stdlib.h>
#include <time.h>

#include "service/submit.h"

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
    if (strcmp(version, "2018-09-01-preview") == 0 && !bearer_ok(s, e)) {
        unauthorized(e);
        return;
    }
    submit_evidence(s, e, t, type, false);
}

static void document(struct exchange *e, int status, struct bytes body)
{
    if (strcmp(e->method, "GET") == 0 || strcmp(e->method, "HEAD") == 0)
        http_reply(e, status, body);
    else
        wrong_method(e, "GET, HEAD");
}

/* What a provider answers even when it was deleted: relying parties judge the tokens that it gave out. */
static bool public_routes(struct exchange *e, const struct tenant *t)
{
    struct key_record keys[TENANT_KEYS_MAX];
    size_t count = tenant_keys(t, (int64_t)time(NULL), keys);

    if (count == 0)
        return false;
    if (bytes_is_nocase(e->path, "/certs"))
        document(e, 200, token_jwks(&e->arena, keys, count));
    else if (bytes_is_nocase(e->path, "/.well-known/openid-configuration"))
        document(e, 200, token_openid(&e->arena, t->issuer));
    else
        return false;
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

void routes_handle(void *service, struct exchange *e)
{
    struct service *s = service;
    const struct tenant *t = registry_by_authority(s->registry, e->authority);

    if (bytes_is_nocase(e->path, "/servicehealth")) {
        document(e, s->ready ? 204 : 503, BYTES_NONE);
        return;
    }
    if (t && public_routes(e, t))
        return;
    if (t && tenant_serves(t))
        tenant_routes(s, e, t);
    else
        http_fail(e, s->ready ? 404 : 503, s->ready ? "NotFound" : "ServiceUnavailable",
                  s->ready ? "No provider answers under this host name and port."
                           : "The service is starting. Try again.");
}
