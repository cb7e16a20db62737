#include "endorsement/tpm/chain.h"

#include "base/clock.h"
#include "base/limits.h"
#include "crypto/der.h"

/* 2.5.29.n that certificates of TPM keys bear as critical ones: the subject's other name tells the TPM, and any policy will do. */
enum { EXT_ALTERNATIVE_NAME = 17, EXT_POLICIES = 32, EXT_USAGES = 37 };
static const uint8_t processed[] = {EXT_ALTERNATIVE_NAME, EXT_POLICIES, EXT_USAGES};
static const uint8_t oid_usages[] = {0x55, 0x1d, EXT_USAGES};
static const uint8_t oid_any_usage[] = {0x55, 0x1d, EXT_USAGES, 0};

/* ------------------------------------------------------------------------------------------------------- build */

/* A signature's verdict depends on its bytes alone: kept as a fact. */
static bool verdict(struct arena *a, struct cache *cache, const char *kind, const uint8_t digest[SHA256_SIZE],
                    const struct certificate *issuer, const struct certificate *c, const struct crl *crl)
{
    static const bool yes = true, no = false;
    struct bytes parts[] = {bytes_make(digest, SHA256_SIZE), BYTES_OF(issuer->spki_digest)};
    uint8_t key[SHA256_SIZE];

    cache_key(kind, parts, 2, key);
    const bool *known = cache_find(cache, key);
    if (known)
        return *known;
    struct arena *built = cache_arena(cache, a);
    bool ok = c ? certificate_signed_by(c, &issuer->key) : crl_signed_by(crl, &issuer->key);
    cache_keep(cache, key, built, ok ? &yes : &no);
    return ok;
}

static bool signed_by(struct arena *a, struct cache *cache, const struct certificate *c,
                      const struct certificate *issuer)
{
    return verdict(a, cache, "tpm signature", c->digest, issuer, c, NULL);
}

static bool is_built_in(const struct certificate *c)
{
    return c->der.n == 0;
}

static bool trusted(const struct endorsements *e, const struct anchors *roots, const struct certificate *c)
{
    struct anchors added = anchors_added(e);

    return anchors_have(roots, c->spki_digest) || anchors_have(&added, c->spki_digest);
}

static bool in_pool(const struct certificate_pool *pool, const struct certificate *c)
{
    for (size_t i = 0; i < pool->count; i++)
        if (memcmp(pool->v[i]->digest, c->digest, SHA256_SIZE) == 0)
            return true;
    return false;
}

struct search {
    struct arena *a;
    struct cache *cache;
    const struct certificate *of; /* whose issuer is looked for */
    const struct certificate *first, *signer;
};

static void consider(struct search *s, const struct certificate *candidate)
{
    if (s->signer || !bytes_equal(candidate->subject, s->of->issuer))
        return;
    if (signed_by(s->a, s->cache, s->of, candidate))
        s->signer = candidate;
    else if (!s->first)
        s->first = candidate;
}

/* The one that signed, else the first that bears the name. */
static const struct certificate *issuer_of(struct search *s, const struct endorsements *e, const struct anchors *roots,
                                           const struct certificate *sent, bool *signed_it)
{
    *signed_it = true;
    if (is_built_in(s->of)) {
        for (size_t i = 0; i < TPM_AUTHORITIES; i++)
            if (bytes_equal(tpm_authorities[i].subject, s->of->issuer))
                return &tpm_authorities[i];
        return NULL;
    }
    for (size_t i = 0; i < TPM_AUTHORITIES; i++)
        consider(s, &tpm_authorities[i]);
    for (size_t i = 0; i < e->tpm_authorities.count; i++)
        if (trusted(e, roots, e->tpm_authorities.v[i])) /* what is sent of such a key may not be believed */
            consider(s, e->tpm_authorities.v[i]);
    for (const struct certificate *c = sent->next; c; c = c->next)
        consider(s, c);
    for (size_t i = 0; i < e->tpm_authorities.count; i++)
        consider(s, e->tpm_authorities.v[i]);
    *signed_it = s->signer != NULL;
    return s->signer ? s->signer : s->first;
}

static void link_all(struct arena *a, const struct certificate *const *links, size_t count, struct tpm_chain *out)
{
    const struct certificate *next = NULL;

    for (size_t i = count; i-- > 0;) {
        struct certificate *copy = ARENA_NEW(a, struct certificate);

        *copy = *links[i];
        copy->next = next;
        if (!next)
            out->top = copy;
        next = copy;
    }
    out->leaf = next;
}

