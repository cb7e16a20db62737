/* What each kind of simulated evidence is made and judged by: one row in kinds.c. For the files of this module alone. */
#ifndef ASSAY_SIMULATE_KINDS_H
#define ASSAY_SIMULATE_KINDS_H

#include "simulate/simulate.h"

struct simulated_kind {
    const char *word;   /* on the command line; several kinds may share one */
    const char *family; /* "SGX": whose platform it is, for people */
    const char *what;   /* "a quote" */
    const char *file;   /* in which simulate_write puts it */
    const struct attester *attester;
    const char *const *variations; /* names, then NULL */
    /* The options are the caller's, but for the time, which is given, and the fault, which exists and is of this kind. */
    bool (*make)(struct arena *a, const struct simulate_fault *wanted, struct simulated *out, struct fault *fault);
    bool (*decode)(const struct simulated *s, struct exam *x);
};
extern const struct simulated_kind simulated_kinds[SIMULATE_KINDS];

enum {
    SIMULATED_SEED_SIZE = 32,
    SIMULATED_ID_KEY_BYTE = 0x1d, /* of which ID_KEY_DIGEST consists */
    SIMULATED_MRTD_BYTE = 0xd0,
};
/* From the number that an option named, or for 0 from the system's random numbers. */
bool simulated_seed(uint64_t number, uint8_t seed[SIMULATED_SEED_SIZE], struct fault *fault);
/* anchor_spki of the anchor. */
bool simulated_anchor(struct arena *a, struct simulated *s, struct fault *fault);

bool simulate_snp(struct arena *a, const struct simulate_fault *wanted, struct simulated *out, struct fault *fault);
bool simulate_tpm(struct arena *a, const struct simulate_fault *wanted, struct simulated *out, struct fault *fault);
bool simulate_attestation_request(struct arena *a, const struct simulate_fault *wanted, struct simulated *out,
                                  struct fault *fault);
bool simulate_azure_guest(struct arena *a, const struct simulate_fault *wanted, struct simulated *out,
                          struct fault *fault);
bool simulate_intel(struct arena *a, const struct simulate_fault *wanted, struct simulated *out, struct fault *fault);

/* Tables of faults; the last row has no name. */
extern const struct simulate_fault intel_faults[], snp_faults[], tpm_faults[], certify_faults[], request_faults[],
    guest_faults[];
extern const char *const intel_variations[],
    *const snp_variations[], *const tpm_variations[], *const request_variations[], *const guest_variations[];

#endif
