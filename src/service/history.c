#include "service/history.h"

#include "base/clock.h"
#include "base/text.h"
#include "service/log.h"

enum { LIST_DEFAULT = 100, LIST_MOST = 1000 };

/* A list under way. */
struct listing {
    struct exchange *exchange;
    const struct tenant *tenant;
    uint64_t begin; /* of the tenant that was asked */
    struct ledger_reading reading;
    uint64_t version; /* the one that is asked for; 0: a list */
    const char *body_name;
};

static void set_text(struct arena *a, struct json *o, struct bytes name, struct bytes text)
{
    if (text.n)
        json_set(o, name, json_new_text(a, text));
}

/* The host repeats what is stored and reads nothing in it. */
static struct json *one(const struct listing *l, const struct record *r)
{
    struct arena *a = &l->exchange->arena;
    struct json *o = json_new(a, JSON_OBJECT);
    char time[32];
    bool of_policy = !bytes_is(r->kind, "signers");

    time_format(r->time, time);
    JSON_SET(o, "version", json_new_integer(a, (int64_t)r->version));
    JSON_SET(o, "time", json_new_text(a, arena_copy(a, bytes_text(time))));
    JSON_SET(o, "result", json_new_text(a, of_policy && !r->hash.n ? BYTES_LIT("Removed") : BYTES_LIT("Updated")));
    set_text(a, o, BYTES_LIT("tokenHash"), r->hash);
    set_text(a, o, BYTES_LIT("signerThumbprint"), hex_encode_upper(a, r->signer));
    set_text(a, o, BYTES_LIT("caller"), r->caller);
    if (l->version) /* one alone comes whole */
        json_set(o, bytes_text(l->body_name), json_new_text(a, r->body));
    return o;
}

/* A decimal number of a query parameter; absent leaves *out. False: the exchange was answered. */
static bool number(struct exchange *e, const char *name, uint64_t least, uint64_t most, uint64_t *out)
{
    const char *given = http_query(e, name);

    if (!given || (decimal_parse(bytes_text(given), most, out) && *out >= least))
        return true;
    http_fail(e, 400, "InvalidParameter",
              arena_printf(&e->arena, "The query parameter %s must be a number from %llu to %llu.", name,
                           (unsigned long long)least, (unsigned long long)most));
    return false;
}

/* What was of a tenant of the same name before is not for this one. The newest comes first. */
static void cut(struct listing *l)
{
    size_t n = 0;

    if (tenant_begin(l->tenant) == l->begin)
        while (n < l->reading.count && l->reading.records[n].sequence > l->begin)
            n++;
    l->reading.count = n;
}

static void read(void *context, enum ledger_outcome outcome, const struct fault *fault)
{
    struct listing *l = context;
    struct exchange *e = l->exchange;
    struct json *body = json_new(&e->arena, JSON_OBJECT), *list = json_new(&e->arena, JSON_ARRAY);

    if (outcome != LEDGER_DONE) {
        log_error("%s a history cannot be read: %s", e->id, fault->text);
        http_header(e, "Retry-After", "5");
        http_fail(e, 503, "ServiceUnavailable", "The history cannot be read now. Try again.");
        return;
    }
    cut(l);
    if (l->version && (l->reading.count == 0 || l->reading.records->version != l->version)) {
        http_fail(e, 404, "NotFound", "There is no such version.");
        return;
    }
    for (size_t i = 0; i < l->reading.count; i++)
        json_append(list, one(l, &l->reading.records[i]));
    JSON_SET(body, "history", list);
    http_reply(e, 200, json_print(&e->arena, body, JSON_IN_ORDER));
}

static void answer(struct service *s, struct exchange *e, const struct tenant *t, struct bytes kind,
                   const char *body_name)
{
    struct listing *l = ARENA_NEW(&e->arena, struct listing);
    uint64_t version = 0, before = 0, limit = LIST_DEFAULT;

    if (strcmp(e->method, "GET") != 0) {
        wrong_method(e, "GET");
        return;
    }
    if (!number(e, "version", 1, INT64_MAX - 1, &version) || !number(e, "before", 1, INT64_MAX - 1, &before) ||
        !number(e, "limit", 1, LIST_MOST, &limit))
        return;
    *l = (struct listing){
        .exchange = e, .tenant = t, .begin = tenant_begin(t), .version = version, .body_name = body_name};
    l->reading = (struct ledger_reading){
        .arena = &e->arena,
        .provider = t->issuer,
        .kind = kind,
        .page = {.before = version ? version + 1 : before, .limit = version ? 1 : limit, .bodies = version > 0}};
    if (!ledger_read(s->ledger, &l->reading, read, l))
        read(l, LEDGER_FAILED, &(struct fault){.text = "too many requests wait for the store"});
}

bool history_routes(struct service *s, struct exchange *e, const struct tenant *t)
{
    static const struct {
        const char *prefix, *kind;
    } slots[] = {{"/assay/v1/history/policies/", "policy"}, {"/assay/v1/history/shadow/", "shadow"}};
    struct bytes rest;

    if (path_is(e->path, "/assay/v1/history/certificates")) {
        answer(s, e, t, BYTES_LIT("signers"), "certificates");
        return true;
    }
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
        if (path_below(e->path, slots[i].prefix, &rest)) {
            const struct policy_kind *kind = policy_kind_find(rest);

            if (kind)
                answer(s, e, t, bytes_text(arena_printf(&e->arena, "%s/%s", slots[i].kind, kind->name)), "policy");
            else
                http_fail(e, 400, "InvalidParameter", "The attestation type is not known to this service.");
            return true;
        }
    return false;
}
