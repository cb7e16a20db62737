/* Certificates and CRLs of simulated platforms. Their content is written by OpenSSL, so that our own decoders meet
 * another's encoder; the signature over it is ours (simulate/keys.h). */
#ifndef ASSAY_SIMULATE_AUTHORITY_H
#define ASSAY_SIMULATE_AUTHORITY_H

#include "simulate/keys.h"

struct authority_extension {
    const char *oid;
    struct bytes value; /* of the extension: what its OCTET STRING holds */
};

struct authority_certificate {
    const char *subject, *issuer; /* common names */
    EVP_PKEY *key;                /* of the subject */
    EVP_PKEY *issuer_key;
    int64_t not_before, not_after;
    uint64_t serial;
    bool ca;
    int path_length;            /* of a CA; -1: none */
    struct bytes sgx_extension; /* PCK certificates: the extension's value */
    bool without_cert_sign;     /* a CA whose keyUsage lacks it */
    bool unknown_critical;      /* a critical extension that nobody knows */
    enum signature_alg alg;     /* SIGNATURE_NONE: ECDSA with SHA-256 */
    bool trailer_written;       /* PSS: the parameters name their trailer field, which is what it is when unnamed */
    bool amd_name;              /* the parts of names in AMD's order */
    bool bare;                  /* no extensions but those that follow */
    const char *extended_usage; /* OIDs with commas between; NULL */
    const struct authority_extension *extensions;
    size_t extension_count;
};
/* DER; empty when OpenSSL failed. */
struct bytes authority_issue(struct arena *a, const struct authority_certificate *c);

struct authority_crl {
    const char *issuer;
    EVP_PKEY *key;        /* that signs */
    EVP_PKEY *issuer_key; /* whose identifier the CRL names */
    int64_t this_update, next_update;
    uint64_t revoked; /* one serial number, 0: none */
    bool without_number, without_authority_key, without_next_update;
    enum signature_alg alg;
    bool amd_name;
    bool partial; /* a critical issuingDistributionPoint: it speaks of some certificates only */
};
struct bytes authority_revoke(struct arena *a, const struct authority_crl *c);

#endif
