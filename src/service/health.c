#include "service/health.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "service/audit.h"
#include "service/own_evidence.h"
#include "service/rotation.h"
#include "service/state_clock.h"
#include "service/submit.h"

static bool is_loopback(const uint8_t address[ADDRESS_SIZE])
{
    static const uint8_t v6[ADDRESS_SIZE] = {[15] = 1}, v4[] = {[10] = 0xff, [11] = 0xff, [12] = 127};

    return memcmp(address, v6, sizeof v6) == 0 || memcmp(address, v4, sizeof v4) == 0;
}

/* What keeps the service from answering; empty when it can. */
static struct json *missing(const struct service *s, struct arena *a)
{
    struct json *list = json_new(a, JSON_ARRAY);
    struct pool_load load = pool_load_now(s->pool);
    int64_t behind = state_clock_behind(state_anchor_state(s->anchor).time, (int64_t)time(NULL));

    if (s->stopping)
        json_append(list, json_new_text(a, BYTES_LIT("the service is ending")));
    if (!s->ready)
        json_append(list, json_new_text(a, BYTES_LIT("the service is starting")));
    for (size_t i = 0; i < load.pairs; i++) {
        const char *what = pool_missing(s->pool, i);

        if (what)
            json_append(list,
                        json_new_text(a, text_clean(a, bytes_text(arena_printf(a, "pair %zu: %s", i + 1, what)))));
    }
    if (load.serving == 0)
        json_append(list, json_new_text(a, BYTES_LIT("no pair of verifier and signer is there")));
    if (behind)
        json_append(list, json_new_text(a, bytes_text(arena_printf(
                                               a, "the clock is %lld seconds behind the store's newest checkpoint",
                                               (long long)behind))));
    return list;
}

/* Of what the service runs in, for people: where it comes from. The service can answer without. */
static struct json *evidence(const struct service *s, struct arena *a)
{
    struct own_evidence_state state;

    own_evidence_state(s->own_evidence, &state);
    return json_new_text(a, bytes_text(state.fails ? arena_printf(a, "%s, which fails", state.source) : state.source));
}

/* How the store is anchored, and whether that works. What the trouble is names files and machines: not for everybody. */
static struct json *anchor(const struct service *s, struct exchange *e)
{
    const struct state_anchor_state state = state_anchor_state(s->anchor);
    struct writer w = wr_open(&e->arena);
    char when[32];

    if (!state.kept)
        return json_new_text(&e->arena, BYTES_LIT("none"));
    wr_printf(&w, "file%s%s", state.counted ? ", counter" : "", state.witnessed ? ", witness" : "");
    if (!state.time)
        wr_printf(&w, "; not in force yet");
    if (state.failed_last) {
        time_format(state.failed_last, when);
        wr_printf(&w, "; %s %s", state.fails ? "fails, seen at" : "failed last at", when);
    }
    if (state.failed_last && (e->by == LISTENER_ADMINISTRATION || is_loopback(e->address)))
        wr_printf(&w, ": %s", state.trouble.text);
    return json_new_text(&e->arena, text_clean(&e->arena, wr_done(&w)));
}

/* What does not keep it from answering, and somebody should look at. */
static struct json *warnings(const struct service *s, struct arena *a)
{
    struct json *list = json_new(a, JSON_ARRAY);
    struct rotation_state keys;

    int64_t step = state_anchor_state(s->anchor).clock_step;

    rotation_state(s->rotation, &keys);
    if (step)
        json_append(list,
                    json_new_text(a, bytes_text(arena_printf(a, "within the hour the clock was set %lld seconds %s",
                                                             (long long)llabs(step), step > 0 ? "ahead" : "back"))));
    if (keys.overdue)
        json_append(list, json_new_text(a, bytes_text(arena_printf(
                                               a, "%zu signing keys should have changed an hour ago", keys.overdue))));
    if (decision_log_counts(s->decisions).refused)
        json_append(list,
                    json_new_text(a, BYTES_LIT("the witness refuses the log of decisions: it knows another history "
                                               "of it")));
    return list;
}

static void readiness(const struct service *s, struct exchange *e)
{
    struct json *body = json_new(&e->arena, JSON_OBJECT), *list = missing(s, &e->arena),
                *watched = warnings(s, &e->arena);
    bool ready = !list->first;

    JSON_SET(body, "ready", json_new_boolean(&e->arena, ready));
    JSON_SET(body, "missing", list);
    JSON_SET(body, "evidence", evidence(s, &e->arena));
    JSON_SET(body, "anchor", anchor(s, e));
    if (watched->first)
        JSON_SET(body, "warnings", watched);
    http_reply(e, ready ? 200 : 503, json_print(&e->arena, body, JSON_IN_ORDER));
}

static void metrics(const struct service *s, struct exchange *e)
{
    const struct decision_counts decisions = decision_log_counts(s->decisions);
    const struct kept_counts kept = kept_counts(s->kept);
    const struct state_anchor_state anchor = state_anchor_state(s->anchor);
    struct metrics_state state = {
        .pool = pool_counts(s->pool),
        .load = pool_load_now(s->pool),
        .providers = registry_count(s->registry),
        .connections = http_connections(s->http),
        .administration_connections = s->administration ? http_connections(s->administration) : 0,
        .audit_records = audit_counts(s->audit).records,
        .audit_lost = audit_counts(s->audit).lost,
        .decisions = decisions.records,
        .decisions_lost = decisions.lost,
        .decision_writes = decisions.writes,
        .cosigned = decisions.cosigned,
        .witness_refused = decisions.witness_refused,
        .witness_failed = decisions.witness_failed,
        .kept = kept.kept,
        .kept_lost = kept.lost,
        .kept_bytes = kept.bytes,
        .kept_unreadable = kept.unreadable,
        .anchored = anchor.kept,
        .anchored_records = anchor.records,
        .anchored_time = anchor.time,
        .checkpoints = anchor.written,
        .checkpoints_failed = anchor.failed,
        .state_cosigned = anchor.cosigned,
        .state_refused = anchor.witness_refused,
        .state_unasked = anchor.witness_failed,
        .store_answers = ledger_answers(s->ledger),
        .ready = !missing(s, &e->arena)->first,
        .outlooks = s->outlooks,
        .now = (int64_t)time(NULL),
    };

    own_evidence_state(s->own_evidence, &state.evidence);
    rotation_state(s->rotation, &state.rotation);
    if (s->collateral)
        collateral_fetch_state(s->collateral, &state.collateral);

    http_header(e, "Content-Type", METRICS_CONTENT_TYPE);
    http_reply(e, 200, metrics_write(s->metrics, &e->arena, &state));
}

bool health_routes(struct service *s, struct exchange *e)
{
    bool is_metrics = path_is(e->path, "/metrics"), is_ready = path_is(e->path, "/readyz");

    if (!is_metrics && !is_ready && !path_is(e->path, "/healthz"))
        return false;
    if (is_metrics && e->by == LISTENER_PUBLIC && !is_loopback(e->address))
        return false;
    if (strcmp(e->method, "GET") != 0 && strcmp(e->method, "HEAD") != 0)
        wrong_method(e, "GET, HEAD");
    else if (is_metrics)
        metrics(s, e);
    else if (is_ready)
        readiness(s, e);
    else
        http_reply(e, 200, BYTES_LIT("{\"alive\":true}"));
    return true;
}
