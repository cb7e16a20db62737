#include "service/own_evidence.h"

#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "core/key_evidence.h"
#include "crypto/x509.h"
#include "service/evidence_thread.h"
#include "service/log.h"
#include "service/submit.h"

enum {
    LOOK_PROVIDERS = 256, /* in one look, some milliseconds: their certificates are read */
    LOOK_MILLISECONDS = 1000,
    PACE_MILLISECONDS = 200, /* between two questions to the hardware, which others ask too */
    PAUSE_LEAST = 5,         /* seconds after a failure, doubled by each that follows */
    PAUSE_MOST = 600,
    GRACE_SECONDS = 60, /* for the node that made a key to do this itself */
    RENEW_SECONDS = 3600,
    SHARED_SECONDS = 600, /* one key may sign for many providers: what vouches for it does so for all of them */
    SOON_MOST = 1024,     /* new keys that wait; more are found by looking */
    DAY_SECONDS = 24 * 3600,
    STEP_MEMORY = 16 * 1024 * 1024,
};

struct soon {
    struct soon *next;
    size_t n;
    uint8_t issuer[];
};

struct own_evidence {
    struct service *service;
    struct evidence_source source;
    struct arena texts; /* of the source */
    const char *name;
    struct event *timer;
    struct evidence_thread *thread;
    struct soon *soon, **soon_end;
    size_t soon_count;
    size_t at, looked; /* of the registry, as service/registry.h counts; since the last look at all began */
    int64_t stale;     /* certificates issued before that are renewed at once */
    int64_t pause;     /* until then nothing is tried */
    unsigned failures; /* in a row */
    bool busy, said;   /* said: the log has a success since the last failure */
    const struct tenant *tenant;
    bool next;         /* it is about the key that is published and will sign */
    struct arena step; /* of the certificate that is being issued */
    struct bytes kid;  /* in it: of the key that was asked for */
    struct record records[CHANGES_MAX];
    uint8_t last[SHA256_SIZE]; /* of whose key text `evidence` is */
    int64_t last_time;
    struct key_evidence evidence; /* views into the thread's arena */
    struct own_evidence_state seen, counting;
};

static int64_t now_seconds(void)
{
    return (int64_t)time(NULL);
}

static void wake_in(struct own_evidence *o, int64_t milliseconds)
{
    const struct timeval t = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};

    event_add(o->timer, &t);
}

/* For what is wrong once, and for what is wrong for hours: the log has a line for the first, then ever fewer. */
static void failed(struct own_evidence *o, int64_t seconds, const char *what)
{
    int64_t pause = PAUSE_LEAST << (o->failures < 7 ? o->failures : 7);

    pause = pause < PAUSE_MOST ? pause : PAUSE_MOST;
    pause = pause > seconds ? pause : seconds;
    o->failures++;
    o->seen.failed++;
    o->said = false;
    o->pause = now_seconds() + pause;
    o->busy = false;
    memset(o->last, 0, sizeof o->last); /* what was collected may be what is wrong */
    if (o->service->stopping)
        return;
    own_evidence_soon(o, o->tenant->issuer); /* it is the next one when the pause is over */
    log_error("no evidence in the certificate of %.*s (%s): %s; tried again in %lld s", (int)o->tenant->issuer.n,
              (const char *)o->tenant->issuer.p, o->name, what, (long long)pause);
    wake_in(o, pause * 1000);
}

static void succeeded(struct own_evidence *o)
{
    o->failures = 0;
    o->pause = 0;
    o->seen.collected++;
    o->busy = false;
    if (!o->said)
        log_info("the certificate of %.*s carries evidence of the service now: %s", (int)o->tenant->issuer.n,
                 (const char *)o->tenant->issuer.p, o->name);
    o->said = true;
    wake_in(o, PACE_MILLISECONDS);
}

/* Another node was first, or the key is another one by now: looked at again in its turn. */
static void overtaken(struct own_evidence *o)
{
    o->busy = false;
    wake_in(o, PACE_MILLISECONDS);
}

static void stored(void *context, enum ledger_outcome outcome, const struct fault *fault)
{
    struct own_evidence *o = context;

    if (outcome == LEDGER_DONE)
        succeeded(o);
    else if (outcome == LEDGER_CONFLICT)
        overtaken(o);
    else
        failed(o, 0, fault->text);
}

static const struct provider_key *key_of(const struct own_evidence *o, const struct tenant *t)
{
    return o->next ? &t->next : &t->key;
}

static bool still_its_key(const struct own_evidence *o)
{
    return tenant_serves(o->tenant) && bytes_equal(key_of(o, o->tenant)->kid, o->kid);
}

