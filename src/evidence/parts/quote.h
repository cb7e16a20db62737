/* The container that SGX and TDX quotes share, versions 3, 4 and 5 (sgx-tdx.md 1). Decoding only; nothing is verified. */
#ifndef ASSAY_EVIDENCE_PARTS_QUOTE_H
#define ASSAY_EVIDENCE_PARTS_QUOTE_H

#include "evidence/parts/sgx_report.h"

enum {
    QUOTE_TEE_SGX = 0x00,
    QUOTE_TEE_TDX = 0x81,
    QUOTE_KEY_ECDSA_P256 = 2,
    QUOTE_CERT_PCK_CHAIN = 5,
    QUOTE_CERT_QE = 6
};
enum quote_body { QUOTE_BODY_NONE, QUOTE_BODY_SGX, QUOTE_BODY_TD10, QUOTE_BODY_TD15, QUOTE_BODY_TD15EX };

struct quote {
    uint16_t version, key_type;
    uint32_t tee;
    uint16_t qe_svn, pce_svn;  /* of version 3; informational */
    struct bytes vendor;       /* 16 */
    struct bytes user_data;    /* 20 */
    enum quote_body body_type; /* NONE: a type that is not known */
    struct bytes body;
    struct bytes signed_part;     /* header and body */
    struct bytes signature;       /* 64, r || s */
    struct bytes attestation_key; /* 64, x || y */
    struct bytes qe_report_bytes; /* 384 */
    struct sgx_report qe_report;
    struct bytes qe_signature; /* 64 */
    struct bytes qe_auth_data;
    uint16_t certification_type;
    struct bytes certification;
    struct bytes tail; /* behind the signature data: tolerated (sgx-tdx.md 0, item 3) */
};

/* Version, key type and TEE alone, which tell what may follow; the reader is left behind the header. */
void quote_read_header(struct reader *r, struct quote *out);
/* The whole quote. False when a length disagrees with the bytes that are there, or the version or body is not known; what
 * was read before is filled. */
bool quote_read(struct bytes bytes, struct quote *out);
/* "PCK certificate chain", … for people. */
const char *quote_certification_name(uint16_t type);

#endif