/* An authority whose key is trusted, but that another signed: nothing in a path that ends there says that the certificate is not
 * made up around the key, with dates and uses of somebody's liking. So its words count only where we or the operator put them;
 * one that was sent has to lead on, to an end that is proved. The leaf itself is whom the trust is in, by key. */
static bool vouched_for(const struct endorsements *e, const struct certificate *c)
{
    return is_built_in(c) || in_pool(&e->tpm_authorities, c);
}

void tpm_chain_build(struct arena *a, struct cache *cache, const struct endorsements *e, const struct certificate *sent,
                     const struct anchors *roots, struct tpm_chain *out)
{
    const struct certificate *links[LIMIT_CHAIN], *current = sent;
    size_t count = 0;
    bool ok = true;

    *out = (struct tpm_chain){.signatures_ok = true};
    for (;;) {
        links[count++] = current;
        bool own = bytes_equal(current->subject, current->issuer);
        bool known = trusted(e, roots, current);
        out->anchored = known && (own || count == 1 || vouched_for(e, current));
        out->unproved = known && !out->anchored ? current : out->unproved;
        /* What a root says of itself, its dates and how long a path may be, is worth something only if it signed it. */
        if (own && count > 1 && !is_built_in(current))
            out->signatures_ok &= signed_by(a, cache, current, current);
        if (out->anchored || own || count == LIMIT_CHAIN)
            break;
        current = issuer_of(&(struct search){.a = a, .cache = cache, .of = current}, e, roots, sent, &ok);
        if (!current)
            break;
        out->signatures_ok &= ok;
    }
    link_all(a, links, count, out);
}

void seal_tpm(struct endorsements *e)
{
    const struct certificate **v = NULL;
    size_t cap = 0;

    for (size_t i = 0; i < e->pool_count; i++)
        for (const struct certificate *c = e->pool[i].amd ? NULL : e->pool[i].chain; c; c = c->next)
            if (c->is_ca && e->tpm_authorities.count < LIMIT_TPM_AUTHORITIES && !in_pool(&e->tpm_authorities, c)) {
                v = ARENA_ROOM(&e->arena, v, e->tpm_authorities.count, &cap);
                v[e->tpm_authorities.count++] = c;
                e->tpm_authorities.v = v;
            }
}

/* ------------------------------------------------------------------------------------------------------- judge */

static const char *named(struct arena *a, const struct certificate *c)
{
    struct bytes name = bytes_first(c->subject_cn, 128);

    return name.n ? arena_string(a, name) : "the certificate";
}

/* Which of a role's usages count, and does any usage? */
struct accepted_usages {
    const struct tpm_role *role;
    bool azure, any;
};

static bool lists_one(struct bytes value, const struct accepted_usages *accepted)
{
    const struct tpm_role *role = accepted->role;
    struct reader outer = rd_open(value), list = der_enter(&outer, DER_SEQUENCE);
    bool found = false;

    while (rd_ok(&list) && rd_left(&list)) {
        struct bytes oid = der_take(&list, DER_OID);

        found |= accepted->any && bytes_equal(oid, BYTES_OF(oid_any_usage));
        for (size_t i = 0; i < role->usage_count; i++)
            found |= bytes_equal(oid, role->usages[i]);
        found |= accepted->azure && role->azure_usage && bytes_equal(oid, *role->azure_usage);
    }
    return found && rd_end(&outer) && rd_end(&list);
}

/* `01d451636602.ConfidentialVM.Azure.windows.net` (snp-cvm.md 3.5). */
static bool is_azure_machine(struct bytes name)
{
    static const struct bytes ends[] = {BYTES_LIT(".Azure.windows.net"), BYTES_LIT(".Azure.Microsoft")};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (name.n > ends[i].n && bytes_equal_nocase(bytes_after(name, name.n - ends[i].n), ends[i]))
            return true;
    return false;
}

