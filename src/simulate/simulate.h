/* Software platforms under their own roots: evidence with its endorsements, well-formed or with any one fault. For tests,
 * development and `assay simulate`; such a root is trusted by nobody unless named as an anchor (DESIGN 6).
 *
 * A fault is named by the check that must refuse it, with a variant behind a colon where a check can fail in several ways.
 * Everything else is right and consistently signed, so that a build in which that one check answers yes accepts the vector
 * of a proof. */
#ifndef ASSAY_SIMULATE_SIMULATE_H
#define ASSAY_SIMULATE_SIMULATE_H

#include "evidence/sgx.h"

enum simulate_kind {
    SIMULATE_SGX,
    SIMULATE_OE_REPORT,
    SIMULATE_OE_EVIDENCE,
    SIMULATE_TDX,
    SIMULATE_SNP,
    SIMULATE_TPM,         /* an attestation object (tpm-vbs.md 1.4) */
    SIMULATE_TPM_REQUEST, /* the same in a request to /attest/Tpm, answering a challenge */
    SIMULATE_VBS,         /* with a report of an enclave */
    SIMULATE_AZURE_GUEST,
    SIMULATE_KINDS
};
/* Forms of TD reports; the first: 1.0 in quotes of version 4, 1.5 in those of version 5. */
enum simulate_td_report { SIMULATE_TD_USUAL, SIMULATE_TD_10, SIMULATE_TD_15, SIMULATE_TD_15EX };
const char *
simulate_kind_word(enum simulate_kind kind); /* "sgx": on the command line; kinds of one word are forms of it */
const char *simulate_kind_what(enum simulate_kind kind); /* "a quote" */
/* What `assay verify --type` calls it: requests of the protocol of TPMs are "vbs", with an enclave's report or without. */
const char *simulate_kind_type(enum simulate_kind kind);
bool simulate_kind_has_tpm(enum simulate_kind kind);

struct simulated_tpm_driver;
struct simulate_options {
    enum simulate_kind kind;
    const char *fault;     /* by name, or NULL */
    const char *variation; /* a harmless one, by name, or NULL */
    int64_t time;          /* the middle of all validity; 0: 2026-01-01 */
    uint64_t seed;         /* of all keys: the same evidence again, byte for byte; 0: random keys */
    unsigned
        version; /* of the quote: 3 (also for 0; of TDX: 4), 4, 5; of the report: 2 to 5, 0: 3, Turin's 5; of the request
                         to /attest/Tpm: 1, 2 (also for 0) */
    unsigned tcb_info_version; /* 3 (also for 0) or 2 */
    unsigned certification;    /* type of certification data; 0: 5 */
    unsigned evaluation;       /* tcbEvaluationDataNumber; 0: 17 */
    const char *status;        /* of the platform: a TCB status by name; NULL: UpToDate */
    const char *qe_status;     /* of the quoting enclave: UpToDate (NULL), OutOfDate, Revoked, TCB_NOT_SUPPORTED */
    bool kss;                  /* the enclave uses KSS, and init_data is bound to its CONFIGID */
    bool debug;                /* a debug enclave, a debug trust domain, a VM that may be debugged */
    enum simulate_td_report td_report;
    const char *module_status; /* of the TDX module: UpToDate (NULL), OutOfDate, Revoked, TCB_NOT_SUPPORTED */
    bool unnumbered_module;    /* of major version 0, which has no levels of its own */
    bool module_updated;       /* the newest module was loaded beneath the trust domain (a report of 1.5 tells) */
    const char *product;       /* of AMD: Milan (NULL), Genoa, Bergamo, Siena, Turin */
    bool vlek;                 /* the report is signed with a VLEK, not the chip's VCEK */
    bool migration;            /* the VM may be migrated */
    const char *uvm; /* an endorsement of the utility VM goes with the report: "legacy" or "cwt"; NULL: none */
    struct bytes runtime_data; /* what the enclave vouches for; empty: a small JSON object */
    struct bytes report_data;  /* 64 bytes in place of its hash; empty: the hash, and zeros */

    /* Of machines with a TPM: */
    const struct simulated_tpm_driver *tpm; /* NULL: a TPM of our own (tpm.h); that of faults always is */
    const char *ak;                         /* attestation key: rsassa (NULL), rsapss, ecdsa */
    const char *os;                         /* what was booted: windows (NULL), linux */
    unsigned log_size;                      /* of the boot log, at least; 0: a short one */
    struct bytes nonce;                     /* qualifying data of the quote; empty: 16 bytes of our own */
    struct bytes challenge,
        service_context;   /* of a request to /attest/Tpm: bytes; text as it was sent. Empty: our own; none */
    const char *isolation; /* of an Azure guest: trusted-launch (NULL), snp, tdx */
};

