/* The simulated AMD platform while it is made; for the files of this module alone. */
#ifndef ASSAY_SIMULATE_SNP_PLATFORM_H
#define ASSAY_SIMULATE_SNP_PLATFORM_H

#include "endorsement/reference.h"
#include "simulate/authority.h"
#include "simulate/simulate.h"

enum snp_key {
    SNP_KEY_ARK,         /* trusted */
    SNP_KEY_STRANGE_ARK, /* of the same name, not trusted */
    SNP_KEY_AUTHORITY,   /* ASK or ASVK */
    SNP_KEY_LEAF,        /* VCEK or VLEK: on P-384, as all that follow but the last */
    SNP_KEY_FORGER,
    SNP_KEY_UVM_ROOT, /* of who endorses utility VMs */
    SNP_KEY_UVM_AUTHORITY,
    SNP_KEY_UVM_LEAF,
    SNP_KEY_UVM_FORGER,
    SNP_KEY_TOTAL
};

enum {
    SNP_DAY = 86400,
    SNP_YEAR = 365 * SNP_DAY,
    SNP_SERIAL_ARK = 0x010000,
    SNP_SERIAL_AUTHORITY = 0x010001,
    SNP_SERIAL_SUPERSEDED = 0x020001, /* of Genoa's first ASK (snp-cvm.md 1.8) */
    SNP_CHIP_SIZE = 64,
    SNP_TURIN_CHIP_SIZE = 8,
};

struct snp_model {
    const char *name;  /* "Siena" */
    const char *chain; /* "Genoa": in the names of its authorities */
    const char *vcek;  /* productName in its certificates: "Milan-B0" */
    uint8_t family, model, stepping;
    bool turin; /* its layouts */
};

struct snp_platform {
    struct arena *arena;
    const struct simulate_options *options;
    const struct snp_model *model;
    struct snp_tcb tcb; /* reported */
    bool vlek_chain;    /* the certificates are a VLEK's, whatever the report says */
    int64_t now;
    uint8_t seed[32];
    uint8_t chip[SNP_CHIP_SIZE];
    EVP_PKEY *key[SNP_KEY_TOTAL]; /* those that were needed so far */
    bool failed;                  /* libcrypto could not do something */
};

extern const struct snp_model snp_models[]; /* the last has no name */

bool snp_fault(const struct snp_platform *p, const char *name);
bool snp_varies(const struct snp_platform *p, const char *variation);
EVP_PKEY *snp_key(struct snp_platform *p, enum snp_key which);
struct bytes snp_chip(const struct snp_platform *p); /* as a certificate has it: 64 bytes, Turin's 8 */

/* The signed report; data are of REPORT_DATA and HOST_DATA. */
struct bytes snp_report(struct snp_platform *p, const uint8_t report_data[64], const uint8_t host_data[32]);
extern const uint8_t snp_measurement[SHA384_SIZE];

struct bytes snp_ark(struct snp_platform *p);       /* DER: what is to be trusted */
struct bytes snp_chain(struct snp_platform *p);     /* PEM as clients send it: leaf, ASK or ASVK, ARK */
struct bytes snp_crl(struct snp_platform *p);       /* DER */
struct bytes snp_leaf(struct snp_platform *p);      /* DER */
struct bytes snp_authority(struct snp_platform *p); /* DER */

/* The endorsement of its utility VM, and who may make it. */
struct bytes uvm_endorsement(struct snp_platform *p);
void uvm_trust(struct snp_platform *p, struct reference_values *reference);

#endif
