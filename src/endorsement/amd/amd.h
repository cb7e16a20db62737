/* AMD's endorsements of SEV-SNP platforms (snp-cvm.md 1.7-1.9): certificates of the keys that sign reports (VCEK, of one chip;
 * VLEK, of one cloud provider), what issued them, and CRLs.
 *
 * A chain is decoded and its signatures are verified once, when it is loaded or first seen. Appraisals then state checks over it. */
#ifndef ASSAY_ENDORSEMENT_AMD_AMD_H
#define ASSAY_ENDORSEMENT_AMD_AMD_H

#include "endorsement/amd/keys.h"
#include "endorsement/exam.h"

enum { SNP_CHIP_ID_SIZE = 64, SNP_TURIN_CHIP_ID_SIZE = 8, SNP_TCB_SIZE = 8 };

/* A TCB version as reports hold it, 8 bytes in the layout of the product (snp-cvm.md 1.4); and back. */
struct snp_tcb snp_tcb_read(enum snp_product product, struct bytes raw);
struct bytes snp_tcb_raw(struct arena *a, enum snp_product product, const struct snp_tcb *tcb);
bool snp_tcb_equal(const struct snp_tcb *a, const struct snp_tcb *b);
/* "bootloader 3, tee 0, snp 8, microcode 115", with fmc for Turin. */
const char *snp_tcb_text(struct arena *a, enum snp_product product, const struct snp_tcb *tcb);
/* As caches and KDS name it: 16 hexadecimal digits, the most significant byte first. */
struct bytes snp_tcb_name(struct arena *a, struct bytes raw);

/* What the extensions of a VCEK or VLEK certify. */
struct amd_leaf {
    const struct certificate *certificate;
    bool vlek;
    uint64_t struct_version;
    struct bytes product_name; /* "Milan-B0" */
    enum snp_product product;  /* that it names */
    struct snp_tcb tcb;
    struct bytes hw_id;                /* VCEK: 64 bytes, Turin 8 */
    struct bytes csp_id;               /* VLEK: "CN=cc-us-east-2.amazonaws.com" */
    uint8_t chip_id[SNP_CHIP_ID_SIZE]; /* hw_id as reports hold it: zeros behind */
};
/* Views point into the certificate. */
bool amd_leaf_decode(const struct certificate *c, struct amd_leaf *out, struct fault *fault);
bool amd_leaf_named(const struct certificate *c); /* by common name: SEV-VCEK or SEV-VLEK */
bool amd_named(const struct certificate *list);   /* is any of the list AMD's by its common name? */

struct amd_chain {
    struct amd_leaf leaf;
    const struct certificate *issuer, *root; /* linked behind leaf.certificate; NULL where none is at hand */
    bool signatures_ok;
    bool has_product; /* the root's name tells one */
    enum snp_product product;
};

/* What a report says of the key that signed it. */
struct amd_query {
    bool vlek;
    bool has_product; /* reports of version 2 do not tell */
    enum snp_product product;
    struct bytes chip_id; /* 64 bytes */
    struct bytes tcb;     /* the reported one, 8 bytes */
};
/* The chain of the key: from the certificates that came with the evidence (DER or PEM, any order, may be empty), else from the
 * endorsements at hand. States AMD_CHAIN_SHAPE and AMD_LEAF_PRESENT; a chain that is not there is named in x->wanted. True with
 * *out NULL when only a mutant went on. */
bool amd_chain_load(struct exam *x, struct bytes certificates, const struct amd_query *q, const struct amd_chain **out);
/* Path, roles, validity, and revocation of what issued the leaf (snp-cvm.md 1.8, 1.9 steps 4, 5). */
bool amd_chain_verify(struct exam *x, const struct amd_chain *chain);

/* Rows of checks.def that these state, for lists of required checks. */
#define AMD_CHECKS                                                                                        \
    CHECK_AMD_CHAIN_SHAPE, CHECK_AMD_LEAF_PRESENT, CHECK_AMD_CHAIN_ANCHOR, CHECK_AMD_CHAIN_SIGNATURES,    \
        CHECK_AMD_CHAIN_NAMES, CHECK_AMD_CHAIN_AUTHORITY, CHECK_AMD_CHAIN_VALIDITY, CHECK_AMD_CHAIN_ROLE, \
        CHECK_AMD_CRL_PRESENT, CHECK_AMD_CRL_SIGNATURE, CHECK_AMD_CRL_EXTENSIONS, CHECK_AMD_CRL_ISSUED,   \
        CHECK_AMD_CRL_FRESH, CHECK_AMD_ISSUER_NOT_REVOKED

#endif
