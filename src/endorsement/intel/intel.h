/* Intel's endorsements of SGX and TDX platforms (sgx-tdx.md 4-8): PCK certificates, TCB info, enclave identities, CRLs.
 *
 * Two parts. Objects are decoded once, when they are loaded or first seen, with the verdicts that depend on their bytes
 * alone. Appraisals then state checks over them: present, signed, in date, not revoked, matching. */
#ifndef ASSAY_ENDORSEMENT_INTEL_INTEL_H
#define ASSAY_ENDORSEMENT_INTEL_INTEL_H

#include "endorsement/exam.h"

enum { TCB_COMPONENTS = 16, FMSPC_SIZE = 6, PCEID_SIZE = 2, MR_SIZE_TDX = 48 };

extern const uint8_t intel_root_spki[SHA256_SIZE]; /* of "Intel SGX Root CA" */

enum intel_tee { TEE_SGX, TEE_TDX };

/* A PCK certificate with its issuers, as quotes carry them in certification data of type 5. */
struct pck_chain {
    const struct certificate *leaf, *authority, *root;
    bool signatures_ok;
    struct bytes fmspc, pce_id, ppid, cpu_svn;
    uint8_t components[TCB_COMPONENTS];
    uint16_t pce_svn;
    unsigned sgx_type; /* 0 standard, 1 scalable, 2 scalable with integrity */
};

struct tcb_level {
    uint8_t sgx[TCB_COMPONENTS], tdx[TCB_COMPONENTS];
    uint16_t pce_svn;
    enum tcb_status status;
    struct bytes date; /* as it stands */
    const struct bytes *advisories;
    size_t advisory_count;
};

/* A level of an enclave identity or of a TDX module. */
struct svn_level {
    uint16_t isv_svn;
    enum tcb_status status;
    struct bytes date;
    const struct bytes *advisories;
    size_t advisory_count;
};

struct tdx_module {
    struct bytes id; /* "TDX_03"; empty for the unnumbered one */
    struct bytes mrsigner, attributes, attributes_mask;
    const struct svn_level *levels;
    size_t level_count;
};

/* What TCB infos and identities have in common. */
struct signed_document {
    const char *name;       /* file it came from, for messages */
    struct bytes inner;     /* the signed object, exactly as it stood */
    struct bytes signature; /* r || s */
    int64_t issued, next_update;
    uint32_t evaluation;              /* tcbEvaluationDataNumber */
    uint8_t hash[SHA256_SIZE];        /* SHA-256 of the document and one NUL (sgx-tdx.md 10) */
    bool signature_ok;                /* under the key of some TCB signing certificate that is at hand */
    uint8_t signer_spki[SHA256_SIZE]; /* that key */
    uint8_t root_spki[SHA256_SIZE];   /* the key at the end of its chain */
};

struct tcb_info {
    struct signed_document document;
    enum intel_tee tee;
    unsigned version;
    struct bytes fmspc, pce_id;
    const struct tcb_level *levels; /* highest first */
    size_t level_count;
    bool has_module;
    struct tdx_module module;
    const struct tdx_module *module_identities;
    size_t module_identity_count;
};

/* Which evaluation numbers Intel serves (sgx-tdx.md 6.6). */
struct evaluation_number {
    uint32_t number;
    int64_t recovery_event, tcb_date;
};
struct evaluation_list {
    struct signed_document document;
    enum intel_tee tee;
    const struct evaluation_number *numbers; /* highest first */
    size_t count;
};

enum identity_kind { IDENTITY_QE, IDENTITY_TD_QE, IDENTITY_QVE, IDENTITY_QAE };

struct enclave_identity {
    struct signed_document document;
    enum identity_kind kind;
    struct bytes miscselect, miscselect_mask, attributes, attributes_mask, mrsigner;
    uint16_t isv_prod_id;
    const struct svn_level *levels; /* highest first */
    size_t level_count;
};

/* A TCB signing certificate and its root. */
struct signing_chain {
    const struct certificate *signer; /* linked to the root */
    bool signatures_ok;
    uint8_t hash[SHA256_SIZE]; /* of the chain in PEM and one NUL (sgx-tdx.md 10) */
};

/* Decoding. Views point into text. */
bool tcb_info_decode(struct arena *a, const char *name, struct bytes text, const struct tcb_info **out,
                     struct fault *fault);
