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
    SERIAL_AUTHORITY = 0x1002,
    SERIAL_LEAF = 0x1003,
    SERIAL_SIGNER = 0x1004,
    PLATFORM_SVN = 7,
    PLATFORM_PCESVN = 13,
    QE_SVN = 8,
    QE_PRODUCT = 1
};

#define NAME_ROOT      "Intel SGX Root CA"
#define NAME_AUTHORITY "Intel SGX PCK Platform CA"
#define NAME_LEAF      "Intel SGX PCK Certificate"
#define NAME_SIGNER    "Intel SGX TCB Signing"

struct platform {
    struct arena *arena;
    const struct simulate_options *options;
    int64_t now;
    EVP_PKEY *key[KEY_TOTAL];
    struct bytes fmspc;
    bool failed; /* OpenSSL could not do something */
};

/* Is this the fault that was asked for? */
bool platform_fault(const struct platform *p, const char *id);
struct bytes platform_pck_chain(struct platform *p);     /* PEM: leaf, authority, root */
struct bytes platform_signing_chain(struct platform *p); /* PEM: signer, root */
struct bytes platform_root(struct platform *p);          /* PEM: what is to be trusted */
struct bytes platform_root_crl(struct platform *p);
struct bytes platform_pck_crl(struct platform *p);
struct bytes platform_tcb_info(struct platform *p);
struct bytes platform_identity(struct platform *p);
struct bytes platform_quote(struct platform *p, struct bytes report_data, struct bytes config_id);

#endif
