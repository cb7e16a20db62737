/* What builders of evidence get from a TPM: registers, an attestation key, quotes, certifications, and keys that it holds. Behind
 * it stands either a TPM of our own, which also makes what no TPM would (tpm_software.c), or a real one. */
#ifndef ASSAY_SIMULATE_TPM_H
#define ASSAY_SIMULATE_TPM_H

#include <openssl/types.h>

#include "simulate/simulate.h"

enum { SIMULATED_PCRS = 24, SIMULATED_BANKS = 3 };
extern const enum digest_alg simulated_banks[SIMULATED_BANKS]; /* SHA-1, SHA-256, SHA-384 */

enum simulated_tpm_key {
    TPM_KEY_AK,        /* restricted: signs quotes and certifications */
    TPM_KEY_REQUEST,   /* RSA that signs what it is given */
    TPM_KEY_OTHER,     /* another of these */
    TPM_KEY_EPHEMERAL, /* RSA that decrypts, while the registers stand as its policy says */
    TPM_KEY_TOTAL
};

/* Registers by bank; bit n: PCR n. */
struct simulated_selection {
    uint32_t mask[SIMULATED_BANKS];
};

struct simulated_attest {
    struct bytes attest, signature; /* TPMS_ATTEST, TPMT_SIGNATURE */
};

struct simulated_tpm {
    const struct simulated_tpm_driver *driver;
    struct arena *arena; /* all that is handed out */
    const struct simulate_options *options;
    struct bytes seed;
    struct {
        struct bytes area; /* TPMT_PUBLIC; empty before the key is made */
        struct public_key key;
    } public[TPM_KEY_TOTAL];
    void *state; /* the driver's */
};

/* All but `close` return false where the TPM did not do it, with a fault once and for all in `fault`. */
struct simulated_tpm_driver {
    const char *name; /* for people: "of our own", "swtpm" */
    bool can_lie;     /* makes faults that a TPM would not */
    /* Registers as after a reset; no key yet. */
    bool (*open)(struct simulated_tpm *t, struct fault *fault);
    /* One digest for each bank, of the bank's size. */
    bool (*extend)(struct simulated_tpm *t, unsigned pcr, const struct bytes digests[SIMULATED_BANKS],
                   struct fault *fault);
    bool (*read)(struct simulated_tpm *t, int bank, unsigned pcr, struct bytes *value, struct fault *fault);
    /* Sets t->public[key]. The policy is for TPM_KEY_EPHEMERAL, else empty. */
    bool (*make_key)(struct simulated_tpm *t, enum simulated_tpm_key key, struct bytes policy, struct fault *fault);
    bool (*quote)(struct simulated_tpm *t, const struct simulated_selection *s, struct bytes extra_data,
                  struct simulated_attest *out, struct fault *fault);
    bool (*certify)(struct simulated_tpm *t, enum simulated_tpm_key key, struct bytes extra_data,
                    struct simulated_attest *out, struct fault *fault);
    /* PS256 with a salt of 32 bytes. */
    bool (*sign)(struct simulated_tpm *t, enum simulated_tpm_key key, struct bytes message, struct bytes *signature,
                 struct fault *fault);
    void (*close)(struct simulated_tpm *t);
};
extern const struct simulated_tpm_driver software_tpm;

/* Its driver: the one that the options name, or our own. */
bool simulated_tpm_open(struct simulated_tpm *t, struct arena *a, const struct simulate_options *options,
                        struct bytes seed, struct fault *fault);
/* {"kty":…} of a key that was made (RFC 7518 6). */
struct bytes simulated_tpm_jwk(struct simulated_tpm *t, enum simulated_tpm_key key);
/* For certificates. NULL when libcrypto failed. */
EVP_PKEY *simulated_public_key(struct arena *a, const struct public_key *key);
/* PolicyPCR over registers of the SHA-256 bank (snp-cvm.md 3.4). */
bool simulated_tpm_policy(struct simulated_tpm *t, uint32_t mask, struct bytes *policy, struct fault *fault);

#endif
