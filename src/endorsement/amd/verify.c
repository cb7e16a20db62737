/* What an appraisal states over a chain: path, roles, revocation (snp-cvm.md 1.9, steps 4 and 5). */
#include "endorsement/store.h"

static const struct path_checks path = {CHECK_AMD_CHAIN_ANCHOR, CHECK_AMD_CHAIN_SIGNATURES, CHECK_AMD_CHAIN_NAMES,
                                        CHECK_AMD_CHAIN_AUTHORITY, CHECK_AMD_CHAIN_VALIDITY};
static const struct crl_checks crl_rows = {CHECK_AMD_CRL_PRESENT,    CHECK_AMD_CRL_SIGNATURE,
                                           CHECK_AMD_CRL_EXTENSIONS, CHECK_AMD_CRL_ISSUED,
                                           CHECK_AMD_CRL_FRESH,      CHECK_AMD_ISSUER_NOT_REVOKED};

/* The root pinned for the product that its name tells, and what the operator added; never a root of another product. */
static struct anchors anchors_for(const struct exam *x, const struct amd_chain *chain)
{
    const uint8_t *built_in = chain->has_product ? amd_authority_spki(chain->product, AMD_ARK) : NULL;

    if (built_in && memcmp(built_in, chain->root->spki_digest, SHA256_SIZE) == 0)
        return (struct anchors){(const uint8_t(*)[SHA256_SIZE])built_in, 1};
    return anchors_added(x->endorsements);
}

/* Leaf, issuer and root are named for their roles, and for one product. */
static bool roles_fit(const struct amd_chain *chain)
{
    enum amd_role role = chain->leaf.vlek ? AMD_ASVK : AMD_ASK;

    return chain->has_product &&
           bytes_is(chain->leaf.certificate->subject_cn, chain->leaf.vlek ? "SEV-VLEK" : "SEV-VCEK") &&
           bytes_is(chain->issuer->subject_cn, amd_authority_name(chain->product, role));
}

/* Two roots may have one name: AMD's, and a simulated one. The CRL of one says nothing about the other's certificates. */
static bool is_of(const struct held_crl *crl, const struct certificate *root)
{
    return !crl->crl->authority_key_id.n || bytes_equal(crl->crl->authority_key_id, root->subject_key_id);
}

/* AMD's CRLs revoke intermediates only, once a year: without amd_crl_freshness one that is not at hand, or is stale, is told and
 * does not refuse. What a CRL at hand revokes is refused whatever its age, and so is what is known to be revoked. */
static bool revocation(struct exam *x, const struct amd_chain *chain)
{
    const struct held_crl *crl = find_crl(x->endorsements, chain->root, x->time);
    bool strict = x->settings->amd_crl_freshness;

    if (amd_serial_revoked(chain->issuer->serial) &&
        !check_found(x, AMD_ISSUER_NOT_REVOKED, false, chain->issuer->serial, "an authority that AMD did not revoke"))
        return false;
    if (crl && !is_of(crl, chain->root))
        crl = NULL;
    if (!crl && chain->has_product)
        x->wanted = bytes_text(arena_printf(x->arena, "amd/crl/%s", snp_product_name(chain->product)));
    if (strict || (crl && crl->crl->this_update <= x->time))
        return crl_verify(x, chain->root, chain->issuer, &crl_rows, strict ? NULL : "amd_crl_freshness = off");
    static const enum check_id rows[] = {CHECK_AMD_CRL_PRESENT, CHECK_AMD_CRL_SIGNATURE, CHECK_AMD_CRL_EXTENSIONS,
                                         CHECK_AMD_CRL_ISSUED,  CHECK_AMD_CRL_FRESH,     CHECK_AMD_ISSUER_NOT_REVOKED};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_skip_(x->trace, rows[i], "amd_crl_freshness = off, and no CRL of that time is at hand");
    return !x->trace->failed;
}

bool amd_chain_verify(struct exam *x, const struct amd_chain *chain)
{
    struct anchors anchors = anchors_for(x, chain);

    if (!path_verify(x->trace, &path, chain->leaf.certificate, chain->signatures_ok, &anchors, x->time))
        return false;
    if (!chain->issuer || !chain->root)
        return true; /* only a mutant comes here; the checks that are never reached refuse */
    x->development |= anchor_is_development(x->endorsements, chain->root->spki_digest);
    if (!check_that(x, AMD_CHAIN_ROLE, roles_fit(chain))) {
        check_note(x->trace, "%.*s, issued by %.*s, issued by %.*s", (int)chain->leaf.certificate->subject_cn.n,
                   (const char *)chain->leaf.certificate->subject_cn.p, (int)chain->issuer->subject_cn.n,
                   (const char *)chain->issuer->subject_cn.p, (int)chain->root->subject_cn.n,
                   (const char *)chain->root->subject_cn.p);
        return false;
    }
    return revocation(x, chain);
}
