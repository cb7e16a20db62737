/* Quotes of TDX trust domains as evidence (sgx-tdx.md 1, 3, 7). */
#ifndef ASSAY_EVIDENCE_TDX_H
#define ASSAY_EVIDENCE_TDX_H

#include "evidence/attester.h"
#include "evidence/parts/quote.h"
#include "evidence/parts/request.h"
#include "evidence/parts/td_report.h"

struct tdx_evidence {
    struct bytes submitted;
    struct quote quote;
    struct td_report report;
    struct request_data runtime, init;
};

/* Is it Open Enclave evidence with a TDX quote, by its header's format? */
bool tdx_is_wrapped(struct bytes file);
/* A bare quote, or Open Enclave evidence with its header round one; for tools. runtime and init may be NULL. */
bool tdx_decode_file(struct exam *x, struct bytes file, const struct request_data *runtime,
                     const struct request_data *init);
bool tdx_verify(struct exam *x);
extern const enum check_id tdx_required[];

/* For evidence that holds a quote of its own (azure_guest.h), which binds in another way than by runtime data. */
bool tdx_decode_quote(struct exam *x, struct bytes quote, struct tdx_evidence *e);
/* The hardware and what endorses it, but nothing that the caller says. *absent as in parts/quote_verify.h. */
bool tdx_verify_quote(struct exam *x, struct tdx_evidence *e, bool *absent);

/* What the TCB status depends on. */
struct pck_chain;
struct tcb_platform;
struct tcb_platform tdx_platform(const struct tdx_evidence *e, const struct pck_chain *chain);

#endif
