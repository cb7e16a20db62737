/* Policies and certificates as JWS, for managing a provider: well-formed, or with any one fault, named by the check that
 * must refuse it, as the faults of evidence are (simulate.h). */
#ifndef ASSAY_SIMULATE_UPLOAD_H
#define ASSAY_SIMULATE_UPLOAD_H

#include "base/check.h"
#include "base/fault.h"

enum simulate_operation {
    SIMULATE_POLICY,
    SIMULATE_RESET,
    SIMULATE_CERTIFICATE,
    SIMULATE_PUT_IN_FORCE, /* 2018-09-01-preview: the body is a token of the provider's over a policy that waits */
};
#define SIMULATE_ISSUER "https://tenant.example" /* the provider of such a token */
enum simulate_signer { SIMULATE_CHAIN, SIMULATE_SELF_SIGNED, SIMULATE_JWK, SIMULATE_UNSIGNED };

struct simulate_upload_options {
    enum simulate_operation operation;
    enum simulate_signer signer;
    bool isolated;     /* the trust model: the chain's root, or the self-signed certificate, is registered */
    const char *fault; /* by name, or NULL; it brings its own operation, signer and trust model */
    int64_t time;      /* the middle of all validity; 0: 2026-01-01 */
    uint64_t seed;     /* of all keys, never random: these sign nothing that is of worth */
};

struct simulated_upload {
    struct simulate_upload_options options;
    struct bytes jws;    /* the body, as a bare compact JWS */
    struct bytes signer; /* PEM of the registered certificate; empty where none is */
    /* SIMULATE_PUT_IN_FORCE alone: */
    struct bytes pending; /* the policy that waits, as it was uploaded; empty: none */
    struct bytes service; /* DER of the certificate of the provider's own key */
};

/* FAULT_USAGE for a fault that does not exist, FAULT_CRYPTO when libcrypto fails. */
bool simulate_upload(struct arena *a, const struct simulate_upload_options *options, struct simulated_upload *out,
                     struct fault *fault);

struct simulate_upload_fault {
    const char *name; /* "upload.dates", "upload.dates:early" */
    enum simulate_operation operation;
    enum simulate_signer signer;
    bool isolated;
    const char *wrong; /* what is wrong, for people */
};
const struct simulate_upload_fault *simulate_upload_fault_at(size_t i); /* NULL past the end */
enum check_id simulate_upload_fault_check(const struct simulate_upload_fault *fault);

#endif
