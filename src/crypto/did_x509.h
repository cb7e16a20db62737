/* did:x509, version 0: an issuer named by the digest of a certificate authority and by what its certificates say
 * (github.com/microsoft/did-x509, as snp-cvm.md 2.5 uses it). */
#ifndef ASSAY_CRYPTO_DID_X509_H
#define ASSAY_CRYPTO_DID_X509_H

#include "crypto/x509.h"

struct did_x509 {
    uint8_t fingerprint[SHA256_SIZE]; /* of the authority's certificate, DER */
    struct bytes policies;            /* "eku:1.2.3", "subject:CN:name", with "::" between; at least one */
};

/* False for another method or version, another digest, and a name without a policy. The policies are a view of the text. */
bool did_x509_parse(struct arena *a, struct bytes did, struct did_x509 *out);
/* Is that authority one of the chain's, above its leaf? */
bool did_x509_pins(const struct did_x509 *did, const struct certificate *leaf_first);
/* Does the leaf fulfil every policy? eku: its list holds the object identifier. subject: its name has each attribute (CN, C, L,
 * ST, O, OU) with just that value. Of another policy none is fulfilled. *unmet is the first that is not. */
bool did_x509_policies_hold(struct arena *a, const struct did_x509 *did, const struct certificate *leaf,
                            struct bytes *unmet);

#endif
