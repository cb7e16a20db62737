/* The attestation object of TPM evidence: a quote, the registers that it covers, the logs that explain them, and the attestation
 * key (tpm-vbs.md 1.4 "ATT", 1.5 steps 4 to 7). The Tpm protocol and tools read the same. */
#ifndef ASSAY_EVIDENCE_PARTS_TPM_ATTESTATION_H
#define ASSAY_EVIDENCE_PARTS_TPM_ATTESTATION_H

#include "base/json.h"
#include "endorsement/tpm/tpm.h"
#include "evidence/parts/boot_facts.h"
#include "evidence/parts/tpm_verify.h"

struct tpm_attestation {
    struct aik aik;             /* leaf NULL: without a certificate */
    struct public_key key;      /* the attestation key: the certificate's, or aik_pub */
    struct public_key sent_key; /* aik_pub; kind KEY_NONE: not sent */
    struct tpm_quote quote;
    struct measured logs;

    /* Set by tpm_attestation_verify: the bank that decisions rest on, with the registers that are quoted there, and what the logs
     * tell of the boot. */
    bool has_bank; /* else nothing is known of the boot, and the facts are empty */
    enum digest_alg bank;
    uint32_t quoted;
    struct boot_facts facts;
};
/* Rows of checks.def that the two functions state. */
#define TPM_ATTESTATION_CHECKS                                                                             \
    CHECK_TPM_ATTESTATION_SHAPE, TPM_QUOTE_CHECKS, AIK_CHECKS, CHECK_TPM_AIK_KEY, CHECK_TPM_REQUIRED_PCRS, \
        MEASURED_CHECKS

/* Reads {"logs","aik_cert","aik_pub","pcrs","quote","signature"}; members that are not known here are ignored. */
bool tpm_attestation_decode(struct exam *x, const struct json *att, struct tpm_attestation *out);
/* The same, where the key's certificate may be among others (DER or PEM) that came beside the object. */
bool tpm_attestation_decode_among(struct exam *x, const struct json *att, struct bytes certificates,
                                  struct tpm_attestation *out);
/* nonce NULL: none was asked for, as `why_no_nonce` says. Rests on settings->aik_required and required_pcrs. */
bool tpm_attestation_verify(struct exam *x, struct tpm_attestation *a, const struct bytes *nonce,
                            const char *why_no_nonce);
/* aikValidated, aikPubHash, tpmVersion and the six plain claims of a verified attestation (tpm-vbs.md 1.6), for policies:
 * tokens tell none of them of themselves. */
void tpm_attestation_claims(struct exam *x, const struct tpm_attestation *a);

#endif
