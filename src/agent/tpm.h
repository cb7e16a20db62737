/* The TPM of this machine, through tpm2-tss: what a guest needs for evidence (TCG TPM 2.0 Library, part 3; snp-cvm.md 3.1, 3.4;
 * tpm-vbs.md 1.4). Keys that were made or loaded are flushed when the TPM is closed, so that it works without a resource manager
 * too. All authorisations are empty passwords, as Azure's vTPM and a TPM that nobody took ownership of have them.
 *
 * No function here prints. Views given out lie in the arena. */
#ifndef ASSAY_AGENT_TPM_H
#define ASSAY_AGENT_TPM_H

#include "base/fault.h"
#include "crypto/digest.h"

struct agent_tpm;

/* Where things lie in a vTPM of Azure (snp-cvm.md 3.1). */
enum { AGENT_NV_HCL_REPORT = 0x01400001, AGENT_NV_USER_DATA = 0x01400002, AGENT_NV_AK_CERTIFICATE = 0x01C101D0 };
#define AGENT_AK_HANDLE 0x81000003u

/* tcti: as tpm2-tools write it, "device:/dev/tpmrm0"; NULL: the first of /dev/tpmrm0 and /dev/tpm0 that is there. NULL with a fault
 * where no TPM answers. */
struct agent_tpm *agent_tpm_open(const char *tcti, struct fault *fault);
void agent_tpm_close(struct agent_tpm *t); /* NULL: nothing */
/* The TCTI of a device that is there, or NULL. */
const char *agent_tpm_device(void);

/* Content of an NV index, as owner, or by its own empty password. *out is empty where there is no such index. */
bool agent_tpm_nv(struct agent_tpm *t, uint32_t index, struct arena *a, struct bytes *out, struct fault *fault);
/* Writes such an index whole, as owner; it is defined where it is not there. */
bool agent_tpm_nv_write(struct agent_tpm *t, uint32_t index, struct bytes content, struct fault *fault);
/* Is there such an index, or persistent object? */
bool agent_tpm_has(struct agent_tpm *t, uint32_t handle);

struct agent_key {
    uint32_t object;         /* of the TPM's software stack */
    struct bytes public_2b;  /* TPM2B_PUBLIC */
    struct bytes public_t;   /* TPMT_PUBLIC, within it */
    bool is_rsa;             /* else a key over P-256 or P-384 */
    struct bytes modulus;    /* RSA; the exponent is 65537 */
    struct bytes x, y;       /* EC, as long as the curve's numbers */
    bool restricted_signing; /* fixed to this TPM too: fit for an attestation key */
};
/* The attestation key: the persistent one at `handle`; with 0 that of AGENT_AK_HANDLE where it is fit, else the primary key that
 * this TPM derives from the template of RSA-2048, RSASSA with SHA-256, under its endorsement hierarchy: always the same. */
bool agent_tpm_ak(struct agent_tpm *t, uint32_t handle, struct arena *a, struct agent_key *out, struct fault *fault);
/* An RSA-2048 key of the NULL hierarchy, gone with the next reset: one that signs and decrypts; or, with policy (a digest of
 * SHA-256), one that decrypts under that policy and no otherwise (snp-cvm.md 3.4). */
bool agent_tpm_request_key(struct agent_tpm *t, struct arena *a, struct agent_key *out, struct fault *fault);
bool agent_tpm_sealed_key(struct agent_tpm *t, struct bytes policy, struct arena *a, struct agent_key *out,
                          struct fault *fault);

enum { AGENT_PCRS = 24, AGENT_BANKS = 4 };
struct agent_bank {
    enum digest_alg alg;
    uint32_t mask; /* bit n: register n */
    uint8_t value[AGENT_PCRS][DIGEST_MAX];
};
uint16_t agent_bank_id(enum digest_alg alg); /* TPM_ALG_ID */
/* "0-7,11": false for another text, an empty list, a register that no TPM has. */
bool agent_pcrs_parse(struct bytes text, uint32_t *mask);
/* Which banks this TPM keeps, as a set of 1 << enum digest_alg. */
bool agent_tpm_banks(struct agent_tpm *t, unsigned *set, struct fault *fault);

/* A quote with the values that it covers: they are read anew where a register changed in between. */
struct agent_quote {
    struct agent_bank
        banks[AGENT_BANKS]; /* in the order of the quote; alg and mask are the caller's, the values are not */
    size_t count;
    struct bytes attest, signature; /* TPMS_ATTEST, TPMT_SIGNATURE */
    struct bytes raw_signature;     /* RSA: without its head */
};
bool agent_tpm_quote(struct agent_tpm *t, const struct agent_key *ak, struct bytes nonce, struct arena *a,
                     struct agent_quote *q, struct fault *fault);
/* Registers alone. */
bool agent_tpm_read_pcrs(struct agent_tpm *t, struct agent_bank *bank, struct fault *fault);

struct agent_certification {
    struct bytes attest, signature, raw_signature;
};
bool agent_tpm_certify(struct agent_tpm *t, const struct agent_key *key, const struct agent_key *ak, struct bytes nonce,
                       struct arena *a, struct agent_certification *out, struct fault *fault);
/* RSASSA-PSS with SHA-256 over the message. How long its salt is, is the TPM's choice: JOSE wants 32 bytes (RFC 7518 3.5), and the
 * caller must look. */
bool agent_tpm_sign_ps256(struct agent_tpm *t, const struct agent_key *key, struct bytes message, struct arena *a,
                          struct bytes *signature, struct fault *fault);
/* The digest of a policy that registers of one bank hold these values, and decryption (PKCS#1 v1.5) by a key under it. */
void agent_pcr_policy(const struct agent_bank *bank, uint8_t policy[SHA256_SIZE]);
bool agent_tpm_decrypt(struct agent_tpm *t, const struct agent_key *key, const struct agent_bank *bank,
                       struct bytes sealed, struct arena *a, struct bytes *plain, struct fault *fault);

#endif
