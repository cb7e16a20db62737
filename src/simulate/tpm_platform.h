/* The simulated machine with a TPM while it is made; for the files of this module alone. */
#ifndef ASSAY_SIMULATE_TPM_PLATFORM_H
#define ASSAY_SIMULATE_TPM_PLATFORM_H

#include "simulate/authority.h"
#include "simulate/tpm.h"

/* All on P-256: no request waits for the making of such keys. */
enum aik_key { AIK_KEY_ROOT, AIK_KEY_STRANGE_ROOT, AIK_KEY_AUTHORITY, AIK_KEY_FORGER, AIK_KEY_TOTAL };

enum { TPM_DAY = 86400, TPM_YEAR = 365 * TPM_DAY, SHA256_BANK = 1, ALL_PCRS = 0xffffff };

struct tpm_platform {
    struct arena *arena;
    const struct simulate_options *options;
    int64_t now;
    uint8_t seed[32];
    EVP_PKEY *key[AIK_KEY_TOTAL];
    EVP_PKEY *idks; /* signs reports of enclaves; NULL before it is asked for */
    struct simulated_tpm tpm;
    bool windows;
    bool without_list;      /* nothing can carry IMA's list, so there is none */
    bool enclave;           /* the log names the key that signs reports of enclaves */
    struct bytes log, list; /* of the boot; IMA's, empty on Windows */
    struct bytes leaf;      /* DER of the AK's certificate */
    struct fault *fault;
    bool failed; /* the fault tells */
};

/* With a TPM that is open, and the AK made. False: the fault tells; close it nevertheless. */
bool tpm_platform_open(struct tpm_platform *p, struct arena *a, struct simulated *s, struct fault *fault);
void tpm_platform_close(struct tpm_platform *p);
/* A boot from reset: the logs. */
bool tpm_platform_boot(struct tpm_platform *p);
/* Certificates of the AK: p->leaf, and in `s` the anchor and what does not travel with evidence. */
bool tpm_platform_certify(struct tpm_platform *p, struct simulated *s);

/* Options that say nothing get what the fault needs, or the usual; false where they do not go together. */
bool tpm_complete(struct simulate_options *o, const struct simulate_fault *f, struct fault *fault);

bool tpm_platform_fault(const struct tpm_platform *p, const char *name);
bool tpm_platform_varies(const struct tpm_platform *p, const char *variation);
/* Remembers that something went wrong; false. */
bool tpm_platform_fail(struct tpm_platform *p, const char *what);

/* The key that signs reports of VBS enclaves; NULL when it failed. */
EVP_PKEY *tpm_platform_idks(struct tpm_platform *p);

/* Quoted: what the variation says, else all registers of SHA-256. */
struct simulated_selection tpm_platform_selection(const struct tpm_platform *p);
/* {"logs",…,"quote","signature"} of tpm-vbs.md 1.4, quoted now. */
bool tpm_attestation(struct tpm_platform *p, struct bytes nonce, struct bytes *json);
/* "name":"<base64url>" */
void wr_encoded(struct writer *w, const char *name, struct bytes data);

#endif
