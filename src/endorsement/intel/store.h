/* Intel's part of struct endorsements; for the endorsement floor alone. */
#ifndef ASSAY_ENDORSEMENT_INTEL_STORE_H
#define ASSAY_ENDORSEMENT_INTEL_STORE_H

#include "endorsement/store.h"

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
/* The chain whose key signed the document and which is in date; else any with that key; else any. */
const struct signing_chain *find_chain(const struct endorsements *e, const struct signed_document *d, int64_t time);
/* Open Enclave endorsements (sgx-tdx.md 9.5), with or without the header of OE evidence. */
bool is_oe_endorsements(struct bytes text);
bool add_oe_endorsements(struct endorsements *e, const char *name, struct bytes text, struct fault *fault);

#endif
