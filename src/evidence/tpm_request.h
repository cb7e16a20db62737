/* The request of the protocol of TPMs, versions 1 (attReq) and 2 (attReqV2): what a client signed, before anything of it is
 * believed (tpm-vbs.md 1.2 to 1.4). Source texts of what will be hashed are kept as they stood. */
#ifndef ASSAY_EVIDENCE_TPM_REQUEST_H
#define ASSAY_EVIDENCE_TPM_REQUEST_H

#include "crypto/jose.h"
#include "endorsement/exam.h"
#include "evidence/parts/tpm_verify.h"

enum { TPM_OTHER_KEYS = 2 };

/* How a key is tied to the TPM of the request. */
enum key_binding { BOUND_NOT, BOUND_BY_QUOTE, BOUND_BY_CERTIFICATION };

struct tpm_key {
    const struct json *jwk, *info; /* info: NULL where there is none */
    struct public_key key;
    enum key_binding binding;
    enum digest_alg hash;                          /* BOUND_BY_QUOTE: of jwk's source text and the challenge */
    struct bytes object, certification, signature; /* BOUND_BY_CERTIFICATION */
};

struct tpm_request {
    struct jws jws;
    bool is_v1, is_vbs;
    struct bytes report_signed; /* VBS: its source text */
    struct bytes rp_data;       /* base64url as it was sent; empty: none */
    struct bytes challenge, service_context;
    const struct json *tpm; /* tpm_att_data */
    struct tpm_key key;     /* attest_key or request_key */
    struct tpm_key others[TPM_OTHER_KEYS];
    size_t other_count;
    const struct json *custom_claims; /* NULL, or an array of {name, value, value_type} that are well formed */
    struct bytes vsm_report;          /* VBS: the enclave's */
};

/* States ATTREQ_JWS, ATTREQ_PAYLOAD and ATTREQ_KEY_INFO. */
bool tpm_request_decode(struct exam *x, struct bytes jws, struct tpm_request *out);
/* The payload alone, for tools: nobody signed it. */
bool tpm_request_decode_payload(struct exam *x, struct bytes payload, bool is_v1, struct tpm_request *out);
/* Adds the custom claims of a request, named under the provider's URL (claims.md 8.1). */
void tpm_custom_claims(struct exam *x, const struct tpm_request *r);

#endif
