/* The evidence of the TEE that holds a signing key, as the key's certificate carries it (api.md 5.3, sgx-tdx.md 9.6). Its report
 * data is the key's binding (token.h, key_binding), then zeros. */
#ifndef ASSAY_TOKEN_EVIDENCE_H
#define ASSAY_TOKEN_EVIDENCE_H

#include "crypto/x509.h"

enum key_tee { KEY_NO_TEE, KEY_SGX, KEY_TDX, KEY_SNP, KEY_TEES };

struct key_evidence {
    enum key_tee tee;
    struct bytes report;       /* SGX, TDX: the bare quote; SNP: the report of 1184 bytes */
    struct bytes chain;        /* SNP: PEM, VCEK or VLEK first, then ASK and ARK */
    struct bytes endorsements; /* SNP: JSON of the utility VM's endorsements (snp-cvm.md 2.5); empty: none */
};

/* As an extension: DER of its OID with tag and length; content of its OCTET STRING. */
struct evidence_extension {
    struct bytes oid, value;
};
enum { EVIDENCE_EXTENSIONS = 2 };
/* How many there are, in their order: none for NULL or no TEE; SGX: an Open Enclave report in 1.3.6.1.4.1.311.105.1; TDX: Open Enclave
 * evidence of format TDX_QUOTE_ECDSA, whose custom claims are the key text, in 1.3.6.1.4.1.311.105.2; SNP: 1.3.6.1.4.1.311.105.1000.1
 * and .2, each a DER UTF8String, with the JSON of snp-cvm.md 2.2 and "acisevsnp". */
size_t evidence_extensions(struct arena *a, const struct key_evidence *e, struct bytes spki,
                           struct evidence_extension out[EVIDENCE_EXTENSIONS]);
/* What TEE's evidence a certificate carries, by its extensions alone: of ours, for those of others hold it in more ways. */
enum key_tee evidence_held(const struct certificate *c);

#endif
