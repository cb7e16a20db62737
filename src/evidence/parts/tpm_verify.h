/* What evidence with a TPM shares: the checks over quotes and certifications by an attestation key (tpm-vbs.md 2.3, 2.4). */
#ifndef ASSAY_EVIDENCE_PARTS_TPM_VERIFY_H
#define ASSAY_EVIDENCE_PARTS_TPM_VERIFY_H

#include "endorsement/exam.h"
#include "evidence/parts/tpm.h"

/* A quote as it came. */
struct tpm_quote {
    struct tpm_attest attest;
    struct tpm_signature signature;
    struct tpm_pcrs pcrs;
};
/* Rows of checks.def that tpm_quote_decode and tpm_quote_verify state, and those of tpm_certify_*. */
#define TPM_QUOTE_CHECKS                                                                                 \
    CHECK_TPM_QUOTE_SHAPE, CHECK_TPM_QUOTE_MAGIC, CHECK_TPM_QUOTE_TYPE, CHECK_TPM_QUOTE_SIGNATURE_SHAPE, \
        CHECK_TPM_QUOTE_SIGNATURE, CHECK_TPM_QUOTE_NONCE, CHECK_TPM_QUOTE_SELECTION, CHECK_TPM_QUOTE_PCRS
#define TPM_CERTIFY_CHECKS                                                                                       \
    CHECK_TPM_CERTIFY_SHAPE, CHECK_TPM_CERTIFY_MAGIC, CHECK_TPM_CERTIFY_TYPE, CHECK_TPM_CERTIFY_SIGNATURE_SHAPE, \
        CHECK_TPM_CERTIFY_SIGNATURE, CHECK_TPM_CERTIFY_NONCE, CHECK_TPM_CERTIFY_NAME

/* Reads attest and signature (raw: a bare RSASSA signature) and states the rows about their bytes; the PCRs are the caller's. */
bool tpm_quote_decode(struct exam *x, struct bytes attest, struct bytes signature, bool raw, struct tpm_quote *out);
/* nonce NULL: none was asked for, and the check is skipped as `why`; an empty one means that the quote must have none. */
bool tpm_quote_verify(struct exam *x, const struct tpm_quote *q, const struct public_key *key,
                      const struct bytes *nonce, const char *why);

/* A certification: that the TPM of the attestation key holds an object of this public area. */
struct tpm_certification {
    struct tpm_attest attest;
    struct tpm_signature signature;
    struct tpm_public object;
};
bool tpm_certify_decode(struct exam *x, struct bytes attest, struct bytes signature, bool raw, struct bytes object,
                        struct tpm_certification *out);
bool tpm_certify_verify(struct exam *x, const struct tpm_certification *c, const struct public_key *key,
                        const struct bytes *nonce, const char *why);

#endif