/* What a SEV-SNP report lacked is fetched, as for any platform. */
static int64_t ask_for(struct own_evidence *o, struct bytes wanted)
{
    static const uint8_t ourselves[ADDRESS_SIZE] = {[ADDRESS_SIZE - 1] = 1};
    struct timespec t;
    int seconds = 0;

    if (!wanted.n)
        return 0;
    clock_gettime(CLOCK_MONOTONIC, &t);
    collateral_fetch_ask(o->service->collateral, wanted, ourselves, t.tv_sec * 1000000 + t.tv_nsec / 1000, &seconds);
    return seconds;
}

static void refused(struct own_evidence *o, const struct answered *answer)
{
    const struct json *body = NULL;
    struct bytes message = BYTES_LIT("the core refused it");

    if (json_parse(&o->step, answer->body, NULL, &body, NULL))
        json_text(json_member(json_member(body, "error"), "message"), &message);
    failed(o, ask_for(o, answer->wanted), arena_string(&o->step, message));
}

static void issued(void *context, enum pool_failure outcome, const struct answered *answer)
{
    struct own_evidence *o = context;

    if (outcome != POOL_ANSWERED) {
        failed(o, 0, "the verifier ended while it worked on it");
    } else if (!still_its_key(o)) {
        overtaken(o);
    } else if (answer->status != 200) {
        refused(o, answer);
    } else {
        for (size_t i = 0; i < answer->changes.count; i++)
            o->records[i] = record_of(&o->step, o->tenant->issuer, &answer->changes.v[i]);
        if (!ledger_append(o->service->ledger, o->records, answer->changes.count, stored, o))
            failed(o, 0, "too many changes wait for the store");
    }
}

static void issue(struct own_evidence *o)
{
    const struct manage_request request = {.what = MANAGE_KEY_EVIDENCE,
                                           .issuer = o->tenant->issuer,
                                           .kind = o->next ? BYTES_LIT("next") : BYTES_NONE,
                                           .body = write_key_evidence(&o->step, &o->evidence),
                                           .caller = BYTES_LIT("own evidence"),
                                           .time = now_seconds()};
    const struct pool_work work = {
        FRAME_MANAGE, write_manage(&o->step, &request), {o->tenant->issuer, request.body}, o->tenant, 0};

    if (!pool_submit(o->service->pool, &work, issued, o))
        failed(o, 0, "too many requests wait already");
}

static void collected(void *context, const struct key_evidence *evidence, const struct fault *fault)
{
    struct own_evidence *o = context;

    if (!evidence) {
        failed(o, 0, fault->text);
        return;
    }
    o->evidence = *evidence;
    o->last_time = now_seconds();
    if (o->service->stopping || !still_its_key(o))
        overtaken(o);
    else
        issue(o);
}

static void begin(struct own_evidence *o, const struct tenant *t)
{
    const struct certificate *c;
    struct fault fault = {0};
    uint8_t digest[SHA256_SIZE];

    arena_reset(&o->step);
    o->tenant = t;
    o->busy = true;
    o->kid = arena_copy(&o->step, key_of(o, t)->kid);
    if (!certificate_decode(&o->step, key_of(o, t)->certificate, &c, &fault)) {
        failed(o, 0, fault.text);
        return;
    }
    struct bytes text = key_text(&o->step, c->key.spki);
    sha256(text, digest);
    if (memcmp(digest, o->last, sizeof digest) == 0 && now_seconds() < o->last_time + SHARED_SECONDS &&
        o->last_time >= o->stale) {
        issue(o);
        return;
    }
    memcpy(o->last, digest, sizeof digest);
    evidence_thread_ask(o->thread, text);
}

static enum key_tee tee_of(const struct provider_key *key)
{
    struct arena a;
    const struct certificate *c;

    arena_init(&a, LIMIT_REQUEST_MEMORY);
    enum key_tee tee = certificate_decode(&a, key->certificate, &c, NULL) ? evidence_held(c) : KEY_NO_TEE;
    arena_free(&a);
    return tee;
}

/* own: the key was made here. */
static bool key_is_due(struct own_evidence *o, const struct tenant *t, struct bytes kind, bool own)
{
    const struct held_record *h = tenant_record(t, kind);
    int64_t now = now_seconds(), days = o->service->config->evidence_days;

    if (!h || !key_of(o, t)->kid.n)
        return false;
    if (tee_of(key_of(o, t)) == KEY_NO_TEE) {
        o->counting.without += !own;
        return own || h->time + GRACE_SECONDS <= now;
    }
    o->counting.with += !own;
    if (!own && (!o->counting.oldest || h->time < o->counting.oldest))
        o->counting.oldest = h->time;
    return h->time + days * DAY_SECONDS <= now || h->time < o->stale;
}

