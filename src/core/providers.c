#include "core/providers.h"

#include <search.h>
#include <stdlib.h>

enum { PROVIDER_MEMORY = 128 * 1024 * 1024 }; /* its largest policies, decoded */

/* Kinds of records that a provider has beside its policies. */
static const char *const kinds[] = {"provider", "key", "next", "rotated", "revoked", "signers", "retired", "keeping"};

struct providers {
    void *tree; /* of struct kept_provider, by issuer */
    size_t used, most;
    struct kept_provider *building;
    struct record_memory *seen;
    uint8_t key[ED25519_PUBLIC]; /* public */
};

static int by_issuer(const void *a, const void *b)
{
    return bytes_compare(((const struct kept_provider *)a)->provider.issuer,
                         ((const struct kept_provider *)b)->provider.issuer);
}

static void kept_free(void *provider)
{
    struct kept_provider *t = provider;

    if (!t)
        return;
    arena_free(&t->arena);
    free(t);
}

struct providers *providers_new(size_t memory, const uint8_t key[ED25519_PUBLIC])
{
    struct providers *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->most = memory;
    memcpy(t->key, key, sizeof t->key);
    t->seen = record_memory_new();
    if (t->seen)
        return t;
    free(t);
    return NULL;
}

static void drop_all(struct providers *t)
{
    tdestroy(t->tree, kept_free);
    t->tree = NULL;
    t->used = 0;
}

void providers_free(struct providers *t)
{
    if (!t)
        return;
    drop_all(t);
    kept_free(t->building);
    record_memory_free(t->seen);
    free(t);
}

bool providers_seen(const struct providers *t, struct bytes issuer)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (record_memory_version(t->seen, issuer, bytes_text(kinds[i])))
            return true;
    return false;
}

const struct kept_provider *providers_find(const struct providers *t, struct bytes issuer)
{
    struct kept_provider wanted = {.provider.issuer = issuer};
    const void *found = tfind(&wanted, &t->tree, by_issuer);

    return found ? *(struct kept_provider *const *)found : NULL;
}

static bool begin(struct providers *t, struct bytes body)
{
    struct kept_provider *new = calloc(1, sizeof *new);
    struct provider_message m;

    if (!new)
        abort();
    arena_init(&new->arena, PROVIDER_MEMORY);
    t->building = new;
    if (!read_provider(arena_copy(&new->arena, body), &m))
        return false;
    new->provider = (struct provider){.issuer = m.issuer, .shared = m.shared};
    return true;
}

/* The first reason stays, but for one that is no check. */
static void refuse(struct kept_provider *k, const char *failed_check, struct bytes why)
{
    if (k->refusal.n && (k->failed_check || !failed_check))
        return;
    k->refusal = why;
    k->failed_check = failed_check;
}

/* A check of this record failed. */
static void refuse_record(struct kept_provider *k, const struct record_exam *x, const struct state_record *r)
{
    enum check_id id = trace_failure(x->trace)->id;

    refuse(k, check_table[id].id, record_refusal(&k->arena, r, id));
}

static void refuse_fault(struct kept_provider *k, const struct state_record *r, const struct fault *fault)
{
    refuse(k, NULL,
           bytes_text(arena_printf(&k->arena, "%.*s: %s", (int)r->kind.n, (const char *)r->kind.p, fault->text)));
}

static void take_key(struct kept_provider *k, const struct state_record *r)
{
    struct fault fault = {0};
    struct provider_key key;

    record_model(r, &k->provider.isolated);
    if (!read_provider_key(r->body, &key)) {
        fault_set(&fault, FAULT_SYNTAX, "it is not of the form of a key");
        refuse_fault(k, r, &fault);
        return;
    }
    k->provider.kid = key.kid;
    k->provider.sealed_key = key.sealed;
    if (!certificate_decode(&k->arena, key.certificate, &k->provider.certificate, &fault))
        refuse_fault(k, r, &fault);
}

