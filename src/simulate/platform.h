/* The simulated platform while it is made; for the files of this module alone. */
#ifndef ASSAY_SIMULATE_PLATFORM_H
#define ASSAY_SIMULATE_PLATFORM_H

#include "simulate/authority.h"
#include "simulate/simulate.h"

enum simulated_key {
    KEY_ROOT,         /* trusted */
    KEY_STRANGE_ROOT, /* of the same name, not trusted */
    KEY_AUTHORITY,    /* the PCK authority's */
    KEY_PLATFORM,     /* PCK */
    KEY_SIGNER,       /* TCB signing */
    KEY_ATTESTATION,  /* the quoting enclave's */
    KEY_FORGER,       /* belongs to nobody */
    KEY_TOTAL
};

enum {
    DAY = 86400,
    YEAR = 365 * DAY,
    SERIAL_ROOT = 0x1001,
    SERIAL_AUTHORITY,
    SERIAL_LEAF,
    SERIAL_SIGNER,
    PLATFORM_SVN = 7,
    PLATFORM_PCESVN = 13,
    QE_SVN = 8,
    QE_PRODUCT = 1,
    QE_PRODUCT_TDX = 2,
    MODULE_VERSION = 1, /* TDX_01 */
    MODULE_SVN = 5,
    MODULE_SVN_NEWEST = 7
};
#define PLATFORM_PPID BYTES_LIT("\x5a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")

/* MRSIGNER of Intel's quoting enclaves (sgx-tdx.md 6.4), as their signed identities state it. */
#define QE_SIGNER     "8c4f5775d796503e96137f77c68a829a0056ac8ded70140b081b094490c57bff"
#define QE_SIGNER_TDX "dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5"

struct platform {
    struct arena *arena;
    const struct simulate_options *options;
    int64_t now;
    EVP_PKEY *key[KEY_TOTAL];
    struct bytes fmspc;
    bool failed; /* libcrypto could not do something */
};

/* Is this the fault that was asked for? */
bool platform_fault(const struct platform *p, const char *name);
/* The same for one of several alike: the %s of `format` is `what`. */
bool platform_fault_of(const struct platform *p, const char *format, const char *what);
bool platform_is_tdx(const struct platform *p);
bool platform_varies(const struct platform *p, const char *variation);

struct bytes platform_pck_chain(struct platform *p);     /* PEM: leaf, authority, root */
struct bytes platform_pck_issuers(struct platform *p);   /* PEM: authority, root */
struct bytes platform_signing_chain(struct platform *p); /* PEM: signer, root */
struct bytes platform_root(struct platform *p);          /* PEM: what is to be trusted */
struct bytes platform_root_crl(struct platform *p);
struct bytes platform_pck_crl(struct platform *p);
/* The PCK certificate's extension 1.2.840.113741.1.13.1 (sgx-tdx.md 4.4). */
struct bytes platform_sgx_extension(struct platform *p);
struct bytes platform_tcb_info(struct platform *p);
struct bytes platform_identity(struct platform *p);
struct bytes platform_quote(struct platform *p, struct bytes report_data, struct bytes config_id);
/* The body of such a quote, whose config_id is the beginning of MRCONFIGID. */
struct bytes platform_td_report(struct platform *p, struct bytes report_data, struct bytes config_id);
size_t td_report_size(enum simulate_td_report form);
/* A signature that is r || s; the key is one of the platform's. */
struct bytes platform_sign(struct platform *p, enum simulated_key key, struct bytes message);
/* A copy with one bit of the byte at `offset` turned. */
struct bytes platform_flip(struct platform *p, struct bytes b, size_t offset);

#endif