/* Issuers without a list may issue for any use; one that has a list, only for what stands there. */
static const char *role_fault(struct arena *a, const struct tpm_chain *chain, const struct tpm_role *role)
{
    const struct certificate *leaf = chain->leaf;
    struct accepted_usages accepted = {role, is_azure_machine(leaf->subject_cn), false};
    struct bytes value;

    if (leaf->is_ca)
        return "the certificate is an authority's";
    if (leaf->has_key_usage && !(leaf->key_usage & role->key_usage))
        return arena_printf(a, "keyUsage is not that of %s", role->what);
    if (!certificate_extension(leaf, BYTES_OF(oid_usages), &value)) {
        if (!role->or_extension || !certificate_extension(leaf, *role->or_extension, &value))
            return arena_printf(a, "no extended key usage says that it is for %s", role->what);
    } else if (!lists_one(value, &accepted))
        return arena_printf(a, "its extended key usages are not those of %s", role->what);
    accepted.any = true;
    for (const struct certificate *c = leaf->next; c; c = c->next)
        if (certificate_extension(c, BYTES_OF(oid_usages), &value) && !lists_one(value, &accepted))
            return arena_printf(a, "%s may not issue for %s", named(a, c), role->what);
    return NULL;
}

static const char *anchor_fault(struct arena *a, const struct tpm_chain *chain)
{
    const struct certificate *top = chain->top;
    struct bytes issuer = bytes_first(top->issuer_cn, 128);

    if (chain->anchored)
        return NULL;
    if (chain->unproved)
        return arena_printf(
            a,
            "the key of %s is trusted, but not what was sent as its certificate, whose signature nobody "
            "at hand made: give that certificate among the endorsements",
            named(a, chain->unproved));
    if (bytes_equal(top->subject, top->issuer))
        return arena_printf(a, "%s is not a root that is trusted here", named(a, top));
    return arena_printf(a, "no certificate of \"%.*s\", the issuer of %s, is at hand", (int)issuer.n,
                        (const char *)issuer.p, named(a, top));
}

static const char *authority_fault(struct arena *a, const struct tpm_chain *chain)
{
    int place = 0;

    for (const struct certificate *c = chain->leaf; c; c = c->next, place++) {
        const char *lack = certificate_unprocessed(c, processed, sizeof processed)
                               ? "has a critical extension or a constraint that is not processed here"
                           : place ? certificate_lacks_authority(c, place - 1)
                                   : NULL;

        if (lack)
            return arena_printf(a, "%s %s", named(a, c), lack);
    }
    return NULL;
}

/* The end of an authority comes first: the leaf may seem good for years, and no clock and no new quote will help. */
static const char *date_fault(struct arena *a, const struct tpm_chain *chain, int64_t time)
{
    char from[32], to[32];

    for (const struct certificate *c = chain->leaf->next; c; c = c->next)
        if (time > c->not_after) {
            time_format(c->not_after, to);
            return arena_printf(a, "the authority %s ended at %s: what it issued ended with it", named(a, c), to);
        }
    for (const struct certificate *c = chain->leaf; c; c = c->next)
        if (time < c->not_before || time > c->not_after) {
            time_format(c->not_before, from);
            time_format(c->not_after, to);
            return arena_printf(a, "%s is valid from %s to %s", named(a, c), from, to);
        }
    return NULL;
}

static const char *revocation_fault(struct arena *a, struct cache *cache, const struct endorsements *e,
                                    const struct tpm_chain *chain, int64_t time)
{
    for (const struct certificate *c = chain->leaf; c && c->next; c = c->next) {
        const struct held_crl *held = find_crl(e, c->next, time);

        if (held && crl_revokes(held->crl, c->serial) &&
            verdict(a, cache, "crl signature", held->crl->digest, c->next, NULL, held->crl))
            return arena_printf(a, "%s revoked %s", named(a, c->next), named(a, c));
    }
    return NULL;
}

const char *tpm_chain_fault(struct arena *a, struct cache *cache, const struct endorsements *e,
                            const struct tpm_chain *chain, const struct tpm_role *role, int64_t time,
                            enum tpm_step step)
{
    switch (step) {
    case TPM_ANCHORED: return anchor_fault(a, chain);
    case TPM_SIGNATURES: return chain->signatures_ok ? NULL : "a signature in the path is not its issuer's";
    case TPM_AUTHORITY: return authority_fault(a, chain);
    case TPM_ROLE: return role_fault(a, chain, role);
    case TPM_VALIDITY: return date_fault(a, chain, time);
    case TPM_NOT_REVOKED: return revocation_fault(a, cache, e, chain, time);
    case TPM_STEPS: break;
    }
    return "no such step";
}
