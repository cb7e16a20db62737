/* The inside of struct endorsements, and what vendors share of it: anchors, certificates, CRLs. For the endorsement floor
 * alone. */
#ifndef ASSAY_ENDORSEMENT_STORE_H
#define ASSAY_ENDORSEMENT_STORE_H

#include "endorsement/amd/amd.h"
#include "endorsement/intel/intel.h"

/* One file of certificates, in its order. */
struct pooled {
    const struct certificate *chain;
    uint64_t mark; /* of its digest: each new file is compared with all, which lie far apart in memory */
    bool amd;      /* they are AMD's: no TCB signer of Intel is among them */
};

/* Certificates among which issuers are looked for. */
struct certificate_pool {
    const struct certificate *const *v;
    size_t count;
};

struct endorsements {
    struct arena arena;
    bool sealed;
    struct tcb_info *tcb_infos; /* this and the following: arrays */
    size_t tcb_info_count, tcb_info_cap;
    struct enclave_identity *identities;
    size_t identity_count, identity_cap;
    struct held_crl *crls;
    size_t crl_count, crl_cap;
    struct pooled *pool;
    size_t pool_count, pool_cap;
    struct signing_chain *chains;
    size_t chain_count, chain_cap;
    struct amd_leaf *amd_leaves; /* once sealed; ascending: amd_leaf_find */
    size_t amd_leaf_count, amd_leaf_cap;
    struct certificate_pool amd_authorities; /* that were loaded */
    struct certificate_pool tpm_authorities; /* the others that were loaded: those of TPMs are among them */
    uint8_t (*pins)[SHA256_SIZE];            /* Intel's built-in anchor, then those that were added */
    bool *pin_development;
    size_t pin_count, pin_cap;
};

bool anchor_is_development(const struct endorsements *e, const uint8_t spki[SHA256_SIZE]);
struct anchors anchors_of_intel(const struct endorsements *e); /* built in and added */
struct anchors anchors_added(const struct endorsements *e);    /* by the operator, for every kind of chain */
bool add_certificates(struct endorsements *e, struct bytes text, struct fault *fault);

bool add_crl(struct endorsements *e, struct bytes text, struct fault *fault);
/* Of this issuer, by name and best by key; newest thisUpdate not after time, else the earliest. */
const struct held_crl *find_crl(const struct endorsements *e, const struct certificate *issuer, int64_t time);
/* Rows of checks.def for one CRL. */
struct crl_checks {
    enum check_id present, signature, extensions, issued, fresh, not_revoked;
};
/* States them: the issuer's CRL is there, genuine, in date, and does not name `subject`. A date is not asked for where
 * `any_date` says why not. */
bool crl_verify(struct exam *x, const struct certificate *issuer, const struct certificate *subject,
                const struct crl_checks *ids, const char *any_date);

/* Pair loose TCB signing certificates with their issuers, and find who signed each document. */
void seal_intel(struct endorsements *e);
/* Sort VCEKs and VLEKs, so that they are found by what they certify. */
void seal_amd(struct endorsements *e);
/* Gather authorities among which issuers of TPM certificates are looked for. */
void seal_tpm(struct endorsements *e);

#endif
