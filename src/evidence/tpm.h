/* Attestation of machines by their TPM, and of VBS enclaves on them: POST /attest/Tpm (tpm-vbs.md 1). */
#ifndef ASSAY_EVIDENCE_TPM_H
#define ASSAY_EVIDENCE_TPM_H

#include "evidence/attester.h"
#include "evidence/parts/tpm_attestation.h"
#include "evidence/parts/vbs_report.h"
#include "evidence/tpm_challenge.h"
#include "evidence/tpm_request.h"

struct tpm_evidence {
    struct tpm_request request;
    const char *no_context; /* why there is no service context, as in tools; NULL: there is */
    struct service_context context;
    struct tpm_attestation current, boot;
    bool has_boot;
    struct tpm_certification certified[1 + TPM_OTHER_KEYS]; /* of the request key, of others */
    struct vbs_report report;                               /* VBS */
};

extern const enum check_id tpm_required[];
/* For tools: a message with a request, the request's JWS, or the payload of one (version 2 where nothing says which). Service
 * contexts open at the service alone, so what rests on them is skipped; so is the signature over a bare payload. */
bool tpm_request_file(struct exam *x, struct bytes file);
bool tpm_verify(struct exam *x);

#endif
