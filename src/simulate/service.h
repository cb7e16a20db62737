/* A service whose core runs in a simulated TEE: its key set with the evidence in the certificate, a token, and the list of measurements of
 * whoever publishes it. Well-formed, or with any one fault, named by the check that must refuse it, as the faults of evidence are
 * (simulate.h). */
#ifndef ASSAY_SIMULATE_SERVICE_H
#define ASSAY_SIMULATE_SERVICE_H

#include "simulate/simulate.h"

enum simulate_host {
    SIMULATE_HOST_SGX,
    SIMULATE_HOST_SGX_EVIDENCE,
    SIMULATE_HOST_TDX,
    SIMULATE_HOST_SNP,
    SIMULATE_HOSTS
};

struct simulate_service_options {
    enum simulate_host host;
    const char *fault; /* by name, or NULL */
    int64_t time;      /* the middle of all validity; 0: 2026-01-01 */
    uint64_t seed;     /* of all keys, which are never random: they sign nothing that is of worth */
    bool plain_json;   /* SNP: the JSON stands in its extension without a UTF8String round it */
    bool wrapped;      /* SGX: the quote stands in the extension of 2020, in an OCTET STRING */
};

#define SIMULATED_SERVICE "https://tenant.simulated.example"

struct simulated_service {
    struct simulate_service_options options;
    struct simulated hardware; /* the evidence's platform: endorsements, anchor, settings */
    struct bytes certificate;  /* DER */
    struct bytes jwks, token;
    struct bytes list;        /* of measurements, signed */
    struct bytes release_key; /* PEM of whoever signed it */
};

/* FAULT_USAGE for a fault that does not exist, FAULT_CRYPTO when libcrypto fails. */
bool simulate_service(struct arena *a, const struct simulate_service_options *options, struct simulated_service *out,
                      struct fault *fault);

struct simulate_service_fault {
    const char *name; /* "trust.certificate.dates", "trust.certificate.dates:early" */
    unsigned hosts;   /* bit set of enum simulate_host: where it can be */
    const char *wrong;
};
const struct simulate_service_fault *simulate_service_fault_at(size_t i); /* NULL past the end */
enum check_id simulate_service_fault_check(const struct simulate_service_fault *fault);

#endif
