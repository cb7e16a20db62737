/* Kinds of evidence. Each is one file with one `const struct attester`, listed in attesters.c. */
#ifndef ASSAY_EVIDENCE_ATTESTER_H
#define ASSAY_EVIDENCE_ATTESTER_H

#include "endorsement/exam.h"

struct attester {
    const char *path;              /* "SgxEnclave", as in /attest/SgxEnclave and /policies/SgxEnclave */
    const char *type;              /* value of x-ms-attestation-type */
    const char *default_policy;    /* text, or NULL */
    const enum check_id *required; /* ends with CHECK_END */
    bool (*decode)(struct exam *, const struct json *request);
    bool (*verify)(struct exam *);                                        /* checks, then incoming claims */
    bool (*answer)(struct exam *, struct bytes token, struct bytes *out); /* envelope round the token; NULL: none */
    bool is_report; /* its token has the form of claims.md 8.3, and a lifetime that the policy sets */
};

extern const struct attester sgx_attester, oe_attester, tdx_attester, snp_attester, guest_attester, tpm_attester;
/* By path, letter case ignored (api.md 0, item 2); NULL when there is none. */
const struct attester *attester_find(struct bytes path);
const struct attester *attester_at(size_t i); /* NULL past the end */

#endif
