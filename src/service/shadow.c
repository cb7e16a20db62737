#include "service/shadow.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "service/log.h"

enum {
    SHADOWS_MOST = 4096, /* providers and types that are counted at once */
    ISSUER_MOST = 300,
    KIND_MOST = 32,
    HASH_MOST = 64,
    REASON_MOST = 512,
    LOG_SECONDS = 10, /* at most one line in so many about one shadow */
};

static const char *const outcome_names[SHADOW_OUTCOMES] = {
    [SHADOW_SAME] = "same",
    [SHADOW_WOULD_DENY] = "wouldDeny",
    [SHADOW_WOULD_PERMIT] = "wouldPermit",
    [SHADOW_CLAIMS_DIFFER] = "claimsDiffer",
    [SHADOW_ERROR] = "error",
};
static const char *const outcome_texts[SHADOW_OUTCOMES] = {
    [SHADOW_SAME] = "decides the same",
    [SHADOW_WOULD_DENY] = "would refuse what is permitted now",
    [SHADOW_WOULD_PERMIT] = "would permit what is refused now",
    [SHADOW_CLAIMS_DIFFER] = "would issue other claims",
    [SHADOW_ERROR] = "cannot be evaluated",
};

struct shadow {
    struct shadow *next;
    char issuer[ISSUER_MOST], kind[KIND_MOST], hash[HASH_MOST];
    uint64_t counts[SHADOW_OUTCOMES];
    int64_t since, last_time; /* of the last outcome that differed */
    enum shadow_outcome last;
    char reason[REASON_MOST];
    int64_t logged;
    uint64_t unlogged;
};

struct shadows {
    struct shadow *first;
    size_t count;
};

struct shadows *shadows_new(void)
{
    return calloc(1, sizeof(struct shadows));
}

void shadows_free(struct shadows *s)
{
    while (s && s->first) {
        struct shadow *v = s->first;

        s->first = v->next;
        free(v);
    }
    free(s);
}

static struct shadow *find(const struct shadows *s, struct bytes issuer, struct bytes kind)
{
    for (struct shadow *v = s->first; v; v = v->next)
        if (bytes_is(issuer, v->issuer) && bytes_is(kind, v->kind))
            return v;
    return NULL;
}

static void keep_text(char *out, size_t size, struct bytes text)
{
    size_t n = text.n < size ? text.n : size - 1;

    memcpy(out, text.p, n);
    out[n] = 0;
}

static struct shadow *make(struct shadows *s, const struct shadow_result *r)
{
    struct shadow *v;

    if (s->count >= SHADOWS_MOST || r->issuer.n >= ISSUER_MOST || r->kind.n >= KIND_MOST || !(v = calloc(1, sizeof *v)))
        return NULL;
    keep_text(v->issuer, sizeof v->issuer, r->issuer);
    keep_text(v->kind, sizeof v->kind, r->kind);
    v->next = s->first;
    s->first = v;
    s->count++;
    return v;
}

/* Another policy: its counts begin anew. */
static void begin(struct shadow *v, struct bytes hash, int64_t now)
{
    memset(v->counts, 0, sizeof v->counts);
    keep_text(v->hash, sizeof v->hash, hash);
    v->since = now;
    v->last_time = v->logged = 0;
    v->unlogged = 0;
    v->reason[0] = 0;
}

static uint64_t judged(const struct shadow *v)
{
    uint64_t all = 0;

    for (int i = 0; i < SHADOW_OUTCOMES; i++)
        all += v->counts[i];
    return all;
}

static void log_difference(struct shadow *v, int64_t now)
{
    if (v->logged && now < v->logged + LOG_SECONDS) {
        v->unlogged++;
        return;
    }
    log_info("shadow policy of %s at %s %s: %s (%llu of %llu judged differ; %llu not logged since the last line)",
             v->kind, v->issuer, outcome_texts[v->last], v->reason,
             (unsigned long long)(judged(v) - v->counts[SHADOW_SAME]), (unsigned long long)judged(v),
             (unsigned long long)v->unlogged);
    v->logged = now;
    v->unlogged = 0;
}

void shadows_note(struct shadows *s, const struct shadow_result *r, int64_t now)
{
    struct shadow *v = find(s, r->issuer, r->kind);

    if (!v && !(v = make(s, r))) {
        log_error("the outcome of a shadow policy was not counted: no room");
        return;
    }
    if (!bytes_is(r->policy_hash, v->hash))
        begin(v, r->policy_hash, now);
    v->counts[r->outcome]++;
    if (r->outcome == SHADOW_SAME)
        return;
    v->last = r->outcome;
    v->last_time = now;
    keep_text(v->reason, sizeof v->reason, r->reason);
    log_difference(v, now);
}

void shadows_forget(struct shadows *s, struct bytes issuer)
{
    for (struct shadow **at = &s->first; *at;) {
        struct shadow *v = *at;

        if (!bytes_is(issuer, v->issuer)) {
            at = &v->next;
            continue;
        }
        *at = v->next;
        free(v);
        s->count--;
    }
}

static struct json *time_of(struct arena *a, int64_t t)
{
    char text[32];

    time_format(t, text);
    return json_new_text(a, arena_copy(a, bytes_text(text)));
}

struct json *shadows_report(const struct shadows *s, struct arena *a, struct bytes issuer, struct bytes kind)
{
    static const struct shadow nothing;
    const struct shadow *found = find(s, issuer, kind), *v = found ? found : &nothing;
    struct json *o = json_new(a, JSON_OBJECT), *last = json_new(a, JSON_OBJECT);

    JSON_SET(o, "policyHash",
             v->hash[0] ? json_new_text(a, arena_copy(a, bytes_text(v->hash))) : json_new(a, JSON_NULL));
    JSON_SET(o, "since", v->since ? time_of(a, v->since) : json_new(a, JSON_NULL));
    JSON_SET(o, "judged", json_new_integer(a, (int64_t)judged(v)));
    for (int i = 0; i < SHADOW_OUTCOMES; i++)
        json_set(o, bytes_text(outcome_names[i]), json_new_integer(a, (int64_t)v->counts[i]));
    if (v->last_time) {
        JSON_SET(last, "time", time_of(a, v->last_time));
        JSON_SET(last, "outcome", json_new_text(a, bytes_text(outcome_names[v->last])));
        JSON_SET(last, "reason", json_new_text(a, arena_copy(a, bytes_text(v->reason))));
    }
    JSON_SET(o, "lastDifference", v->last_time ? last : json_new(a, JSON_NULL));
    return o;
}
