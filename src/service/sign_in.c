#include "service/sign_in.h"

#include <stdlib.h>

#include "base/limits.h"
#include "service/load.h"
#include "service/log.h"

enum { SET_MEMORY = 64 * 1024 * 1024 };

struct sign_in_set {
    struct arena arena;
    struct issuer *issuers;
    struct assignment *assignments;
    size_t issuer_count, assignment_count;
};

struct sign_in {
    struct sign_in_set *set;
};

struct sign_in *sign_in_new(struct event_base *base, struct fault *fault)
{
    struct sign_in *s = calloc(1, sizeof *s);

    (void)base;
    if (!s)
        fault_set(fault, FAULT_SYSTEM, "no memory");
    return s;
}

void sign_in_set_free(struct sign_in_set *set)
{
    if (!set)
        return;
    arena_free(&set->arena);
    free(set);
}

void sign_in_free(struct sign_in *s)
{
    if (!s)
        return;
    sign_in_set_free(s->set);
    free(s);
}

static bool take_keys(struct sign_in_set *set, const char *path, struct issuer_keys *keys, struct fault *fault)
{
    struct fault why = {0};
    struct bytes text;
    size_t skipped;

    if (!load_file(&set->arena, path, LIMIT_JWKS, &text, fault))
        return false;
    if (!issuer_keys_decode(&set->arena, text, keys, &skipped, &why))
        return fault_set(fault, FAULT_SYNTAX, "%s: %s", path, why.text);
    if (skipped)
        log_error("%s: %zu keys cannot be used and were passed over", path, skipped);
    return true;
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
    set->assignments = ARENA_ARRAY(&set->arena, struct assignment, c->assignment_count);
    for (size_t i = 0; i < c->issuer_count; i++) {
        set->issuers[set->issuer_count++] = c->issuers[i];
        if (c->issuer_configs[i].jwks_file &&
            !take_keys(set, c->issuer_configs[i].jwks_file, &set->issuers[i].keys, fault)) {
            sign_in_set_free(set);
            return NULL;
        }
    }
    for (size_t i = 0; i < c->assignment_count; i++)
        set->assignments[set->assignment_count++] = c->assignments[i].assignment;
    return set;
}

void sign_in_use(struct sign_in *s, struct sign_in_set *set)
{
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

static bool verify(struct sign_in *s, struct arena *a, const struct access_request *r, struct access_answer *out)
{
    const struct issuers issuers = {s->set->issuers, s->set->issuer_count};
    struct bearer_exam x = {
        .arena = a, .trace = trace_new(a), .issuers = &issuers, .plane = action_plane(r->action), .time = r->time};

    if (bearer_verify(&x, bytes_text(r->authorization), &out->caller)) {
        out->caller = keep(a, out->caller);
        return true;
    }
    const struct trace_entry *failure = trace_failure(x.trace);
    const struct check_info *check = &check_table[failure ? failure->id : CHECK_BEARER_FORM];
    out->failed_check = check->id;
    out->reason = arena_printf(a, "%s: %s %s", check->id, check->proves, check->remedy);
    return false;
}

enum access sign_in_access(struct sign_in *s, struct arena *a, const struct access_request *request,
                           struct access_answer *out)
{
    const struct issuers issuers = {s->set->issuers, s->set->issuer_count};
    const struct assignments assignments = {s->set->assignments, s->set->assignment_count};

    *out = (struct access_answer){.reason = "a bearer token is needed"};
    if (!request->authorization || !verify(s, a, request, out))
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
