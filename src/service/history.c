#include "service/history.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "service/log.h"

enum { LIST_DEFAULT = 100, LIST_MOST = 1000, VERSION_DIGITS = 18 };

struct listing {
    struct arena *arena;
    struct json *list;
    bool bodies;
    const char *body_name;
};

static void set_text(struct arena *a, struct json *o, struct bytes name, struct bytes text)
{
    if (text.n)
        json_set(o, name, json_new_text(a, text));
}

/* The host repeats what is stored and reads nothing in it. */
static bool add(void *context, const struct record *r)
{
    struct listing *l = context;
    struct json *o = json_new(l->arena, JSON_OBJECT);
    char time[32];
    bool of_policy = !bytes_is(r->kind, "signers");

    time_format(r->time, time);
    JSON_SET(o, "version", json_new_integer(l->arena, (int64_t)r->version));
    JSON_SET(o, "time", json_new_text(l->arena, arena_copy(l->arena, bytes_text(time))));
    JSON_SET(o, "result",
             json_new_text(l->arena, of_policy && !r->hash.n ? BYTES_LIT("Removed") : BYTES_LIT("Updated")));
    set_text(l->arena, o, BYTES_LIT("tokenHash"), r->hash);
    set_text(l->arena, o, BYTES_LIT("signerThumbprint"), hex_encode_upper(l->arena, r->signer));
    set_text(l->arena, o, BYTES_LIT("caller"), r->caller);
    if (l->bodies)
        json_set(o, bytes_text(l->body_name), json_new_text(l->arena, r->body));
    json_append(l->list, o);
    return true;
}

/* A decimal number of a query parameter; absent leaves *out. False: the exchange was answered. */
static bool number(struct exchange *e, const char *name, uint64_t least, uint64_t most, uint64_t *out)
{
    const char *given = http_query(e, name);
    size_t n = given ? strspn(given, "0123456789") : 0;

    if (!given)
        return true;
    *out = n && n <= VERSION_DIGITS && !given[n] ? strtoull(given, NULL, 10) : most + 1;
    if (*out >= least && *out <= most)
        return true;
    http_fail(e, 400, "InvalidParameter",
              arena_printf(&e->arena, "The query parameter %s must be a number from %llu to %llu.", name,
                           (unsigned long long)least, (unsigned long long)most));
    return false;
}

static void answer(struct service *s, struct exchange *e, const struct served *v, struct bytes kind,
                   const char *body_name)
{
    struct listing l = {.arena = &e->arena, .list = json_new(&e->arena, JSON_ARRAY), .body_name = body_name};
    struct json *body = json_new(&e->arena, JSON_OBJECT);
    uint64_t version = 0, before = 0, limit = LIST_DEFAULT;
    struct fault fault = {0};

    if (strcmp(e->method, "GET") != 0) {
        wrong_method(e, "GET");
        return;
    }
    if (!number(e, "version", 1, INT64_MAX - 1, &version) || !number(e, "before", 1, INT64_MAX - 1, &before) ||
        !number(e, "limit", 1, LIST_MOST, &limit))
        return;
    l.bodies = version > 0; /* one alone comes whole */
    struct history_page page = {
        .before = version ? version + 1 : before, .limit = version ? 1 : limit, .bodies = l.bodies};
    if (!s->store || !store_history(s->store, &e->arena, v->issuer, kind, &page, add, &l, &fault)) {
        log_error("the history of %.*s cannot be read: %s", (int)v->issuer.n, (const char *)v->issuer.p,
                  s->store ? fault.text : "there is no store");
        http_fail(e, 503, "ServiceUnavailable", "The history cannot be read now. Try again.");
        return;
    }
    int64_t found;
    if (version &&
        (!json_integer(json_member(json_element(l.list, 0), "version"), &found) || (uint64_t)found != version)) {
        http_fail(e, 404, "NotFound", "There is no such version.");
        return;
    }
    JSON_SET(body, "history", l.list);
    http_reply(e, 200, json_print(&e->arena, body, JSON_IN_ORDER));
}

bool history_routes(struct service *s, struct exchange *e, const struct served *v)
{
    static const struct {
        const char *prefix, *kind;
    } slots[] = {{"/assay/v1/history/policies/", "policy"}, {"/assay/v1/history/shadow/", "shadow"}};
    struct bytes rest;

    if (path_is(e->path, "/assay/v1/history/certificates")) {
        answer(s, e, v, BYTES_LIT("signers"), "certificates");
        return true;
    }
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
        if (path_below(e->path, slots[i].prefix, &rest)) {
            const struct policy_kind *kind = policy_kind_find(rest);

            if (kind)
                answer(s, e, v, bytes_text(arena_printf(&e->arena, "%s/%s", slots[i].kind, kind->name)), "policy");
            else
                http_fail(e, 400, "InvalidParameter", "The attestation type is not known to this service.");
            return true;
        }
    return false;
}
