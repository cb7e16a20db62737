/* Chains of AMD's certificates: built from what came with the evidence, from the endorsements at hand, and from the built-in
 * authorities (snp-cvm.md 1.8, 1.9 step 3). */
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "endorsement/amd/chain.h"

/* The certificate as a link: its own place in a list is another's. */
static struct certificate *linked(struct arena *a, const struct certificate *c, const struct certificate *next)
{
    struct certificate *copy = ARENA_NEW(a, struct certificate);

    *copy = *c;
    copy->next = next;
    return copy;
}

static void set_chain(struct arena *a, struct amd_chain *out, const struct certificate *issuer,
                      const struct certificate *root)
{
    enum amd_role role = AMD_ROLES;

    out->root = root ? linked(a, root, NULL) : NULL;
    out->issuer = issuer ? linked(a, issuer, out->root) : NULL;
    out->leaf.certificate = linked(a, out->leaf.certificate, out->issuer);
    out->has_product = root && amd_authority_by_name(root->subject_cn, &out->product, &role) && role == AMD_ARK;
}

/* Did the holder of that key sign c? Kept as a fact where there is a cache: it depends on the bytes alone. */
static bool signed_by(struct arena *a, struct cache *cache, const struct certificate *c,
                      const struct certificate *issuer)
{
    static const bool yes = true, no = false;
    struct bytes parts[] = {BYTES_OF(c->digest), BYTES_OF(issuer->spki_digest)};
    uint8_t key[SHA256_SIZE];

    if (!cache)
        return certificate_signed_by(c, &issuer->key);
    cache_key("amd signature", parts, 2, key);
    const bool *known = cache_find(cache, key);
    if (known)
        return *known;
    struct arena *built = cache_arena(cache, a);
    bool ok = certificate_signed_by(c, &issuer->key);
    cache_keep(cache, key, built, ok ? &yes : &no);
    return ok;
}

/* The built-in authority of that name signed the leaf: then no other certificate matters. */
static bool by_built_in(struct arena *a, struct cache *cache, struct amd_chain *out)
{
    const struct certificate *leaf = out->leaf.certificate;
    enum snp_product product;
    enum amd_role role;

    if (!amd_authority_by_name(leaf->issuer_cn, &product, &role) || role == AMD_ARK)
        return false;
    struct certificate *issuer = amd_authority(a, product, role);
    if (!signed_by(a, cache, leaf, issuer))
        return false;
    set_chain(a, out, issuer, amd_authority(a, product, AMD_ARK));
    out->signatures_ok = true;
    return true;
}

/* Of those with the issuer's name the one that signed c, else the first; NULL when none has the name. */
static const struct certificate *issuer_among(struct arena *a, struct cache *cache, const struct certificate *c,
                                              const struct certificate_pool *others, bool *signed_it)
{
    const struct certificate *first = NULL;

    *signed_it = false;
    for (size_t i = 0; i < others->count; i++) {
        const struct certificate *candidate = others->v[i];

        if (!bytes_equal(candidate->subject, c->issuer))
            continue;
        if (signed_by(a, cache, c, candidate)) {
            *signed_it = true;
            return candidate;
        }
        first = first ? first : candidate;
    }
    return first;
}

/* The root of an issuer: built in where it signed it, else one that came along. */
static const struct certificate *root_of(struct arena *a, struct cache *cache, const struct certificate *issuer,
                                         const struct certificate_pool *others, bool *ok)
{
    enum snp_product product;
    enum amd_role role;

    if (amd_authority_by_name(issuer->issuer_cn, &product, &role) && role == AMD_ARK) {
        struct certificate *built_in = amd_authority(a, product, AMD_ARK);

        *ok = signed_by(a, cache, issuer, built_in);
        if (*ok)
            return built_in;
    }
    const struct certificate *root = issuer_among(a, cache, issuer, others, ok);
    *ok = *ok && signed_by(a, cache, root, root);
    return root;
}

void amd_chain_build(struct arena *a, struct cache *cache, const struct amd_leaf *leaf,
                     const struct certificate_pool *others, struct amd_chain *out)
{
    enum snp_product product;
    enum amd_role role;
    bool leaf_ok, issuer_ok = false;

    *out = (struct amd_chain){.leaf = *leaf};
    if (by_built_in(a, cache, out))
        return;
    const struct certificate *issuer = issuer_among(a, cache, leaf->certificate, others, &leaf_ok), *root = NULL;
    if (issuer)
        root = root_of(a, cache, issuer, others, &issuer_ok);
    else if (amd_authority_by_name(leaf->certificate->issuer_cn, &product, &role) && role != AMD_ARK) {
        issuer = amd_authority(a, product, role); /* whose name it bears, and who did not sign it */
        root = amd_authority(a, product, AMD_ARK);
    }
    set_chain(a, out, issuer, root);
    out->signatures_ok = leaf_ok && issuer_ok;
}

