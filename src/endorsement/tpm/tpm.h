/* Who vouches for TPMs: certificates of attestation keys (AIK) and of endorsement keys (EK), their roots built in by key, and
 * issuers that do not travel with them, known by key too (tpm-vbs.md 2.5, snp-cvm.md 3.5 step 3). */
#ifndef ASSAY_ENDORSEMENT_TPM_TPM_H
#define ASSAY_ENDORSEMENT_TPM_TPM_H

#include "endorsement/exam.h"

/* Rows of checks.def that aik_verify states. */
#define AIK_CHECKS \
    CHECK_AIK_SHAPE, CHECK_AIK_CHAIN, CHECK_AIK_SIGNATURES, CHECK_AIK_AUTHORITY, CHECK_AIK_ROLE, CHECK_AIK_VALIDITY

struct aik {
    const struct certificate *leaf; /* NULL: no certificate was sent */
    bool valid;                     /* it chains to a trusted root: `aikValidated` */
    bool development;               /* that root is a simulated one */
    const char *why;                /* not valid: what the checks would have said; NULL */
};
/* Reads a certificate, zero padded or not (it comes out of an NV index), of DER or PEM with issuers behind it. False: AIK_SHAPE. */
bool aik_decode(struct exam *x, struct bytes text, struct aik *out);
/* Builds the path from what was sent, what is at hand, and what is built in. Where it does not hold: with `required` the check that
 * fails refuses; without, the rest is skipped in the name of `setting`, and out->valid is false. An anchor that is the leaf's own
 * key will do (--anchor of the command line). */
bool aik_verify(struct exam *x, struct aik *out, bool required, const char *setting);

#endif
