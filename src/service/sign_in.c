#include "service/sign_in.h"

#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "service/key_fetch.h"
#include "service/log.h"

enum { SET_MEMORY = 64 * 1024 * 1024 };

/* Of an issuer whose keys came from outside the configuration. */
struct key_slot {
    struct arena arena; /* of its keys; untouched while there are none */
    int64_t since;      /* when they came; 0: never */
};

struct sign_in_set {
    struct arena arena;
    struct issuer *issuers;
    struct key_slot *slots; /* one for each issuer */
    struct assignment *assignments;
    size_t issuer_count, assignment_count;
    struct key_source *sources; /* of those issuers whose keys can change */
    size_t *source_issuers;
    size_t source_count;
};

struct sign_in {
    struct sign_in_set *set;
    struct key_fetch *fetch;
    unsigned generation; /* of the sources in use */
};

static const char *name_of(const struct sign_in_set *set, size_t issuer)
{
    return (const char *)set->issuers[issuer].url.p; /* of a configuration: it ends with a NUL */
}

static void log_skipped(const struct sign_in_set *set, size_t issuer, size_t skipped)
{
    if (skipped)
        log_error("issuer %s: %zu keys cannot be used and were passed over", name_of(set, issuer), skipped);
}

/* What was fetched; until it comes, and when it does not, the keys at hand stay. */
static void take_keys(void *context, struct fetched *f)
{
    struct sign_in *s = context;
    struct sign_in_set *set = s->set;

    if (f->generation != s->generation) {
        arena_free(&f->arena);
        return;
    }
    size_t issuer = set->source_issuers[f->source];
    struct key_slot *slot = &set->slots[issuer];
    if (!f->keys.count) {
        if (slot->since)
            log_error("issuer %s: its keys cannot be fetched, those of %lld seconds ago stay: %s", name_of(set, issuer),
                      (long long)((int64_t)time(NULL) - slot->since), f->fault.text);
        else
            log_error("issuer %s: its keys cannot be fetched, and its tokens are refused until they are: %s",
                      name_of(set, issuer), f->fault.text);
        arena_free(&f->arena);
        return;
    }
    if (!slot->since)
        log_info("issuer %s: has %zu keys", name_of(set, issuer), f->keys.count);
    log_skipped(set, issuer, f->skipped);
    arena_free(&slot->arena);
    *slot = (struct key_slot){f->arena, (int64_t)time(NULL)};
    set->issuers[issuer].keys = f->keys;
}

struct sign_in *sign_in_new(struct event_base *base, struct fault *fault)
{
    struct sign_in *s = calloc(1, sizeof *s);

    if (!s) {
        fault_set(fault, FAULT_SYSTEM, "no memory");
        return NULL;
    }
    s->fetch = key_fetch_new(base, take_keys, s, fault);
    if (s->fetch)
        return s;
    free(s);
    return NULL;
}

void sign_in_set_free(struct sign_in_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->issuer_count; i++)
        arena_free(&set->slots[i].arena);
    arena_free(&set->arena);
    free(set);
}

void sign_in_free(struct sign_in *s)
{
    if (!s)
        return;
    key_fetch_free(s->fetch);
    sign_in_set_free(s->set);
    free(s);
}

/* A file's keys are there from the start, or there is no start. */
static bool read_file_keys(struct sign_in_set *set, size_t issuer, const struct key_source *source, struct fault *fault)
{
    struct fetched f;
    bool ok = key_fetch_once(source, NULL, &f);

    if (!ok) {
        fault_set(fault, FAULT_SYNTAX, "%s: %s", source->jwks_file, f.fault.text);
        arena_free(&f.arena);
        return false;
    }
    log_skipped(set, issuer, f.skipped);
    set->slots[issuer] = (struct key_slot){f.arena, (int64_t)time(NULL)};
    set->issuers[issuer].keys = f.keys;
    return true;
}

