/* Platform claims of Windows, NCRYPT_TPM_PLATFORM_ATTESTATION_STATEMENT: a quote, its signature and the registers of one bank,
 * in one piece (tpm-vbs.md 1.3). Version 1 of the protocol of TPMs sends them; what they hold is judged as any quote is. */
#ifndef ASSAY_EVIDENCE_PARTS_NCRYPT_CLAIM_H
#define ASSAY_EVIDENCE_PARTS_NCRYPT_CLAIM_H

#include "base/json.h"

struct ncrypt_claim {
    uint16_t bank;                 /* TPM_ALG_ID of the registers */
    struct bytes signature, quote; /* TPMT_SIGNATURE, TPMS_ATTEST */
    struct bytes pcrs;             /* all 24, one behind the other */
    size_t pcr_size;
};
/* False with a fault: another structure, lengths that do not fit, a bank that is not known here. Views point into text. */
bool ncrypt_claim_read(struct bytes text, struct ncrypt_claim *out, struct fault *fault);
/* Adds members pcrs, quote and signature to an attestation object as version 2 has it. */
void ncrypt_claim_attestation(struct arena *a, const struct ncrypt_claim *c, struct json *attestation);

#endif