bool identity_decode(struct arena *a, const char *name, struct bytes text, const struct enclave_identity **out,
                     struct fault *fault);
bool evaluations_decode(struct arena *a, const char *name, struct bytes text, const struct evaluation_list **out,
                        struct fault *fault);
/* Did the holder of this key sign the document: its exact bytes, or those without white space (sgx-tdx.md 0, item 8)? */
bool document_signed_by(struct arena *a, const struct signed_document *d, const struct public_key *key);
/* The items of Open Enclave endorsements that are endorsements themselves, in their order (sgx-tdx.md 9.5); false when text is
 * something else. */
enum { OE_ENDORSEMENTS = 7 };
bool oe_endorsement_items(struct bytes text, struct bytes items[OE_ENDORSEMENTS]);
bool pck_decode(const struct certificate *leaf, struct pck_chain *out, struct fault *fault);

/* The chain of certification data of type 5, from the cache where it was seen before. States INTEL_PCK_SHAPE. */
bool pck_chain_load(struct exam *x, struct bytes pem, const struct pck_chain **out);
/* Path, role, validity, and revocation of leaf and authority (sgx-tdx.md 7 B, C). */
bool pck_chain_verify(struct exam *x, const struct pck_chain *chain);

/* What an appraisal rests on besides the quote; the hashes go into x-ms-sgx-collateral. */
struct intel_basis {
    const struct tcb_info *tcb_info;
    const struct enclave_identity *identity;
    const struct signing_chain *tcb_info_chain, *identity_chain;
    const struct held_crl *root_crl;
};
/* Choose TCB info and identity for the platform and the baseline in force, and verify them and their signer. */
bool intel_basis_verify(struct exam *x, enum intel_tee tee, const struct pck_chain *chain, struct intel_basis *out);

/* A set of documents that Intel released together (api.md 2.5). */
struct tcb_baseline {
    uint32_t evaluation;
    struct bytes date; /* the newest tcbDate in it, as it stands */
};
/* Those with TCB info whose signature verified, the newest number first. */
size_t tcb_baselines(const struct endorsements *e, enum intel_tee tee, struct arena *a,
                     const struct tcb_baseline **out);

/* What of a platform its TCB status depends on. */
struct tcb_platform {
    enum intel_tee tee;
    uint8_t components[TCB_COMPONENTS]; /* of the PCK certificate, never the report's CPUSVN */
    uint16_t pce_svn, qe_svn;
    uint8_t tee_tcb_svn[TCB_COMPONENTS]; /* TDX: what the TD was started under */
    bool has_current; /* TDX 1.5: and the module that is loaded now, where it was updated meanwhile */
    uint8_t current_tcb_svn[TCB_COMPONENTS];
};
/* The platform that a PCK certificate describes, as yet without TDX. */
struct tcb_platform tcb_platform_of(enum intel_tee tee, const struct pck_chain *chain, uint16_t qe_svn);

/* What TCB info and identity say about it (sgx-tdx.md 7 D4, F). Statuses are TCB_NOT_SUPPORTED where no level matches. */
struct tcb_verdict {
    const struct tcb_level *level;     /* that decides: of SGX, or of TDX; NULL: none matches */
    const struct tcb_level *sgx_level; /* what SGX components alone reach */
    const struct svn_level *qe_level;  /* NULL: none matches */
    const struct tdx_module
        *module; /* TDX: whose identity is to be compared; NULL: the TCB info has none of that version */
    const struct svn_level *module_level; /* NULL: none matches, or modules of that version have none */
    enum tcb_status sgx_status, tdx_status, module_status, qe_status; /* tdx and module: of TDX alone */
    enum tcb_status status;                                           /* all of them together */
};
void tcb_judge(const struct tcb_info *info, const struct enclave_identity *identity,
               const struct tcb_platform *platform, struct tcb_verdict *out);

/* Where the comparison of TDX components begins: modules with a version of their own have their SVN judged by its identity. */
unsigned tcb_first_tdx_component(const struct tcb_platform *platform);
/* Parts of it. NULL: no level matches. */
const struct svn_level *svn_match(const struct svn_level *levels, size_t count, uint16_t isv_svn);
enum tcb_status tcb_converge(enum tcb_status platform, enum tcb_status other);

#endif
