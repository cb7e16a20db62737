/* What certificates and CRLs have in common; for the two decoders. */
#ifndef ASSAY_CRYPTO_X509_PARTS_H
#define ASSAY_CRYPTO_X509_PARTS_H

#include "crypto/der.h"
#include "crypto/x509.h"

/* SEQUENCE { tbs, algorithm, signature }: the envelope. inner_alg is the AlgorithmIdentifier inside the tbs. */
struct signed_parts {
    struct bytes tbs;       /* with tag and length */
    struct bytes alg;       /* AlgorithmIdentifier, with tag and length */
    struct bytes signature; /* as it stands */
};
bool x509_envelope(struct bytes der, struct signed_parts *out);
/* What an AlgorithmIdentifier names; SIGNATURE_NONE for what is not accepted. */
enum signature_alg x509_signature_alg(struct bytes identifier);
/* ECDSA signatures to r || s of the signer's curve, which the size tells; others as they are. False when it is no signature. */
bool x509_signature(struct arena *a, enum signature_alg alg, struct bytes raw, struct bytes *out);
bool x509_verify(enum signature_alg alg, struct bytes tbs, struct bytes signature, const struct public_key *key);
struct bytes x509_common_name(struct bytes name);

struct x509_extension {
    struct bytes oid;
    bool critical;
    struct bytes value; /* content of the OCTET STRING */
};
/* The next of a list of extensions; the list's reader fails when it is none. */
bool x509_next_extension(struct reader *list, struct x509_extension *out);
/* keyIdentifier of an AuthorityKeyIdentifier value; empty when it has none. */
struct bytes x509_authority_key_id(struct bytes value);
/* The last byte of 2.5.29.n, or 0 for an OID of another arc. */
uint8_t x509_certificate_arc(struct bytes oid);

#endif
