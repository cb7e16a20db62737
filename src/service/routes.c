#include "service/routes.h"

#include <stdlib.h>
#include <time.h>

#include "service/submit.h"

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

static void attest(struct service *s, struct exchange *e, const struct served *v, struct bytes type)
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
    submit_evidence(s, e, v, type, false);
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
    else if (path_below(e->path, "/attest/", &rest))
        attest(s, e, v, rest);
    else if (!manage_routes(s, e, v))
        http_fail(e, 404, "NotFound", "There is no such path.");
}
