/* The inside of struct endorsements; for the endorsement floor alone. */
#ifndef ASSAY_ENDORSEMENT_INTEL_STORE_H
#define ASSAY_ENDORSEMENT_INTEL_STORE_H

#include "endorsement/intel/intel.h"

struct anchor {
    uint8_t spki[SHA256_SIZE];
    bool development;
};

/* One certificate of a file, with what followed it there. */
struct pooled {
    const struct certificate *chain;
};

struct endorsements {
    struct arena arena;
    bool sealed;
    struct tcb_info *tcb_infos; /* this and the following: arrays */
    size_t tcb_info_count, tcb_info_cap;
    struct enclave_identity *identities;
    size_t identity_count, identity_cap;
    struct intel_crl *crls;
    size_t crl_count, crl_cap;
    struct pooled *pool;
    size_t pool_count, pool_cap;
    struct signing_chain *chains;
    size_t chain_count, chain_cap;
    uint8_t (*pins)[SHA256_SIZE]; /* built-in anchors, then those that were added */
    bool *pin_development;
    size_t pin_count, pin_cap;
};

/* Who asks for documents: the chain's root must have signed them too, the baseline is an evaluation number (0: any). */
struct document_query {
    const uint8_t *root_spki;
    uint32_t baseline;
    int64_t time;
};
/* Would this appraisal rather rest on d than on best? Signed under the root first; then newest by issue date not after the
 * time, else the earliest. */
bool document_preferred(const struct signed_document *d, const struct signed_document *best,
                        const struct document_query *q);
/* NULL when there is none. */
const struct tcb_info *find_tcb_info(const struct endorsements *e, enum intel_tee tee, struct bytes fmspc,
                                     const struct document_query *q);
const struct enclave_identity *find_identity(const struct endorsements *e, enum identity_kind kind,
                                             const struct document_query *q);
/* Of this issuer, by name and best by key; newest thisUpdate not after time, else the earliest. */
const struct intel_crl *find_crl(const struct endorsements *e, const struct certificate *issuer, int64_t time);
/* The chain whose key signed the document and which is in date; else any with that key; else any. */
const struct signing_chain *find_chain(const struct endorsements *e, const struct signed_document *d, int64_t time);
/* Rows of checks.def for one CRL. */
struct crl_checks {
    enum check_id present, signature, extensions, issued, fresh, not_revoked;
};
/* States them: the issuer's CRL is there, genuine, in date, and does not name `subject`. */
bool crl_verify(struct exam *x, const struct certificate *issuer, const struct certificate *subject,
                const struct crl_checks *ids);
bool anchor_is_development(const struct endorsements *e, const uint8_t spki[SHA256_SIZE]);
struct anchors anchors_of(const struct endorsements *e);
bool add_certificates(struct endorsements *e, struct bytes text, struct fault *fault);
bool add_crl(struct endorsements *e, struct bytes text, struct fault *fault);
/* Pair loose TCB signing certificates with their issuers, and find who signed each document. */
void seal_intel(struct endorsements *e);
/* Open Enclave endorsements (sgx-tdx.md 9.5), with or without the header of OE evidence. */
bool is_oe_endorsements(struct bytes text);
bool add_oe_endorsements(struct endorsements *e, const char *name, struct bytes text, struct fault *fault);

#endif
