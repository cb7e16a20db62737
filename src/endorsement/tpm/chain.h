/* Paths from certificates of TPM keys to whom is trusted, and what is asked of them; for the endorsement floor and its tests. */
#ifndef ASSAY_ENDORSEMENT_TPM_CHAIN_H
#define ASSAY_ENDORSEMENT_TPM_CHAIN_H

#include "endorsement/store.h"
#include "endorsement/tpm/keys.h"

/* Copies, leaf first, so that a certificate can stand in several paths. */
struct tpm_chain {
    const struct certificate *leaf, *top;
    bool anchored; /* the top's key is trusted, and what its certificate says */
    const struct certificate
        *unproved; /* an authority whose key is trusted, but nobody vouches for what was sent of it; NULL: none */
    bool signatures_ok;
};
/* sent: the leaf, then in any order what came with it. Issuers are looked for among the built-in ones, what came, and what is at
 * hand. roots: keys that are trusted beside those that the operator added. What was sent as an authority's certificate is no end of a
 * path by its key alone: it must be self-signed, or lie at hand too. The cache may be NULL. */
void tpm_chain_build(struct arena *a, struct cache *cache, const struct endorsements *e, const struct certificate *sent,
                     const struct anchors *roots, struct tpm_chain *out);

/* What a leaf is for. */
struct tpm_role {
    const char *what; /* "an attestation key" */
    const struct bytes *usages;
    size_t usage_count; /* extended key usages (DER of their OIDs, without tag and length) of which one must be there */
    const struct bytes
        *azure_usage; /* one more that will do where the leaf is named as Azure's machines are; NULL: none */
    const struct bytes *or_extension; /* an extension that says the same; NULL: none */
    uint8_t key_usage;                /* bits of which one must be set, where the certificate tells its key usage */
};
enum tpm_step { TPM_ANCHORED, TPM_SIGNATURES, TPM_AUTHORITY, TPM_ROLE, TPM_VALIDITY, TPM_NOT_REVOKED, TPM_STEPS };
/* Why a step does not hold, in the arena; NULL: it does. */
const char *tpm_chain_fault(struct arena *a, struct cache *cache, const struct endorsements *e,
                            const struct tpm_chain *chain, const struct tpm_role *role, int64_t time,
                            enum tpm_step step);

#endif
