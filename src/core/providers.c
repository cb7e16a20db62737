#include "core/providers.h"

#include <search.h>
#include <stdlib.h>

enum { PROVIDER_MEMORY = 128 * 1024 * 1024 }; /* its largest policies, decoded */

struct providers {
    void *tree; /* of struct kept_provider, by issuer */
    size_t used, most;
    struct kept_provider *building;
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

struct providers *providers_new(size_t memory)
{
    struct providers *t = calloc(1, sizeof *t);

    if (t)
        t->most = memory;
    return t;
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
    free(t);
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
    new->provider = (struct provider){.issuer = m.issuer,
                                      .kid = m.key.kid,
                                      .sealed_key = m.key.sealed,
                                      .isolated = m.signers.n > 0,
                                      .shared = m.shared};
    if (!certificate_decode(&new->arena, m.key.certificate, &new->provider.certificate, &new->fault))
        return true;
    if (new->provider.isolated)
        provider_signers_load(&new->arena, m.signers, &new->provider.signers, &new->fault);
    return true;
}

static void take_policy(struct kept_provider *new, struct bytes body)
{
    struct provider_policy p;
    struct named_bytes m;

    if (!read_named(arena_copy(&new->arena, body), &m)) {
        fault_set(&new->fault, FAULT_SYNTAX, "a policy that is not well formed");
        return;
    }
    if (!provider_policy_load(&new->arena, m.name, m.content, &p, &new->fault))
        return;
    new->policies = ARENA_ROOM(&new->arena, new->policies, new->policy_count, &new->policy_cap);
    new->policies[new->policy_count++] = p;
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

    t->building = NULL;
    new->provider.policies = new->policies;
    new->provider.policy_count = new->policy_count;
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
    if (kind == FRAME_POLICY)
        take_policy(t->building, body);
    else
        finish(t);
    return true;
}
