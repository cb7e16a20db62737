/* What a folder of endorsements holds: each object decoded once, with what it is about, when it was issued and expires, and
 * whether its vendor made it. The verdicts here choose what is kept, shown and served; appraisals judge anew with checks of
 * their own (endorsement/), so nothing is trusted because it stands in a catalogue.
 *
 * Floor: stands on endorsement and net, is used by service and cli. */
#ifndef ASSAY_COLLATERAL_CATALOGUE_H
#define ASSAY_COLLATERAL_CATALOGUE_H

#include "endorsement/amd/amd.h"
#include "endorsement/intel/intel.h"

enum collateral_kind {
    COLLATERAL_TCB_INFO_SGX,
    COLLATERAL_TCB_INFO_TDX,
    COLLATERAL_QE_IDENTITY,
    COLLATERAL_TD_QE_IDENTITY,
    COLLATERAL_QVE_IDENTITY,
    COLLATERAL_QAE_IDENTITY,
    COLLATERAL_EVALUATIONS_SGX, /* tcbevaluationdatanumbers */
    COLLATERAL_EVALUATIONS_TDX,
    COLLATERAL_TCB_CHAIN, /* TCB signing certificate, and the root where it came along */
    COLLATERAL_ROOT_CRL,
    COLLATERAL_PROCESSOR_CRL, /* of the PCK Processor CA */
    COLLATERAL_PLATFORM_CRL,
    COLLATERAL_PROCESSOR_CHAIN, /* PCK Processor CA, and the root */
    COLLATERAL_PLATFORM_CHAIN,
    COLLATERAL_PCK,        /* PCK certificate of a platform, and its issuers where they came along */
    COLLATERAL_INTEL_ROOT, /* the root certificate alone */
    COLLATERAL_VCEK,
    COLLATERAL_VLEK,
    COLLATERAL_VCEK_CHAIN, /* ASK, and ARK */
    COLLATERAL_VLEK_CHAIN, /* ASVK, and ARK */
    COLLATERAL_AMD_CRL,
    COLLATERAL_AMD_ROOT, /* an ARK alone */
    COLLATERAL_KINDS
};
const char *collateral_kind_word(enum collateral_kind kind); /* "tcb-info-sgx" */
const char *collateral_kind_what(enum collateral_kind kind); /* "SGX TCB info" */

enum collateral_verdict {
    COLLATERAL_GENUINE,   /* signed up to an anchor */
    COLLATERAL_UNKNOWN,   /* no certificate of who should have signed it is at hand */
    COLLATERAL_UNTRUSTED, /* signed, but up to no anchor */
    COLLATERAL_FORGED,    /* who should have signed it did not */
};
const char *collateral_verdict_text(enum collateral_verdict verdict); /* "genuine", "its issuer is not at hand", … */

struct collateral {
    enum collateral_kind kind;
    const char *file;     /* where it was found */
    const char *name;     /* made from its content: two objects about the same have one name, whatever their age */
    struct bytes content; /* as it is stored: JSON exactly as signed and sent, CRLs and VCEKs in DER, chains in PEM */
    uint8_t digest[SHA256_SIZE]; /* of content */
    /* What it is about; empty, 0 or NULL where its kind has no such thing. */
    struct bytes fmspc;  /* TCB info, PCK certificate */
    unsigned version;    /* TCB info */
    uint32_t evaluation; /* TCB info, identities */
    const char *product; /* "Milan": all of AMD's */
    struct bytes hwid;   /* VCEK */
    uint64_t tcb;        /* VCEK, VLEK: as reports hold it, read with the least byte first */
    /* issueDate, thisUpdate or notBefore; nextUpdate or the earliest notAfter (INT64_MAX: none) */
    int64_t issued, expires;
    /* Decoded, as its kind is; NULL for the others. */
    const struct tcb_info *tcb_info;
    const struct enclave_identity *identity;
    const struct evaluation_list *evaluations;
    const struct crl *crl;
    const struct certificate *certificates;
    /* For collateral_judge. */
    bool judged;
    enum collateral_verdict verdict;
    uint8_t root[SHA256_SIZE]; /* the key at the end of its chain, where it is genuine */
};

/* A file that is no endorsement. */
struct foreign_file {
    const char *file, *why;
};

struct catalogue {
    struct arena *arena;
    struct collateral *v;
    size_t n, cap;
    struct foreign_file *foreign;
    size_t foreign_count, foreign_cap;
    /* Who signs: certificates of authorities and of TCB signers, none twice; and trusted keys. */
    const struct certificate **authorities, **signers;
    size_t authority_count, authority_cap, signer_count, signer_cap;
    uint8_t (*pins)[SHA256_SIZE];
    size_t pin_count, pin_cap;
    const struct certificate *built_in[SNP_PRODUCT_COUNT][AMD_ROLES]; /* AMD's authorities: keys without bytes */
};

/* Empty, with the vendors' built-in anchors. */
void catalogue_init(struct catalogue *c, struct arena *a);
/* Trust this key too. */
void catalogue_add_anchor(struct catalogue *c, const uint8_t spki_digest[SHA256_SIZE]);
/* One file, recognised by its content; one of several endorsements becomes several objects. What is no endorsement is listed as
 * foreign, and false returned. The same content twice is one object. Pointers to objects last until the next call. */
bool catalogue_add(struct catalogue *c, const char *file, struct bytes content);
/* Is it genuine, by all certificates of the catalogue? Judged once: ask after the last catalogue_add. */
enum collateral_verdict collateral_judge(const struct catalogue *c, struct collateral *o);
/* The newest object with this name and verdict; NULL when there is none. */
struct collateral *catalogue_newest(const struct catalogue *c, const char *name, enum collateral_verdict verdict);
/* Was a issued before b? */
bool collateral_older(const struct collateral *a, const struct collateral *b);

#endif