/* ---------------------------------------------------------------------------------------- with the evidence */

/* What is kept of the certificates that came along; chain NULL: no key's certificate of the wanted kind is among them. */
struct loaded {
    const struct amd_chain *chain;
};

static bool decode_certificates(struct arena *a, struct bytes text, bool vlek, struct loaded *out, struct fault *fault)
{
    const struct certificate *list, *wanted = NULL, *others[LIMIT_CHAIN];
    struct certificate_pool pool = {.v = others};
    struct amd_leaf leaf;
    size_t count;

    if (!certificates_decode(a, text, &list, &count, fault))
        return false;
    for (const struct certificate *c = list; c; c = c->next) {
        if (!wanted && bytes_is(c->subject_cn, vlek ? "SEV-VLEK" : "SEV-VCEK"))
            wanted = c;
        else if (!amd_leaf_named(c))
            others[pool.count++] = c;
    }
    if (!wanted)
        return true;
    if (!amd_leaf_decode(wanted, &leaf, fault))
        return false;
    struct amd_chain *chain = ARENA_NEW(a, struct amd_chain);
    amd_chain_build(a, NULL, &leaf, &pool, chain); /* what is made here is kept itself */
    out->chain = chain;
    return true;
}

/* From the cache where they were seen before. NULL, with a fault: they are not well formed. */
static const struct loaded *load(struct exam *x, struct bytes text, bool vlek, struct fault *fault)
{
    struct bytes parts[] = {vlek ? BYTES_LIT("vlek") : BYTES_LIT("vcek"), text};
    uint8_t key[SHA256_SIZE];

    cache_key("amd chain", parts, 2, key);
    const struct loaded *known = cache_find(x->cache, key);
    if (known)
        return known;
    struct arena *built = cache_arena(x->cache, x->arena);
    struct loaded *made = ARENA_NEW(built, struct loaded);
    if (!decode_certificates(built, text, vlek, made, fault)) {
        cache_discard(x->cache, built);
        return NULL;
    }
    cache_keep(x->cache, key, built, made);
    return made;
}

/* ------------------------------------------------------------------------------------------ from the endorsements */

static int by_chip(const void *a, const void *b)
{
    const struct amd_leaf *x = a, *y = b;

    return x->vlek != y->vlek ? (x->vlek ? 1 : -1) : memcmp(x->chip_id, y->chip_id, SNP_CHIP_ID_SIZE);
}

static bool is_built_in(const struct certificate *c)
{
    enum snp_product product;
    enum amd_role role;

    return amd_authority_by_name(c->subject_cn, &product, &role) &&
           memcmp(c->spki_digest, amd_authority_spki(product, role), SHA256_SIZE) == 0;
}

static bool in_pool(const struct certificate_pool *pool, const struct certificate *c)
{
    for (size_t i = 0; i < pool->count; i++)
        if (memcmp(pool->v[i]->digest, c->digest, SHA256_SIZE) == 0)
            return true;
    return false;
}

/* Authorities that were loaded. The file of each chip brings the same again, and those that are built in need no loading. */
static struct certificate_pool loaded_authorities(struct endorsements *e)
{
    const struct certificate **v = NULL;
    struct certificate_pool pool = {0};
    size_t cap = 0;

    for (size_t i = 0; i < e->pool_count; i++)
        for (const struct certificate *c = e->pool[i].amd ? e->pool[i].chain : NULL; c; c = c->next)
            if (c->is_ca && pool.count < LIMIT_AMD_AUTHORITIES && !is_built_in(c) && !in_pool(&pool, c)) {
                v = ARENA_ROOM(&e->arena, v, pool.count, &cap);
                v[pool.count++] = c;
                pool.v = v;
            }
    return pool;
}

void seal_amd(struct endorsements *e)
{
    struct amd_leaf leaf;

    e->amd_authorities = loaded_authorities(e);
    for (size_t i = 0; i < e->pool_count; i++)
        for (const struct certificate *c = e->pool[i].amd ? e->pool[i].chain : NULL; c; c = c->next)
            if (amd_leaf_named(c) && amd_leaf_decode(c, &leaf, NULL)) {
                e->amd_leaves = ARENA_ROOM(&e->arena, e->amd_leaves, e->amd_leaf_count, &e->amd_leaf_cap);
                e->amd_leaves[e->amd_leaf_count++] = leaf;
            }
    if (e->amd_leaf_count)
        qsort(e->amd_leaves, e->amd_leaf_count, sizeof *e->amd_leaves, by_chip);
}

