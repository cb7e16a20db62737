/* What is to be fetched: one endorsement, told by what it is about, before anybody has it. */
#ifndef ASSAY_COLLATERAL_WANT_H
#define ASSAY_COLLATERAL_WANT_H

#include "collateral/catalogue.h"

/* In this order: what comes with the certificates of its issuers before what comes without. */
enum want_kind {
    WANT_TCB_INFO,
    WANT_IDENTITY,
    WANT_EVALUATIONS,
    WANT_PCK_CRL,
    WANT_ROOT_CRL,
    WANT_VCEK,
    WANT_AMD_CHAIN,
    WANT_AMD_CRL,
};

enum { HWID_SIZE = 64, HWID_SIZE_TURIN = 8 };

struct want {
    enum want_kind kind;
    /* Intel's. */
    enum intel_tee tee;
    uint8_t fmspc[FMSPC_SIZE];
    uint32_t evaluation; /* 0: what is served as the standard, or with early as the newest */
    bool early;
    bool platform; /* the CRL of the platform CA, else of the processor CA */
    /* AMD's. */
    const char *product; /* "Milan", "Genoa", "Turin" */
    bool vlek;           /* of the other hierarchy than VCEKs */
    uint8_t hwid[HWID_SIZE];
    size_t hwid_size;
    uint64_t tcb;
};

enum { WANTS_OF_PLATFORM = 6 };

/* The texts that an appraisal names a missing endorsement by (struct exam, wanted): intel/TEE/FMSPC/CA[/EVALUATION],
 * amd/vcek/PRODUCT/HWID/TCB, amd/crl/PRODUCT. Everything of one platform that such a text asks for; 0: it is none. */
size_t wants_parse(struct bytes text, struct want out[WANTS_OF_PLATFORM]);
/* All that Intel's quotes of a platform need. */
size_t wants_of_intel(enum intel_tee tee, const uint8_t fmspc[FMSPC_SIZE], bool platform, uint32_t evaluation,
                      struct want out[WANTS_OF_PLATFORM]);
/* AMD's name of a product that goes by this one, letter case ignored; NULL: none does. */
const char *want_product(struct bytes name);

/* What would take this object's place; false for what is not fetched, or never expires (a VCEK). */
bool want_of(const struct collateral *o, struct want *out);
/* Is o what was asked for? *why tells what it is instead. */
bool want_met(struct arena *a, const struct want *w, const struct collateral *o, const char **why);
/* "intel/tcb/sgx/00906ed50000/17": the same for the same want, and fit for people. */
const char *want_name(struct arena *a, const struct want *w);

#endif