/* Then o->next says which key. */
static bool is_due(struct own_evidence *o, const struct tenant *t, bool own)
{
    if (!tenant_serves(t))
        return false;
    o->next = true; /* first, for it must have its evidence before it signs */
    if (key_is_due(o, t, BYTES_LIT("next"), own))
        return true;
    o->next = false;
    return key_is_due(o, t, BYTES_LIT("key"), own);
}

static const struct tenant *next_soon(struct own_evidence *o)
{
    for (struct soon *s; (s = o->soon);) {
        const struct tenant *t = registry_by_issuer(o->service->registry, bytes_make(s->issuer, s->n));

        o->soon = s->next;
        if (!o->soon)
            o->soon_end = &o->soon;
        o->soon_count--;
        free(s);
        if (t && is_due(o, t, true))
            return t;
    }
    return NULL;
}

static void look_ends(struct own_evidence *o)
{
    o->seen.with = o->counting.with;
    o->seen.without = o->counting.without;
    o->seen.oldest = o->counting.oldest;
    o->counting = (struct own_evidence_state){0};
    o->looked = 0;
}

static const struct tenant *next_due(struct own_evidence *o)
{
    size_t all = registry_count(o->service->registry);
    const struct tenant *found = NULL;

    for (size_t n = 0; !found && n < LOOK_PROVIDERS && o->looked < all; n++, o->looked++) {
        const struct tenant *t = registry_at(o->service->registry, o->at++ % all);

        if (is_due(o, t, false))
            found = t;
    }
    if (o->looked >= all)
        look_ends(o);
    return found;
}

static void look(evutil_socket_t fd, short what, void *context)
{
    struct own_evidence *o = context;
    const struct tenant *t = NULL;

    (void)fd, (void)what;
    if (o->busy || o->service->stopping)
        return;
    if (o->service->ready && o->pause <= now_seconds() && !(t = next_soon(o)))
        t = next_due(o);
    if (t)
        begin(o, t);
    else
        wake_in(o, LOOK_MILLISECONDS);
}

struct own_evidence *own_evidence_new(struct service *s, struct fault *fault)
{
    struct own_evidence *o = calloc(1, sizeof *o);

    if (!o)
        abort();
    *o = (struct own_evidence){.service = s, .soon_end = &o->soon};
    arena_init(&o->texts, STEP_MEMORY);
    arena_init(&o->step, STEP_MEMORY);
    evidence_source_choose(s->config, &o->source);
    if (o->source.path)
        o->source.path = arena_string(&o->texts, bytes_text(o->source.path));
    o->name = evidence_source_text(&o->source, &o->texts);
    o->timer = evtimer_new(s->base, look, o);
    if (evidence_source_gives(&o->source))
        o->thread = evidence_thread_start(s->base, &o->source, collected, o, fault);
    if (!o->timer || (evidence_source_gives(&o->source) && !o->thread)) {
        own_evidence_free(o);
        return NULL;
    }
    if (o->thread) {
        log_info("own evidence: %s", o->name);
        wake_in(o, 0);
    } else {
        log_info("own evidence: none. %s", s->config->evidence == EVIDENCE_AUTO
                                               ? "No TEE that can be asked was found: relying parties cannot verify "
                                                 "what this service runs in"
                                               : "[keys] evidence says so");
    }
    return o;
}

void own_evidence_free(struct own_evidence *o)
{
    if (!o)
        return;
    bool ended = evidence_thread_stop(o->thread);
    if (o->timer)
        event_free(o->timer);
    while (o->soon) {
        struct soon *s = o->soon;

        o->soon = s->next;
        free(s);
    }
    if (ended)
        arena_free(&o->texts);
    arena_free(&o->step);
    free(o);
}

void own_evidence_soon(struct own_evidence *o, struct bytes issuer)
{
    struct soon *s = o && o->thread && o->soon_count < SOON_MOST ? malloc(sizeof *s + issuer.n) : NULL;

    if (!s)
        return;
    *s = (struct soon){.n = issuer.n};
    memcpy(s->issuer, issuer.p, issuer.n);
    *o->soon_end = s;
    o->soon_end = &s->next;
    o->soon_count++;
    if (!o->busy && o->pause <= now_seconds())
        wake_in(o, 0);
}

void own_evidence_renew(struct own_evidence *o)
{
    if (!o || !o->thread)
        return;
    o->stale = now_seconds() - RENEW_SECONDS;
    o->pause = 0;
    o->failures = 0;
    o->looked = 0;
    o->counting = (struct own_evidence_state){0};
    if (!o->busy)
        wake_in(o, 0);
}

void own_evidence_state(const struct own_evidence *o, struct own_evidence_state *out)
{
    *out = o ? o->seen : (struct own_evidence_state){0};
    out->source = o ? o->name : "none";
    out->gives = o && o->thread;
    out->fails = o && o->failures > 0;
}