static bool certifies(const struct amd_leaf *leaf, const struct amd_query *q)
{
    struct snp_tcb tcb = snp_tcb_read(leaf->product, q->tcb);

    return (!q->has_product || leaf->product == q->product) && snp_tcb_equal(&leaf->tcb, &tcb);
}

/* In date first, then what lasts longest: certificates of one key are issued again (snp-cvm.md 1.10). */
static bool lasts_longer(const struct certificate *c, const struct certificate *best, int64_t time)
{
    bool now = c->not_before <= time && time <= c->not_after,
         best_now = best->not_before <= time && time <= best->not_after;

    return now != best_now ? now : c->not_after > best->not_after;
}

const struct amd_leaf *amd_leaf_find(const struct endorsements *e, const struct amd_query *q, int64_t time)
{
    struct amd_leaf key = {.vlek = q->vlek};
    const struct amd_leaf *best = NULL;
    size_t low = 0, high = e->amd_leaf_count;

    if (!q->vlek)
        memcpy(key.chip_id, q->chip_id.p, q->chip_id.n < SNP_CHIP_ID_SIZE ? q->chip_id.n : SNP_CHIP_ID_SIZE);
    while (low < high) { /* the first that is not below */
        size_t middle = low + (high - low) / 2;

        if (by_chip(&e->amd_leaves[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < e->amd_leaf_count && by_chip(&e->amd_leaves[low], &key) == 0; low++) {
        const struct amd_leaf *leaf = &e->amd_leaves[low];

        if (certifies(leaf, q) && (!best || lasts_longer(leaf->certificate, best->certificate, time)))
            best = leaf;
    }
    return best;
}

/* Built for each appraisal, in its own memory: to verify all that lie ready would cost a start with many platforms seconds. */
static const struct amd_chain *chain_at_hand(struct exam *x, const struct amd_query *q)
{
    const struct amd_leaf *leaf = amd_leaf_find(x->endorsements, q, x->time);

    if (!leaf)
        return NULL;
    struct amd_chain *chain = ARENA_NEW(x->arena, struct amd_chain);
    amd_chain_build(x->arena, x->cache, leaf, &x->endorsements->amd_authorities, chain);
    return chain;
}

/* What would have to be fetched. A report of version 2 does not tell its product: those of Azure and most others are Milan's. */
static void want_leaf(struct exam *x, const struct amd_query *q)
{
    enum snp_product product = q->has_product ? q->product : SNP_MILAN;
    struct writer w = wr_open(x->arena);

    if (q->vlek || bytes_all_zero(q->chip_id))
        return; /* AMD gives VLEKs to providers alone, and a masked chip has no name */
    wr_printf(&w, "amd/vcek/%s/", snp_product_name(product));
    wr_hex(&w, product == SNP_TURIN ? bytes_first(q->chip_id, SNP_TURIN_CHIP_ID_SIZE) : q->chip_id);
    wr_text(&w, "/");
    wr_put(&w, snp_tcb_name(x->arena, q->tcb));
    x->wanted = wr_done(&w);
}

bool amd_chain_load(struct exam *x, struct bytes certificates, const struct amd_query *q, const struct amd_chain **out)
{
    struct fault fault = {0};
    const struct loaded *came = NULL;

    *out = NULL;
    certificates = bytes_trim_nul(certificates);
    if (certificates.n)
        came = load(x, certificates, q->vlek, &fault);
    if (!check_that(x, AMD_CHAIN_SHAPE, certificates.n == 0 || came)) {
        check_note(x->trace, "%s", fault.text);
        return false;
    }
    *out = came && came->chain ? came->chain : chain_at_hand(x, q);
    if (!*out)
        want_leaf(x, q);
    if (check_that(x, AMD_LEAF_PRESENT, *out != NULL))
        return true;
    struct bytes chip = hex_encode(x->arena, q->chip_id), tcb = snp_tcb_name(x->arena, q->tcb);
    check_note(x->trace, "a %s is wanted for%s%.*s TCB %.*s", q->vlek ? "VLEK" : "VCEK", q->vlek ? "" : " chip ",
               q->vlek ? 0 : (int)chip.n, (const char *)chip.p, (int)tcb.n, (const char *)tcb.p);
    return false;
}
