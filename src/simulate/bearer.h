/* Bearer tokens and the key sets of their issuers: well-formed, or with any one fault, named by the check that must refuse it, as
 * the faults of evidence are (simulate.h). */
#ifndef ASSAY_SIMULATE_BEARER_H
#define ASSAY_SIMULATE_BEARER_H

#include "base/check.h"
#include "base/fault.h"

struct simulate_bearer_options {
    const char *fault;           /* by name, or NULL */
    const char *header, *claims; /* JSON texts in place of the usual ones; NULL */
    int64_t time;                /* the middle of its validity; 0: 2026-01-01 */
    uint64_t seed;               /* of all keys, never random: these sign nothing that is of worth */
};

struct simulated_bearer {
    struct simulate_bearer_options options;
    struct bytes authorization; /* "Bearer …" */
    struct bytes jwks;          /* of the issuer BEARER_ISSUER_URL: two keys */
    struct bytes other_jwks;    /* of BEARER_OTHER_ISSUER: one */
};

#define BEARER_ISSUER_URL   "https://login.example/tenant"
#define BEARER_OTHER_ISSUER "https://login.example/other"
#define BEARER_SUBJECT_NAME "alice"

/* FAULT_USAGE for a fault that does not exist, FAULT_CRYPTO when libcrypto fails. */
bool simulate_bearer(struct arena *a, const struct simulate_bearer_options *options, struct simulated_bearer *out,
                     struct fault *fault);

struct simulate_bearer_fault {
    const char *name;  /* "bearer.expiry", "bearer.expiry:missing" */
    const char *wrong; /* what is wrong, for people */
};
const struct simulate_bearer_fault *simulate_bearer_fault_at(size_t i); /* NULL past the end */
enum check_id simulate_bearer_fault_check(const struct simulate_bearer_fault *fault);

#endif
