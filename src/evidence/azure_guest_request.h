/* AttestationInfo of a request to AzureGuest, as the libraries of Azure's virtual machines write it (snp-cvm.md 3.4). Decoding
 * only: all of it is what somebody says. */
#ifndef ASSAY_EVIDENCE_AZURE_GUEST_REQUEST_H
#define ASSAY_EVIDENCE_AZURE_GUEST_REQUEST_H

#include "base/json.h"
#include "evidence/parts/tpm.h"

enum guest_isolation { GUEST_TRUSTED_LAUNCH, GUEST_SEV_SNP, GUEST_TDX };

struct guest_request {
    struct bytes protocol;                     /* "1.0", "2.0" */
    struct bytes os_type, os_distro, os_build; /* UTF-8 */
    int64_t os_major, os_minor;
    struct bytes log;                  /* may be empty */
    const struct json *client_payload; /* an object; NULL: none was sent */
    struct bytes aik_certificate;      /* may be empty, and zero padded */
    struct bytes aik_public, quote, quote_signature;
    struct bytes key_public, certify, certify_signature; /* of the ephemeral key */
    uint32_t pcr_set;                                    /* bit n: PCR n was to be quoted */
    struct tpm_pcrs pcrs;                                /* one bank, of SHA-256 */
    enum guest_isolation isolation; /* GUEST_TRUSTED_LAUNCH too where none is named: old clients do not */
    struct bytes proof, runtime;    /* of a confidential VM */
};
/* Views point into `text`, which must live as long, or lie in the arena. */
bool guest_request_read(struct arena *a, struct bytes text, struct guest_request *out, struct fault *fault);

#endif
