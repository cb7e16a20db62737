/* Whether an object's vendor made it: paths from it to an anchor, over all certificates at hand. Dates and revocation are not
 * looked at: what has expired stays what its vendor said (freshness = pinned), and appraisals judge them anew. */
#include "collateral/catalogue.h"

enum { DEPTH = 3 }; /* leaf, authority, root */

static bool trusted(const struct catalogue *c, const struct certificate *root)
{
    return anchors_have(&(struct anchors){(const uint8_t(*)[SHA256_SIZE])c->pins, c->pin_count}, root->spki_digest);
}

static bool may_sign(const struct certificate *c, uint8_t usage)
{
    return c->is_ca && !c->critical_unknown && (!c->has_key_usage || c->key_usage & usage);
}

/* The better of two verdicts over the candidates for one signature. */
static void note(enum collateral_verdict *best, enum collateral_verdict v)
{
    static const unsigned rank[] = {
        [COLLATERAL_UNKNOWN] = 0, [COLLATERAL_FORGED] = 1, [COLLATERAL_UNTRUSTED] = 2, [COLLATERAL_GENUINE] = 3};

    if (rank[v] > rank[*best])
        *best = v;
}

/* AMD's authorities are known by key: one of them answers for what it signed. UNKNOWN: it is none of them that is named. */
static enum collateral_verdict judge_amd(const struct catalogue *c, struct bytes issuer_cn,
                                         bool (*is_signed)(const void *, const struct public_key *), const void *what,
                                         uint8_t root[SHA256_SIZE])
{
    enum snp_product product;
    enum amd_role role;

    if (!amd_authority_by_name(issuer_cn, &product, &role))
        return COLLATERAL_UNKNOWN;
    if (!is_signed(what, &c->built_in[product][role]->key))
        return COLLATERAL_FORGED;
    memcpy(root, amd_authority_spki(product, AMD_ARK), SHA256_SIZE);
    return COLLATERAL_GENUINE;
}

static bool certificate_signed(const void *certificate, const struct public_key *key)
{
    return certificate_signed_by(certificate, key);
}

static bool crl_signed(const void *crl, const struct public_key *key)
{
    return crl_signed_by(crl, key);
}

/* Fills root when it is genuine. */
static enum collateral_verdict judge_certificate(const struct catalogue *c, const struct certificate *subject,
                                                 unsigned depth, uint8_t root[SHA256_SIZE])
{
    enum collateral_verdict best = COLLATERAL_UNKNOWN;

    if (bytes_equal(subject->subject, subject->issuer)) {
        if (!certificate_signed_by(subject, &subject->key))
            return COLLATERAL_FORGED;
        memcpy(root, subject->spki_digest, SHA256_SIZE);
        return trusted(c, subject) ? COLLATERAL_GENUINE : COLLATERAL_UNTRUSTED;
    }
    note(&best, judge_amd(c, subject->issuer_cn, certificate_signed, subject, root));
    for (size_t i = 0; i < c->authority_count && depth && best != COLLATERAL_GENUINE; i++) {
        const struct certificate *issuer = c->authorities[i];

        if (!bytes_equal(issuer->subject, subject->issuer) || !may_sign(issuer, KEY_USAGE_CERT_SIGN))
            continue;
        note(&best, certificate_signed_by(subject, &issuer->key) ? judge_certificate(c, issuer, depth - 1, root)
                                                                 : COLLATERAL_FORGED);
    }
    return best;
}

static enum collateral_verdict judge_document(const struct catalogue *c, const struct signed_document *d,
                                              uint8_t root[SHA256_SIZE])
{
    enum collateral_verdict best = COLLATERAL_UNKNOWN;

    for (size_t i = 0; i < c->signer_count && best != COLLATERAL_GENUINE; i++)
        note(&best, document_signed_by(c->arena, d, &c->signers[i]->key)
                        ? judge_certificate(c, c->signers[i], DEPTH, root)
                        : COLLATERAL_FORGED);
    return best;
}

static enum collateral_verdict judge_crl(const struct catalogue *c, const struct crl *crl, uint8_t root[SHA256_SIZE])
{
    enum collateral_verdict best = COLLATERAL_UNKNOWN;

    if (crl->critical_unknown)
        return COLLATERAL_FORGED;
    note(&best, judge_amd(c, crl->issuer_cn, crl_signed, crl, root));
    for (size_t i = 0; i < c->authority_count && best != COLLATERAL_GENUINE; i++) {
        const struct certificate *issuer = c->authorities[i];

        if (bytes_equal(issuer->subject, crl->issuer) && may_sign(issuer, KEY_USAGE_CRL_SIGN))
            note(&best,
                 crl_signed_by(crl, &issuer->key) ? judge_certificate(c, issuer, DEPTH, root) : COLLATERAL_FORGED);
    }
    return best;
}

/* Every certificate of a chain must be genuine: what stands in it is handed to others as a chain. */
static enum collateral_verdict judge_chain(const struct catalogue *c, const struct certificate *list,
                                           uint8_t root[SHA256_SIZE])
{
    enum collateral_verdict verdict = judge_certificate(c, list, DEPTH, root);

    for (list = list->next; list && verdict == COLLATERAL_GENUINE; list = list->next)
        verdict = judge_certificate(c, list, DEPTH, root);
    return verdict;
}

enum collateral_verdict collateral_judge(const struct catalogue *c, struct collateral *o)
{
    if (o->judged)
        return o->verdict;
    o->judged = true;
    if (o->tcb_info)
        o->verdict = judge_document(c, &o->tcb_info->document, o->root);
    else if (o->identity)
        o->verdict = judge_document(c, &o->identity->document, o->root);
    else if (o->evaluations)
        o->verdict = judge_document(c, &o->evaluations->document, o->root);
    else if (o->crl)
        o->verdict = judge_crl(c, o->crl, o->root);
    else
        o->verdict = judge_chain(c, o->certificates, o->root);
    return o->verdict;
}

const char *collateral_verdict_text(enum collateral_verdict verdict)
{
    static const char *const texts[] = {
        [COLLATERAL_GENUINE] = "genuine",
        [COLLATERAL_UNKNOWN] = "the certificate of who signed it is not at hand",
        [COLLATERAL_UNTRUSTED] = "it is signed, but up to no root that is trusted",
        [COLLATERAL_FORGED] = "its signature does not verify",
    };

    return texts[verdict];
}
