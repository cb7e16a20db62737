/* Why anybody should trust a service: the four steps by which a relying party comes to do so (sgx-tdx.md 9.6, snp-cvm.md 5,
 * api.md 5), as a function of what it has at hand. No I/O, no clock: `assay trust`, the C library and the fuzzers call it.
 *
 *   1. the token is signed by a certificate that the service lists, which bears the service's address;
 *   2. that certificate carries evidence of a TEE, which verifies;
 *   3. the report data of the evidence are the hash of the certificate's key;
 *   4. the measurement in the evidence is one that was announced.
 *
 * Each is checks of base/checks.def (trust.*, and those of the evidence), in one trace a key. */
#ifndef ASSAY_TRUST_TRUST_H
#define ASSAY_TRUST_TRUST_H

#include "trust/measurement.h"

enum trust_step { TRUST_SIGNED, TRUST_EVIDENCE, TRUST_BINDING, TRUST_MEASUREMENT, TRUST_STEPS };
const char *trust_step_name(enum trust_step step); /* "signature", "evidence", "binding", "measurement" */

struct trust_rules {
    struct settings appraisal; /* of the evidence */
    bool allow_debug;          /* accept a TEE that a debugger can open */
    bool allow_short_key;      /* accept RSA of 1024 bits */
    bool allow_expired;        /* accept certificates of the past */
    bool any_measurement;      /* accept whatever is measured */
    bool allow_partial;        /* accept a record that leaves out what decides too (measurement_is_whole) */
    bool allow_chained;        /* without a token: accept a set in which some keys are held by no TEE */
};

struct trust_question {
    struct arena *arena;
    struct bytes service; /* its address, "https://name.region.domain[:port]": what tokens have as iss */
    struct bytes jwks;    /* the answer of GET /certs */
    struct bytes token;   /* compact; empty: the keys are judged without one */
    struct bytes kid;     /* without a token: the key to judge; empty: each that is listed */
    struct bytes list;    /* of measurements (trust/measurement.h); empty: none */
    const struct public_key *release_key; /* whoever signed that; NULL: the list is the caller's own word, unsigned */
    const struct endorsements *endorsements;
    const struct trust_rules *rules;
    int64_t time;
};

enum trust_verdict {
    TRUST_ACCEPTED,     /* all four steps */
    TRUST_NOT_COMPARED, /* genuine hardware holds the key, but no measurement was named to compare with */
    TRUST_CHAINED, /* the key stands under an authority's chain: no TEE holds it. Of a whole list: some are such, the others accepted */
    TRUST_REFUSED,
};
const char *trust_verdict_name(enum trust_verdict v); /* "accepted", "not compared", "chained", "refused" */

/* What was judged of one key. */
struct trust_key {
    struct bytes kid;                      /* as listed */
    const struct certificate *certificate; /* NULL: it has none that decodes */
    struct trace *trace;
    size_t end[TRUST_STEPS]; /* the step's checks end here in the trace; 0: not reached */
    struct measurement found;
    const char *carried; /* "Open Enclave report in 1.3.6.1.4.1.311.105.1"; NULL: nothing */
    bool tcb_known;
    enum tcb_status tcb_status;
    const struct bytes *advisories;
    size_t advisory_count;
    bool development;            /* the evidence rests on a simulated root */
    const struct record *record; /* that announced the measurement; NULL: none */
    enum trust_verdict verdict;
};

struct trust_result {
    struct trust_key *keys; /* that were judged; at least one */
    size_t count;
    enum trust_verdict
        verdict; /* of all: the worst. With allow_chained, chained keys count for nothing beside others */
};

/* False when it is refused, or not compared. The result is always whole, and lives in the question's arena. */
bool trust_judge(const struct trust_question *q, struct trust_result *out);
/* {"verdict","service","keys":[{"kid","verdict","tee",…,"steps":[…],"checks":[…]}],"failed"}: what --json prints. */
struct json *trust_json(const struct trust_question *q, const struct trust_result *r);
/* One line on a step, with its evidence. */
const char *trust_step_text(struct arena *a, const struct trust_key *k, enum trust_step step);
enum trust_outcome { TRUST_STEP_PASSED, TRUST_STEP_FAILED, TRUST_STEP_SKIPPED, TRUST_STEP_NOT_REACHED };
enum trust_outcome trust_step_outcome(const struct trust_key *k, enum trust_step step);

#endif
