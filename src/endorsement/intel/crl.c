/* CRLs in an appraisal: there, genuine, in date, and not naming a certificate (sgx-tdx.md 5, 7 C). */
#include "endorsement/intel/store.h"

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

static bool crl_dates(struct exam *x, const struct crl *crl, const struct crl_checks *ids)
{
    if (!check_record(x->trace, ids->issued, crl->this_update <= x->time, check_time(x->time),
                      check_time(crl->this_update)))
        return false;
    if (!x->settings->crl_freshness) {
        check_skip_(x->trace, ids->fresh, "crl_freshness = off");
        return true;
    }
    return check_record(x->trace, ids->fresh, crl->has_next_update && x->time <= crl->next_update, check_time(x->time),
                        check_time(crl->next_update));
}

/* The issuer's CRL is there, genuine, in date, and does not name `subject`. */
bool crl_verify(struct exam *x, const struct certificate *issuer, const struct certificate *subject,
                const struct crl_checks *ids)
{
    const struct intel_crl *found = find_crl(x->endorsements, issuer, x->time);

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
        crl_dates(x, crl, ids) &&
        check_record(x->trace, ids->not_revoked, !crl_revokes(crl, subject->serial), check_bytes(subject->serial),
                     check_text("a serial number that the CRL does not name")))
        return true;
    check_note(x->trace, "the CRL of %.*s", (int)issuer->subject_cn.n, (const char *)issuer->subject_cn.p);
    return false;
}