static bool add_issuer(struct sign_in_set *set, const struct issuer *issuer, const struct issuer_config *c,
                       struct fault *fault)
{
    size_t number = set->issuer_count++;

    set->issuers[number] = *issuer;
    if (!bytes_begin(issuer->url, "https://"))
        return true;
    struct key_source *source = &set->sources[set->source_count];
    set->source_issuers[set->source_count++] = number;
    *source = (struct key_source){.issuer = issuer->url,
                                  .jwks_file = c->jwks_file,
                                  .ca_file = c->ca_file,
                                  .private_addresses = c->private_addresses,
                                  .refresh_seconds = c->refresh_seconds};
    return !c->jwks_file || read_file_keys(set, number, source, fault);
}

struct sign_in_set *sign_in_read(const struct config *c, struct fault *fault)
{
    struct sign_in_set *set = calloc(1, sizeof *set);

    if (!set) {
        fault_set(fault, FAULT_SYSTEM, "no memory");
        return NULL;
    }
    arena_init(&set->arena, SET_MEMORY);
    set->issuers = ARENA_ARRAY(&set->arena, struct issuer, c->issuer_count);
    set->slots = ARENA_ARRAY(&set->arena, struct key_slot, c->issuer_count);
    set->sources = ARENA_ARRAY(&set->arena, struct key_source, c->issuer_count);
    set->source_issuers = ARENA_ARRAY(&set->arena, size_t, c->issuer_count);
    set->assignments = ARENA_ARRAY(&set->arena, struct assignment, c->assignment_count);
    for (size_t i = 0; i < c->issuer_count; i++)
        if (!add_issuer(set, &c->issuers[i], &c->issuer_configs[i], fault)) {
            sign_in_set_free(set);
            return NULL;
        }
    for (size_t i = 0; i < c->assignment_count; i++)
        set->assignments[set->assignment_count++] = c->assignments[i].assignment;
    return set;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The keys that were fetched for the same issuer in the same way. */
static bool inherit(struct sign_in_set *set, size_t source, struct sign_in_set *old)
{
    const struct key_source *s = &set->sources[source];

    for (size_t i = 0; old && !s->jwks_file && i < old->source_count; i++) {
        const struct key_source *o = &old->sources[i];
        struct key_slot *from = &old->slots[old->source_issuers[i]];

        if (!bytes_equal(o->issuer, s->issuer) || o->jwks_file || !same_text(o->ca_file, s->ca_file) ||
            o->private_addresses != s->private_addresses || !from->since)
            continue;
        set->slots[set->source_issuers[source]] = *from;
        set->issuers[set->source_issuers[source]].keys = old->issuers[old->source_issuers[i]].keys;
        *from = (struct key_slot){0};
        return true;
    }
    return false;
}

void sign_in_use(struct sign_in *s, struct sign_in_set *set)
{
    bool *fresh = ARENA_ARRAY(&set->arena, bool, set->source_count);

    for (size_t i = 0; i < set->source_count; i++)
        fresh[i] = set->sources[i].jwks_file || inherit(set, i, s->set);
    s->generation = key_fetch_sources(s->fetch, set->sources, fresh, set->source_count);
    sign_in_set_free(s->set);
    s->set = set;
}

static void copy_names(struct arena *a, struct names *names)
{
    struct bytes *copy = ARENA_ARRAY(a, struct bytes, names->count);

    for (size_t i = 0; i < names->count; i++)
        copy[i] = arena_copy(a, names->v[i]);
    names->v = copy;
}

/* The token lives as long as the exchange's header, issuers as long as the set: a caller must outlive both. */
static struct caller keep(struct arena *a, struct caller c)
{
    c.issuer = arena_copy(a, c.issuer);
    c.subject = arena_copy(a, c.subject);
    c.name = arena_copy(a, c.name);
    c.object = arena_copy(a, c.object);
    copy_names(a, &c.groups);
    copy_names(a, &c.roles);
    return c;
}

static void ask_for_keys(struct sign_in *s, const struct issuer *issuer)
{
    for (size_t i = 0; i < s->set->source_count; i++)
        if (&s->set->issuers[s->set->source_issuers[i]] == issuer)
            key_fetch_ask(s->fetch, i);
}

static bool verify(struct sign_in *s, struct arena *a, const struct access_request *r, struct access_answer *out)
{
    const struct issuers issuers = {s->set->issuers, s->set->issuer_count};
    struct bearer_exam x = {
        .arena = a, .trace = trace_new(a), .issuers = &issuers, .plane = action_plane(r->action), .time = r->time};

    if (bearer_verify(&x, bytes_text(r->authorization), &out->caller)) {
        out->caller = keep(a, out->caller);
        return true;
    }
    if (x.lacking)
        ask_for_keys(s, x.lacking);
    const struct trace_entry *failure = trace_failure(x.trace);
    const struct check_info *check = &check_table[failure ? failure->id : CHECK_BEARER_FORM];
    out->failed_check = check->id;
    out->reason = arena_printf(a, "%s: %s %s", check->id, check->proves, check->remedy);
    return false;
}

/* OpenSSL verified it; whether its CA is anybody's issuer, the configuration says. */
static bool take_certificate(const struct issuers *issuers, const struct client_certificate *certificate,
                             struct access_answer *out)
{
    if (!certificate)
        return false;
    if (!issuer_find(issuers, certificate->issuer)) {
        out->reason = "the CA of the client's certificate is no issuer of the configuration";
        return false;
    }
    out->caller = (struct caller){.issuer = certificate->issuer, .subject = certificate->subject};
    return true;
}

enum access sign_in_access(struct sign_in *s, struct arena *a, const struct access_request *request,
                           struct access_answer *out)
{
    const struct issuers issuers = {s->set->issuers, s->set->issuer_count};
    const struct assignments assignments = {s->set->assignments, s->set->assignment_count};

