/* A software SGX platform under its own root: evidence with its endorsements, well-formed or with any one fault. For tests,
 * development and `assay simulate`; its root is trusted by nobody unless named as an anchor (DESIGN 6).
 *
 * A fault is named by the check that must refuse it; everything else is right and consistently signed, so that a build in
 * which that one check answers yes accepts the vector of a proof. */
#ifndef ASSAY_SIMULATE_SIMULATE_H
#define ASSAY_SIMULATE_SIMULATE_H

#include "evidence/sgx.h"

enum simulate_kind { SIMULATE_SGX, SIMULATE_OE_REPORT, SIMULATE_OE_EVIDENCE };

struct simulate_options {
    enum simulate_kind kind;
    const char *fault;         /* id of a check, or NULL */
    int64_t time;              /* the middle of all validity; 0: 2026-01-01 */
    unsigned version;          /* of the quote: 3 (also for 0), 4, 5 */
    unsigned tcb_info_version; /* 3 (also for 0) or 2 */
    unsigned certification;    /* type of certification data; 0: 5 */
    unsigned evaluation;       /* tcbEvaluationDataNumber; 0: 17 */
    const char *status;        /* of the platform: a TCB status by name; NULL: UpToDate */
    const char *qe_status; /* of the quoting enclave: UpToDate (also for NULL), OutOfDate, Revoked, TCB_NOT_SUPPORTED */
    bool kss;              /* the enclave uses KSS, and init_data is bound to its CONFIGID */
    bool debug;            /* a debug enclave */
};

struct simulated {
    struct simulate_options options;
    struct bytes evidence;                /* quote, OE report, or OE evidence with its header */
    struct bytes runtime_data, init_data; /* init_data is empty without kss */
    struct bytes request; /* body for /attest/SgxEnclave or /attest/OpenEnclave; empty for OE evidence */
    struct bytes anchor;  /* PEM of the root to trust */
    uint8_t anchor_spki[SHA256_SIZE];
    struct bytes tcb_info, identity, root_crl, pck_crl, signing_chain; /* empty where the fault leaves it out */
    int64_t time;
    struct settings settings; /* under which the fault shows: strict freshness, a tail that must be zero */
};

/* In the names of all simulated certificates: what rests on them says that it is good for development only. */
#define SIMULATED_ORGANIZATION "Assay simulation"
bool simulated_certificate(const struct certificate *c);

bool simulate_sgx(struct arena *a, const struct simulate_options *options, struct simulated *out, struct fault *fault);
/* Ids of the checks whose failure can be simulated; NULL past the end. */
const char *simulate_fault_at(size_t i);
/* The kind that a fault needs. */
enum simulate_kind simulate_kind_of(const char *fault);
/* All endorsements into a set, and the anchor when trusted. The set is sealed. */
bool simulate_endorsements(const struct simulated *s, struct endorsements *e, bool trusted, struct fault *fault);
/* DIR/quote.bin (report.bin, evidence.bin), runtime.bin, request.json, anchor.pem, collateral/…, README.txt with the command
 * that verifies it. The folders are made. */
bool simulate_write(struct arena *a, const struct simulated *s, const char *folder, struct fault *fault);

#endif
