/* UVM endorsements: who made the utility VM of a confidential container vouches for its launch measurement, in a COSE_Sign1
 * that travels with the report (snp-cvm.md 2.5). Two forms: claims as JSON, or as CWT with the bare measurement signed.
 *
 * All that a request carries must hold, each for the report's own measurement: evidence that claims an endorsement which does
 * not is refused. The dates of its chain are not judged, for images outlive the certificates that signed them. */
#ifndef ASSAY_EVIDENCE_PARTS_UVM_H
#define ASSAY_EVIDENCE_PARTS_UVM_H

#include "base/limits.h"
#include "endorsement/exam.h"

struct uvm_endorsement;

struct uvm {
    const struct uvm_endorsement *v[LIMIT_UVM_ENDORSEMENTS];
    size_t count; /* 0: the request has none */
};

/* The decoded member Endorsements, {"Uvm":["base64url COSE_Sign1",…]}; empty when there is none. States UVM_SHAPE. */
bool uvm_decode(struct exam *x, struct bytes endorsements, struct uvm *out);
/* One COSE_Sign1 by itself, added to those there. States UVM_SHAPE. */
bool uvm_decode_cose(struct exam *x, struct bytes cose, struct uvm *out);
/* States the checks of each; without endorsements none, and it is true. Makes the claim of our own when claims of that kind
 * are on. */
bool uvm_verify(struct exam *x, const struct uvm *uvm, struct bytes measurement);
/* Of verified ones: x-ms-compliance-status that the feed stands for, or NULL. */
const char *uvm_compliance(const struct uvm *uvm);

/* What one says, for those who show it. */
struct uvm_statement {
    struct bytes issuer, feed, measurement;
    uint64_t svn;
    bool cwt;
    const struct certificate *leaf; /* of its chain, leaf first */
};
/* False when the bytes are no endorsement. */
bool uvm_read(struct arena *a, struct bytes cose, struct uvm_statement *out, struct fault *fault);

#endif