    *out = (struct access_answer){.reason = "a bearer token is needed"};
    if (request->authorization ? !verify(s, a, request, out) : !take_certificate(&issuers, request->certificate, out))
        return ACCESS_UNAUTHENTICATED;
    if (caller_may(&issuers, &assignments, &out->caller, request->action, request->scope))
        return ACCESS_GRANTED;
    struct bytes scope = scope_print(a, request->scope);
    out->reason = arena_printf(a, "the caller may not perform the action '%s' over the scope '%.*s'",
                               action_name(request->action), (int)scope.n, (const char *)scope.p);
    return ACCESS_DENIED;
}

/* Where tokens come from: the first issuer that is an address; without one that of the original service. */
static struct bytes authority(const struct sign_in *s)
{
    for (size_t i = 0; i < s->set->issuer_count; i++)
        if (bytes_begin(s->set->issuers[i].url, "https://"))
            return s->set->issuers[i].url;
    return BYTES_LIT("https://login.microsoftonline.com/common");
}

const char *sign_in_challenge(const struct sign_in *s, struct arena *a, enum plane plane,
                              const struct access_answer *answer)
{
    struct bytes from = authority(s);
    char *challenge = arena_printf(a, "Bearer authorization_uri=\"%.*s\", resource=\"%s\"", (int)from.n,
                                   (const char *)from.p, bearer_audience(plane));

    if (answer->failed_check)
        return arena_printf(a, "%s, error=\"invalid_token\", error_description=\"%s\"", challenge, answer->reason);
    if (answer->caller.subject.n)
        return arena_printf(a, "%s, error=\"insufficient_scope\"", challenge);
    return challenge;
}

struct bytes sign_in_caller_text(struct arena *a, const struct caller *caller)
{
    return bytes_text(arena_printf(a, "%.*s %.*s", (int)caller->issuer.n, (const char *)caller->issuer.p,
                                   (int)caller->subject.n, (const char *)caller->subject.p));
}