static void take_policy(struct kept_provider *k, const struct state_record *r)
{
    struct fault fault = {0};
    struct provider_policy p;

    if (!provider_policy_load(&k->arena, r->kind, r->body, &p, &fault)) {
        refuse_fault(k, r, &fault);
        return;
    }
    k->policies = ARENA_ROOM(&k->arena, k->policies, k->policy_count, &k->policy_cap);
    k->policies[k->policy_count++] = p;
}

/* What a record means for the provider; one of a kind that is not looked at here is kept for its version. */
static void place(struct kept_provider *k, struct record_exam *x, const struct state_record *r)
{
    struct fault fault = {0};

    bool isolated;

    if (!r->body.n)
        return;
    if (!check_that(x, RECORD_MODEL, !record_tells_model(r) || record_model(r, &isolated)))
        refuse_record(k, x, r);
    else if (bytes_is(r->kind, "key"))
        take_key(k, r);
    else if (provider_policy_kind(r->kind))
        take_policy(k, r);
    else if (bytes_is(r->kind, "signers") && !provider_signers_load(&k->arena, r->body, &k->provider.signers, &fault))
        refuse_fault(k, r, &fault);
}

static bool take_record(struct providers *t, struct bytes body)
{
    struct kept_provider *k = t->building;
    struct record_exam x = {&k->arena, trace_new(&k->arena)};
    struct state_record r;

    if (!read_state_record(arena_copy(&k->arena, body), &r))
        return false;
    if (k->failed_check)
        return true;
    if (!check_eq(&x, RECORD_PLACE, r.provider, k->provider.issuer) || !record_verify(&x, t->key, &r) ||
        !check_that(&x, RECORD_VERSION,
                    record_memory_take(t->seen, r.provider, r.kind, r.version, record_message(&k->arena, &r)))) {
        refuse_record(k, &x, &r);
        return true;
    }
    k->provider.records = k->records;
    k->provider.record_count = k->record_count;
    if (provider_record(&k->provider, r.kind))
        return false;
    place(k, &x, &r);
    k->records = ARENA_ROOM(&k->arena, k->records, k->record_count, &k->record_cap);
    k->records[k->record_count++] = r;
    return true;
}

/* Records of a region that came with a request of one of its providers. */
struct regional {
    struct providers *of;
    struct record_exam exam;
    struct bytes region;
    struct state_record key, revoked; /* no body: there is none */
    const struct state_record *at;    /* that is looked at */
};

static bool take_regional(struct regional *x, struct bytes body, const char *kind, struct state_record *r)
{
    struct providers *t = x->of;
    struct record_exam *e = &x->exam;

    x->at = r;
    *r = (struct state_record){.provider = x->region,
                               .kind = bytes_text(kind),
                               .version = record_memory_version(t->seen, x->region, bytes_text(kind))};
    if (!body.n)
        return check_that(e, RECORD_MISSING, !r->version);
    return check_that(e, RECORD_SEAL, read_state_record(body, r)) &&
           check_eq(e, RECORD_PLACE, r->provider, x->region) && check_eq(e, RECORD_PLACE, r->kind, bytes_text(kind)) &&
           record_verify(e, t->key, r) &&
           check_that(e, RECORD_VERSION,
                      record_memory_take(t->seen, r->provider, r->kind, r->version, record_message(e->arena, r)));
}

/* What does not read revokes all. */
static bool is_revoked(const struct state_record *revoked, struct bytes kid)
{
    struct retired_key keys[RETIRED_KEYS_MAX];
    size_t count = 0;

    if (!revoked->body.n)
        return false;
    bool found = !read_retired_keys(revoked->body, keys, &count);
    for (size_t i = 0; i < count && !found; i++)
        found = bytes_equal(keys[i].kid, kid);
    return found;
}

