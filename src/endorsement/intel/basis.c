/* TCB info and identity of one appraisal: chosen for the platform and the baseline, verified with their signer. */
#include "base/text.h"
#include "endorsement/intel/store.h"

static uint32_t baseline_of(const struct settings *s)
{
    return s->baseline ? s->baseline : s->default_baseline;
}

/* "evaluation number 12", or that any would do. */
static const char *baseline_text(struct exam *x)
{
    uint32_t baseline = baseline_of(x->settings);

    return baseline ? arena_printf(x->arena, "evaluation number %u", baseline) : "any evaluation number";
}

/* Rows of checks.def for one of the two documents. */
struct document_checks {
    enum check_id present, signature, issued, fresh;
};

static const struct document_checks tcb_info_checks = {CHECK_INTEL_TCB_INFO_PRESENT, CHECK_INTEL_TCB_INFO_SIGNATURE,
                                                       CHECK_INTEL_TCB_INFO_ISSUED, CHECK_INTEL_TCB_INFO_FRESH};
static const struct document_checks identity_checks = {CHECK_INTEL_IDENTITY_PRESENT, CHECK_INTEL_IDENTITY_SIGNATURE,
                                                       CHECK_INTEL_IDENTITY_ISSUED, CHECK_INTEL_IDENTITY_FRESH};

/* The chain must end in the very root of the platform's: one hierarchy does not speak about another's platforms. */
static bool signer_verify(struct exam *x, const struct signing_chain *chain, const struct certificate *platform_root)
{
    static const struct path_checks path = {CHECK_INTEL_SIGNER_ANCHOR, CHECK_INTEL_SIGNER_SIGNATURES,
                                            CHECK_INTEL_SIGNER_NAMES, CHECK_INTEL_SIGNER_AUTHORITY,
                                            CHECK_INTEL_SIGNER_VALIDITY};
    struct anchors anchors = {&platform_root->spki_digest, 1};
    const struct certificate *signer = chain->signer;

    if (!path_verify(x->trace, &path, signer, chain->signatures_ok, &anchors, x->time))
        return false;
    static const char role[] = "SGX TCB Signing";
    if (!check_that(x, INTEL_SIGNER_ROLE,
                    signer->subject_cn.n && memmem(signer->subject_cn.p, signer->subject_cn.n, role, sizeof role - 1)))
        return false;
    /* The root's CRL, which was verified with the PCK chain. */
    const struct held_crl *crl = find_crl(x->endorsements, platform_root, x->time);
    return check_found(x, INTEL_SIGNER_NOT_REVOKED, crl && !crl_revokes(crl->crl, signer->serial), signer->serial,
                       "a serial number that the root's CRL does not name");
}

/* Which document a refusal is about. */
static bool note_document(struct exam *x, const struct signed_document *d, const struct pck_chain *platform)
{
    struct bytes fmspc = hex_encode(x->arena, platform->fmspc);

    check_note(x->trace, "%s, for FMSPC %.*s, evaluation number %u", d->name, (int)fmspc.n, (const char *)fmspc.p,
               d->evaluation);
    return false;
}

static bool document_dates(struct exam *x, const struct signed_document *d, const struct document_checks *ids)
{
    if (!check_record(x->trace, ids->issued, d->issued <= x->time, check_time(x->time), check_time(d->issued)))
        return false;
    if (x->settings->freshness == FRESHNESS_PINNED) {
        check_skip_(x->trace, ids->fresh, "freshness = pinned");
        return true;
    }
    return check_record(x->trace, ids->fresh, x->time <= d->next_update, check_time(x->time),
                        check_time(d->next_update));
}

/* Signer, signature and dates of a document that is there. */
static bool document_verify(struct exam *x, const struct signed_document *d, const struct document_checks *ids,
                            const struct pck_chain *platform, const struct signing_chain *verified,
                            const struct signing_chain **out)
{
    const struct signing_chain *chain = find_chain(x->endorsements, d, x->time);

    if (!check_that(x, INTEL_SIGNER_PRESENT, chain != NULL))
        return note_document(x, d, platform);
    if (chain && chain != verified && !signer_verify(x, chain, platform->root))
        return false;
    *out = chain;
    bool by_chain = chain && d->signature_ok && memcmp(d->signer_spki, chain->signer->spki_digest, SHA256_SIZE) == 0;
    if (!check_record(x->trace, ids->signature, by_chain, CHECK_NO_VALUE, CHECK_NO_VALUE) || !document_dates(x, d, ids))
        return note_document(x, d, platform);
    return true;
}

static bool tcb_info_verify(struct exam *x, enum intel_tee tee, const struct pck_chain *chain,
                            const struct document_query *q, struct intel_basis *out)
{
    const struct tcb_info *info = find_tcb_info(x->endorsements, tee, chain->fmspc, q);

    if (!check_that(x, INTEL_TCB_INFO_PRESENT, info != NULL)) {
        struct bytes fmspc = hex_encode(x->arena, chain->fmspc);

        check_note(x->trace, "no TCB info of %s for FMSPC %.*s, %s", tee == TEE_SGX ? "SGX" : "TDX", (int)fmspc.n,
                   (const char *)fmspc.p, baseline_text(x));
        return false;
    }
    out->tcb_info = info;
    if (!info)
        return true; /* only a mutant comes here; the checks that it skips are required */
    return document_verify(x, &info->document, &tcb_info_checks, chain, NULL, &out->tcb_info_chain) &&
           check_eq(x, INTEL_TCB_INFO_PCE, info->pce_id, chain->pce_id);
}

static bool identity_verify(struct exam *x, enum intel_tee tee, const struct pck_chain *chain,
                            const struct document_query *q, struct intel_basis *out)
{
    enum identity_kind kind = tee == TEE_SGX ? IDENTITY_QE : IDENTITY_TD_QE;
    const struct enclave_identity *e = find_identity(x->endorsements, kind, q);

    if (!check_that(x, INTEL_IDENTITY_PRESENT, e != NULL)) {
        check_note(x->trace, "no identity of %s, %s", tee == TEE_SGX ? "QE" : "TD_QE", baseline_text(x));
        return false;
    }
    out->identity = e;
    return !e || document_verify(x, &e->document, &identity_checks, chain, out->tcb_info_chain, &out->identity_chain);
}

bool intel_basis_verify(struct exam *x, enum intel_tee tee, const struct pck_chain *chain, struct intel_basis *out)
{
    *out = (struct intel_basis){.root_crl = find_crl(x->endorsements, chain->root, x->time)};
    struct document_query q = {chain->root->spki_digest, baseline_of(x->settings), x->time};

    return tcb_info_verify(x, tee, chain, &q, out) && identity_verify(x, tee, chain, &q, out);
}
