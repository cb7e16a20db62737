/* SGX quotes as evidence, raw or inside Open Enclave wrappings (sgx-tdx.md 1, 2, 7, 9). Beside the attesters' decode, which
 * read a request, these functions decode bare bytes for tools; attester->verify then is the same. */
#ifndef ASSAY_EVIDENCE_SGX_H
#define ASSAY_EVIDENCE_SGX_H

#include "evidence/attester.h"
#include "evidence/parts/quote.h"
#include "evidence/parts/request.h"

struct sgx_evidence {
    struct bytes submitted; /* what quotehash covers: the quote, or the Open Enclave report with its header */
    struct quote quote;
    struct sgx_report report;
    struct request_data runtime, init;
    bool open_enclave;      /* came in one of its wrappings */
    bool has_custom_claims; /* OE evidence: report data is the hash of these, also of none */
    struct bytes custom_claims;
};

/* A bare quote; runtime and init may be NULL. */
bool sgx_decode_quote(struct exam *x, struct bytes quote, const struct request_data *runtime,
                      const struct request_data *init);
/* An OE report, OE evidence with its header, or (headerless) a quote with custom claims behind it. */
bool oe_decode_file(struct exam *x, struct bytes file, const struct request_data *runtime,
                    const struct request_data *init);
/* For both attesters. */
bool sgx_verify(struct exam *x);
bool sgx_decode_bytes(struct exam *x, struct bytes quote, struct sgx_evidence *e);
extern const enum check_id sgx_required[], oe_required[];
extern const char sgx_default_policy[];

struct oe_claim {
    struct bytes name; /* without its NUL */
    struct bytes value;
};
/* Serialised custom claims (sgx-tdx.md 9.3); false when the buffer has another form, which is allowed. */
bool oe_custom_claims(struct arena *a, struct bytes buffer, struct oe_claim **out, size_t *count);

#endif
