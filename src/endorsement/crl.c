/* CRLs in an appraisal: there, genuine, in date, and not naming a certificate (sgx-tdx.md 5, 7 C; snp-cvm.md 1.8). */
#include "endorsement/store.h"

#include "crypto/pem.h"

bool add_crl(struct endorsements *e, struct bytes text, struct fault *fault)
{
    struct held_crl c;

    if (!crl_decode(&e->arena, text, &c.crl, fault))
        return false;
    for (size_t i = 0; i < e->crl_count; i++)
        if (memcmp(e->crls[i].crl->digest, c.crl->digest, SHA256_SIZE) == 0)
            return true;
    struct bytes parts[] = {pem_encode(&e->arena, "X509 CRL", c.crl->der), BYTES_LIT("\0")};
    digest_parts(DIGEST_SHA256, parts, 2, c.pem_hash);
    e->crls = ARENA_ROOM(&e->arena, e->crls, e->crl_count, &e->crl_cap);
    e->crls[e->crl_count++] = c;
    return true;
}

/* Is c rather the issuer's CRL than best? The key identifier comes first: two roots may have one name. */
static bool crl_preferred(const struct crl *c, const struct crl *best, const struct certificate *issuer, int64_t time)
{
    bool its = bytes_equal(c->authority_key_id, issuer->subject_key_id);
    bool best_its = bytes_equal(best->authority_key_id, issuer->subject_key_id);
    bool now = c->this_update <= time, best_now = best->this_update <= time;

    if (its != best_its)
        return its;
    if (now != best_now)
        return now;
    return now ? c->this_update > best->this_update : c->this_update < best->this_update;
}

const struct held_crl *find_crl(const struct endorsements *e, const struct certificate *issuer, int64_t time)
{
    const struct held_crl *best = NULL;

    for (size_t i = 0; i < e->crl_count; i++) {
        const struct held_crl *c = &e->crls[i];

        if (bytes_equal(c->crl->issuer, issuer->subject) && (!best || crl_preferred(c->crl, best->crl, issuer, time)))
            best = c;
    }
    return best;
}

/* A signature's verdict depends on its bytes alone: kept as a fact. */
static bool crl_signature_ok(struct exam *x, const struct crl *crl, const struct certificate *issuer)
{
    static const bool yes = true, no = false;
    struct bytes parts[] = {bytes_make(crl->digest, SHA256_SIZE), bytes_make(issuer->spki_digest, SHA256_SIZE)};
    uint8_t key[SHA256_SIZE];

    cache_key("crl signature", parts, 2, key);
    const bool *known = cache_find(x->cache, key);
    if (known)
        return *known;
    struct arena *built = cache_arena(x->cache, x->arena);
    bool ok = crl_signed_by(crl, &issuer->key);
    cache_keep(x->cache, key, built, ok ? &yes : &no);
    return ok;
}

static bool crl_dates(struct exam *x, const struct crl *crl, const struct crl_checks *ids, const char *any_date)
{
    if (!check_record(x->trace, ids->issued, crl->this_update <= x->time, check_time(x->time),
                      check_time(crl->this_update)))
        return false;
    if (any_date) {
        check_skip_(x->trace, ids->fresh, any_date);
        return true;
    }
    return check_record(x->trace, ids->fresh, crl->has_next_update && x->time <= crl->next_update, check_time(x->time),
                        check_time(crl->next_update));
}

bool crl_verify(struct exam *x, const struct certificate *issuer, const struct certificate *subject,
                const struct crl_checks *ids, const char *any_date)
{
    const struct held_crl *found = find_crl(x->endorsements, issuer, x->time);

    if (!check_record(x->trace, ids->present, found != NULL, CHECK_NO_VALUE, CHECK_NO_VALUE)) {
        check_note(x->trace, "no CRL of %.*s", (int)issuer->subject_cn.n, (const char *)issuer->subject_cn.p);
        return false;
    }
    if (!found)
        return true; /* only a mutant comes here; the checks that it skips are required */
    const struct crl *crl = found->crl;
    if (check_record(x->trace, ids->signature, crl_signature_ok(x, crl, issuer), CHECK_NO_VALUE, CHECK_NO_VALUE) &&
        check_record(x->trace, ids->extensions, crl->number.n && crl->authority_key_id.n && !crl->critical_unknown,
                     CHECK_NO_VALUE, CHECK_NO_VALUE) &&
        crl_dates(x, crl, ids, any_date) &&
        check_record(x->trace, ids->not_revoked, !crl_revokes(crl, subject->serial), check_bytes(subject->serial),
                     check_text("a serial number that the CRL does not name")))
        return true;
    check_note(x->trace, "the CRL of %.*s", (int)issuer->subject_cn.n, (const char *)issuer->subject_cn.p);
    return false;
}
