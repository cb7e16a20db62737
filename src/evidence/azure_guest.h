/* Virtual machines of Azure with a virtual TPM: Trusted Launch, and confidential ones on SEV-SNP and TDX (snp-cvm.md 3). */
#ifndef ASSAY_EVIDENCE_AZURE_GUEST_H
#define ASSAY_EVIDENCE_AZURE_GUEST_H

#include "endorsement/tpm/tpm.h"
#include "evidence/azure_guest_request.h"
#include "evidence/parts/boot_facts.h"
#include "evidence/parts/hcl_report.h"
#include "evidence/parts/tpm_verify.h"
#include "evidence/snp.h"
#include "evidence/tdx.h"

struct guest_evidence {
    struct guest_request request;
    struct tpm_public aik_public;
    struct aik aik;
    struct tpm_quote quote;
    struct tpm_certification ephemeral; /* the key that the answer is encrypted to */
    struct measured measured;
    /* Of a confidential VM. */
    struct hcl_claims runtime;
    struct snp_evidence snp;
    struct tdx_evidence tdx;
    struct claims isolation; /* what its hardware proves, once it is verified */
    bool azure;              /* Azure's own paravisor was measured */
};

/* The body of a request, for tools. */
bool guest_decode_file(struct exam *x, struct bytes file);
/* The token, sealed for the guest's TPM: body of the answer (3.6). Fails where there is not EXAM_ENTROPY. */
bool guest_answer(struct exam *x, struct bytes token, struct bytes *out);
/* The same by its parts, for whoever holds a key. `entropy` is secret, and not used for anything else. */
bool guest_seal(struct arena *a, const struct public_key *key, struct bytes token, struct bytes entropy,
                struct bytes *out);

#endif
