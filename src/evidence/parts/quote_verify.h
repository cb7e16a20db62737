/* What the quotes of SGX and TDX share: the checks over container, certification, quoting enclave and TCB (sgx-tdx.md 1, 7).
 * Their ids begin with sgx.quote and sgx.qe for both: it is one format, and the quoting enclave of TDX is an SGX enclave. */
#ifndef ASSAY_EVIDENCE_PARTS_QUOTE_VERIFY_H
#define ASSAY_EVIDENCE_PARTS_QUOTE_VERIFY_H

#include "endorsement/intel/intel.h"
#include "evidence/parts/quote.h"

/* Rows of checks.def that every kind of quote states, for the lists of required checks. */
#define QUOTE_CHECKS CHECK_REQUEST_EVIDENCE, CHECK_REQUEST_RUNTIME_DATA, CHECK_REQUEST_INIT_DATA, QUOTE_OWN_CHECKS
/* The same without the request's: for a quote inside other evidence. */
#define QUOTE_OWN_CHECKS                                                                                          \
    CHECK_SGX_QUOTE_VERSION, CHECK_SGX_QUOTE_SHAPE, CHECK_SGX_QUOTE_KEY_TYPE, CHECK_SGX_QUOTE_VENDOR,             \
        CHECK_SGX_QUOTE_CERTIFICATION, CHECK_INTEL_PCK_SHAPE, CHECK_INTEL_PCK_ANCHOR, CHECK_INTEL_PCK_SIGNATURES, \
        CHECK_INTEL_PCK_NAMES, CHECK_INTEL_PCK_AUTHORITY, CHECK_INTEL_PCK_ROLE, CHECK_INTEL_PCK_VALIDITY,         \
        CHECK_INTEL_ROOT_CRL_PRESENT, CHECK_INTEL_ROOT_CRL_SIGNATURE, CHECK_INTEL_ROOT_CRL_EXTENSIONS,            \
        CHECK_INTEL_ROOT_CRL_ISSUED, CHECK_INTEL_ROOT_CRL_FRESH, CHECK_INTEL_PCK_CA_NOT_REVOKED,                  \
        CHECK_INTEL_PCK_CRL_PRESENT, CHECK_INTEL_PCK_CRL_SIGNATURE, CHECK_INTEL_PCK_CRL_EXTENSIONS,               \
        CHECK_INTEL_PCK_CRL_ISSUED, CHECK_INTEL_PCK_CRL_FRESH, CHECK_INTEL_PCK_NOT_REVOKED,                       \
        CHECK_INTEL_PCK_NOT_DENIED, CHECK_INTEL_SIGNER_PRESENT, CHECK_INTEL_SIGNER_ANCHOR,                        \
        CHECK_INTEL_SIGNER_SIGNATURES, CHECK_INTEL_SIGNER_NAMES, CHECK_INTEL_SIGNER_AUTHORITY,                    \
        CHECK_INTEL_SIGNER_ROLE, CHECK_INTEL_SIGNER_VALIDITY, CHECK_INTEL_SIGNER_NOT_REVOKED,                     \
        CHECK_INTEL_TCB_INFO_PRESENT, CHECK_INTEL_TCB_INFO_SIGNATURE, CHECK_INTEL_TCB_INFO_ISSUED,                \
        CHECK_INTEL_TCB_INFO_FRESH, CHECK_INTEL_TCB_INFO_PCE, CHECK_INTEL_IDENTITY_PRESENT,                       \
        CHECK_INTEL_IDENTITY_SIGNATURE, CHECK_INTEL_IDENTITY_ISSUED, CHECK_INTEL_IDENTITY_FRESH,                  \
        CHECK_SGX_QE_SIGNATURE, CHECK_SGX_QE_DEBUG, CHECK_SGX_QE_MISCSELECT, CHECK_SGX_QE_ATTRIBUTES,             \
        CHECK_SGX_QE_SIGNER, CHECK_SGX_QE_PRODUCT, CHECK_SGX_QE_BINDING, CHECK_SGX_QUOTE_KEY,                     \
        CHECK_SGX_QUOTE_SIGNATURE, CHECK_INTEL_TCB_STATUS

/* Reads the quote and states the rows about its bytes, SGX_QUOTE_TEE or TDX_QUOTE_TEE among them. Afterwards q->body is a
 * whole report of that TEE. */
bool quote_decode(struct exam *x, struct bytes bytes, enum intel_tee tee, struct quote *q);

/* What a verified quote rests on. */
struct quote_basis {
    const struct pck_chain *chain;
    struct intel_basis intel;
};
/* Platform, endorsements, quoting enclave, signature. False with *absent set when only a mutant let it come this far without
 * an endorsement: then nothing further can be looked at, and the checks never reached refuse. */
bool quote_verify(struct exam *x, const struct quote *q, enum intel_tee tee, struct quote_basis *out, bool *absent);
/* What TCB info and identity say about the platform; kept in x->tcb too. */
const struct tcb_verdict *quote_judge_tcb(struct exam *x, const struct quote_basis *basis,
                                          const struct tcb_platform *platform);
/* Records what was found of the TCB, and states INTEL_TCB_STATUS; `accepted` is a bit set of enum tcb_status. */
bool quote_tcb_status(struct exam *x, const struct quote_basis *basis, uint16_t accepted);

#endif
