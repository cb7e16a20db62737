/* Who vouches for TPMs: certificates of attestation keys (AIK) and of endorsement keys (EK), their roots built in by key, and
 * issuers that do not travel with them, known by key too (tpm-vbs.md 2.5, snp-cvm.md 3.5 step 3). */
#ifndef ASSAY_ENDORSEMENT_TPM_TPM_H
#define ASSAY_ENDORSEMENT_TPM_TPM_H

#include "endorsement/exam.h"

/* Rows of checks.def that aik_decode and aik_verify state. */
#define AIK_CHECKS                                                                                                   \
    CHECK_AIK_SHAPE, CHECK_AIK_CHAIN, CHECK_AIK_SIGNATURES, CHECK_AIK_AUTHORITY, CHECK_AIK_ROLE, CHECK_AIK_VALIDITY, \
        CHECK_AIK_NOT_REVOKED, CHECK_AIK_NOT_DENIED

struct aik {
    const struct certificate *leaf; /* then what came with it; NULL: no certificate was sent */
    bool azure;                     /* the caller's to set: of the built-in roots, those of Azure's machines alone */
    const struct public_key *key;   /* the caller's to set where there is no certificate: it may be an anchor itself */
    bool valid;                     /* it leads to whom is trusted: `aikValidated` */
    bool development;               /* and that is a simulated root */
    const char *why;                /* not valid: what the checks would have said; NULL */
};
/* Reads a certificate, zero padded or not (it comes out of an NV index), in DER or PEM, with issuers behind it or not; none where
 * text is empty. False: AIK_SHAPE. */
bool aik_decode(struct exam *x, struct bytes text, struct aik *out);
/* Builds the path from what was sent, what is at hand, and what is built in. Where it does not hold: with `required` the check that
 * fails refuses; without, the rest is skipped in the name of `setting`, and out->valid is false. An anchor that is the leaf's own
 * key will do (--anchor of the command line). */
bool aik_verify(struct exam *x, struct aik *out, bool required, const char *setting);

/* What certificates of TPMs say of the chip, in their subject's other name (TCG EK Credential Profile 3.2.9); views of the
 * certificate, empty where it does not say. */
struct tpm_device {
    struct bytes manufacturer, model, version; /* "id:494E5443", "ICL", "id:00020000" */
};
struct tpm_device tpm_device_read(const struct certificate *c);

/* A certificate of an endorsement key, by a vendor's root or an operator's. The certificate is proved, not that somebody has the
 * key: that takes credential activation (evidence/parts/credential.h). */
struct ek {
    const struct certificate *leaf;
    struct tpm_device device;
    bool development;
};
/* certificates: as for aik_decode. cache may be NULL. */
bool ek_verify(struct arena *a, struct cache *cache, const struct endorsements *e, struct bytes certificates,
               int64_t time, struct ek *out, struct fault *fault);
/* The decoding that both share: leaf first. */
bool tpm_certificates_decode(struct arena *a, struct bytes text, const struct certificate **leaf, struct fault *fault);

#endif