static bool judge_regional(struct regional *x, const struct manage_request *request, struct bytes *sealed)
{
    struct provider_key key = {0};
    bool isolated;

    if (!take_regional(x, request->region_revoked, "revoked", &x->revoked) ||
        !take_regional(x, request->region_key, "key", &x->key) ||
        !check_that(&x->exam, RECORD_MODEL, record_model(&x->key, &isolated) && read_provider_key(x->key.body, &key)) ||
        !check_that(&x->exam, RECORD_REVOKED, !is_revoked(&x->revoked, key.kid)))
        return false;
    *sealed = key.sealed;
    return true;
}

bool providers_regional(struct providers *t, struct arena *a, const struct manage_request *request,
                        struct bytes *sealed, struct regional_refusal *refusal)
{
    struct regional x = {.of = t, .exam = {a, trace_new(a)}, .region = key_region(a, request->issuer)};

    *sealed = BYTES_NONE;
    if (!request->region_key.n || judge_regional(&x, request, sealed))
        return true;
    enum check_id failed = trace_failure(x.exam.trace)->id;
    *refusal = (struct regional_refusal){check_table[failed].id, record_refusal(a, x.at, failed)};
    return false;
}

static bool is_there(struct providers *t, struct record_exam *x, struct bytes kind)
{
    struct kept_provider *k = t->building;
    const struct state_record gone = {
        .provider = k->provider.issuer,
        .kind = kind,
        .version = record_memory_version(t->seen, k->provider.issuer, kind),
    };

    if (check_that(x, RECORD_MISSING, !gone.version || provider_record(&k->provider, kind)))
        return true;
    refuse_record(k, x, &gone);
    return false;
}

/* The key that will sign is of the trust model of the one that does: it was published for this provider as it is now. */
static bool goes_on(struct kept_provider *k, struct record_exam *x)
{
    const struct state_record *next = provider_record(&k->provider, BYTES_LIT("next"));
    bool isolated = k->provider.isolated;

    if (next && next->body.n)
        record_model(next, &isolated);
    if (check_that(x, RECORD_NEXT, isolated == k->provider.isolated))
        return true;
    refuse_record(k, x, next);
    return false;
}

/* Nothing that was there is gone; whose signers are missing would take policies that nobody signed. */
static void judge_whole(struct providers *t)
{
    struct kept_provider *k = t->building;
    struct record_exam x = {&k->arena, trace_new(&k->arena)};
    struct bytes kind;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!is_there(t, &x, bytes_text(kinds[i])))
            return;
    for (size_t i = 0; provider_policy_kind_at(&k->arena, i, &kind); i++)
        if (!is_there(t, &x, kind))
            return;
    if (goes_on(k, &x) && !check_that(&x, RECORD_SIGNERS, !k->provider.isolated || k->provider.signers))
        refuse_record(k, &x, &(struct state_record){.provider = k->provider.issuer, .kind = BYTES_LIT("signers")});
}

static void drop(struct providers *t, struct kept_provider *old)
{
    t->used -= old->arena.used;
    tdelete(old, &t->tree, by_issuer);
    kept_free(old);
}

/* Whoever is asked for again comes again: with the memory full, all others go. */
static void finish(struct providers *t)
{
    struct kept_provider *new = t->building,
                         *old = (struct kept_provider *)(uintptr_t)providers_find(t, new->provider.issuer);

    new->provider.policies = new->policies;
    new->provider.policy_count = new->policy_count;
    new->provider.records = new->records;
    new->provider.record_count = new->record_count;
    if (!new->failed_check)
        judge_whole(t);
    t->building = NULL;
    if (old)
        drop(t, old);
    if (t->used + new->arena.used > t->most)
        drop_all(t);
    t->used += new->arena.used;
    if (!tsearch(new, &t->tree, by_issuer))
        abort();
}

bool providers_take(struct providers *t, enum frame_kind kind, struct bytes body)
{
    if (kind == FRAME_PROVIDER) {
        kept_free(t->building);
        t->building = NULL;
        return begin(t, body);
    }
    if (!t->building)
        return false;
    if (kind == FRAME_RECORD)
        return take_record(t, body);
    finish(t);
    return true;
}