struct simulated {
    struct simulate_options options;
    struct bytes evidence; /* quote, OE report, OE evidence with its header; JSON with report, chain and endorsement */
    struct bytes runtime_data, init_data; /* init_data: of SGX with kss */
    struct bytes request;                 /* body for the attester's route; empty for OE evidence */
    struct bytes anchor;                  /* PEM of the root to trust */
    uint8_t anchor_spki[SHA256_SIZE];
    struct bytes tcb_info, identity, root_crl, pck_crl, signing_chain; /* empty where the fault leaves it out */
    struct bytes
        endorsements; /* all of them as Open Enclave wraps them (sgx-tdx.md 9.5); empty where one is left out */
    struct bytes report, chain, crl,
        uvm; /* of SNP: the bare report, PEM, the ARK's CRL, the endorsement; of VBS the report */
    struct bytes nonce, log, list, aik_certificate; /* of a TPM: logs of firmware and of IMA as they are, DER */
    struct bytes aik_issuers, aik_crl; /* PEM of those that do not travel with the evidence; DER, mostly none */
    const struct simulated *hardware;  /* of a confidential VM: its processor's part; else NULL */
    int64_t time;
    struct settings
        settings; /* under which the fault shows: strict freshness, a tail that must be zero, who endorses */
};

/* In the names of all simulated certificates: what rests on them says that it is good for development only. */
#define SIMULATED_ORGANIZATION "Assay simulation"
bool simulated_certificate(const struct certificate *c);

/* Adds what Secure Boot's variables hold in simulated machines with a TPM to what else they may hold. False: too many. */
bool simulated_variables(struct arena *a, struct reference_values *reference);

/* FAULT_USAGE for options that do not exist or do not go together, FAULT_CRYPTO when libcrypto fails. */
bool simulate(struct arena *a, const struct simulate_options *options, struct simulated *out, struct fault *fault);

enum simulate_needs {
    SIMULATE_NEEDS_TURIN = 1 << 16,
    SIMULATE_NEEDS_VLEK = 1 << 17,
    SIMULATE_NEEDS_VCEK = 1 << 18,
    SIMULATE_NEEDS_UVM = 1 << 19,
    SIMULATE_NEEDS_LINUX = 1 << 20,
    SIMULATE_NEEDS_HARDWARE = 1 << 21,
};
struct simulate_fault {
    const char *name;  /* "intel.pck.validity", "intel.pck.validity:root-early" */
    unsigned kinds;    /* bit set of enum simulate_kind: where it can be; and of enum simulate_needs */
    unsigned version;  /* of the quote or report that it needs; 0: any */
    const char *wrong; /* what is wrong, for people */
};
const struct simulate_fault *simulate_fault_at(size_t i); /* NULL past the end */
const struct simulate_fault *simulate_fault_by_name(const char *name);
enum check_id simulate_fault_check(const struct simulate_fault *fault);
/* A kind in which the fault can be. */
enum simulate_kind simulate_fault_kind(const struct simulate_fault *fault);
/* Names of the harmless variations of a kind; NULL past the end. */
const char *simulate_variation_at(enum simulate_kind kind, size_t i);

const struct attester *simulated_attester(const struct simulated *s);
/* What its attester verifies, into the exam: evidence and what the caller says of it. */
bool simulated_decode(const struct simulated *s, struct exam *x);

/* What vouches for it, as files; the text is empty where the kind or the fault leaves it out. False past the end. */
struct simulated_file {
    const char *name;
    struct bytes text;
};
bool simulated_collateral_at(const struct simulated *s, size_t i, struct simulated_file *out);

/* All endorsements into a set, and the anchor when trusted. The set is sealed. */
bool simulate_endorsements(const struct simulated *s, struct endorsements *e, bool trusted, struct fault *fault);
/* DIR/quote.bin (report.bin, evidence.bin, …), runtime.bin, request.json, anchor.pem, collateral/…, endorsements.bin for OE,
 * README.txt with the command that verifies it. Of SNP snp-report.bin, chain.pem and uvm.cose too, which report.json holds. The
 * folders are made. */
bool simulate_write(struct arena *a, const struct simulated *s, const char *folder, struct fault *fault);

#endif
