/* Structures of TPM 2.0 that come with evidence, unmarshalled by libtss2-mu: public areas, signatures, and what a TPM attests
 * (TCG TPM 2.0 Library, part 2; tpm-vbs.md 2.2). Views point into the text that was read, or into the arena. */
#ifndef ASSAY_EVIDENCE_PARTS_TPM_H
#define ASSAY_EVIDENCE_PARTS_TPM_H

#include "base/fault.h"
#include "crypto/verify.h"

enum { TPM_PCRS = 24, TPM_BANKS = 8 /* that one quote can select from */ };

/* TPMA_OBJECT (tpm-vbs.md 1.8). */
enum tpm_attribute {
    TPM_FIXED_TPM = 1 << 1,
    TPM_FIXED_PARENT = 1 << 4,
    TPM_SENSITIVE_DATA_ORIGIN = 1 << 5,
    TPM_USER_WITH_AUTH = 1 << 6,
    TPM_NO_DA = 1 << 10,
    TPM_RESTRICTED = 1 << 16,
    TPM_DECRYPT = 1 << 17,
    TPM_SIGN = 1 << 18,
};

/* A public area. */
struct tpm_public {
    struct bytes bytes; /* TPMT_PUBLIC as it stood: what its name is made of */
    uint16_t type, name_alg;
    uint32_t attributes;
    struct bytes auth_policy;
    uint16_t scheme, scheme_hash, symmetric; /* TPM_ALG_NULL: 0x0010 */
    uint16_t symmetric_bits, symmetric_mode; /* 0 with TPM_ALG_NULL */
    struct bytes name;                       /* name_alg || digest; empty: an algorithm that is not known here */
    struct public_key key;                   /* kind KEY_NONE: of a kind or size that is not accepted */
};
/* TPMT_PUBLIC, or TPM2B_PUBLIC, which has its size before it; nothing behind. */
bool tpm_public_read(struct arena *a, struct bytes text, struct tpm_public *out, struct fault *fault);
/* The same from the beginning of `text`, with what follows it: clients append names (snp-cvm.md 3.4). */
bool tpm_public_read_first(struct arena *a, struct bytes text, struct tpm_public *out, struct bytes *rest,
                           struct fault *fault);

/* What a key must be for its signatures to attest: of this TPM for good, and signing only what the TPM itself has made
 * (restricted), so that the magic of a TPMS_ATTEST is worth something. */
bool tpm_public_attests(const struct tpm_public *p);

/* TPMT_SIGNATURE: RSASSA, RSAPSS or ECDSA with a digest that is known here; others are refused. */
struct tpm_signature {
    uint16_t alg; /* TPM_ALG_ID: 0x0014, 0x0016, 0x0018 */
    enum digest_alg hash;
    struct bytes value; /* RSA; of ECDSA r || s, of one length */
};
bool tpm_signature_read(struct arena *a, struct bytes text, struct tpm_signature *out, struct fault *fault);
/* A bare RSASSA signature with SHA-256, as AzureGuest sends it (snp-cvm.md 3.4). */
struct tpm_signature tpm_signature_rsassa(struct bytes value);
/* PSS with a salt of any length (tpm-vbs.md 2.2). False too where key and scheme do not go together. */
bool tpm_signature_verify(const struct tpm_signature *s, const struct public_key *key, struct bytes message);

/* Registers that were selected, by bank. */
struct tpm_selection {
    struct {
        uint16_t id;   /* TPM_ALG_ID */
        uint32_t mask; /* bit n: PCR n */
    } banks[TPM_BANKS];
    size_t count;
};
bool tpm_selection_twice(const struct tpm_selection *s); /* a register of a bank stands in it twice */

enum tpm_attest_type { TPM_ATTEST_CERTIFY = 0x8017, TPM_ATTEST_QUOTE = 0x8018 };

/* TPMS_ATTEST. Others than these two types are read without their last part. */
struct tpm_attest {
    struct bytes bytes; /* what is signed */
    uint32_t magic;     /* TPM_GENERATED: 0xff544347, whatever else was read */
    uint16_t type;
    struct bytes signer, extra_data; /* qualified name; what the caller of the TPM gave */
    uint64_t clock;                  /* milliseconds */
    uint32_t reset_count, restart_count;
    bool safe;
    uint64_t firmware_version;
    struct tpm_selection selection;    /* QUOTE */
    struct bytes pcr_digest;           /* QUOTE */
    struct bytes name, qualified_name; /* CERTIFY: of the certified object */
};
enum { TPM_GENERATED = 0xff544347u };
bool tpm_attest_read(struct arena *a, struct bytes text, struct tpm_attest *out, struct fault *fault);

/* Values of registers, as somebody gave them: worth nothing until a quote's digest covers them. */
struct tpm_pcrs {
    struct {
        uint16_t id;
        bool known; /* alg is set */
        enum digest_alg alg;
        struct bytes value[TPM_PCRS]; /* empty: not given */
    } banks[TPM_BANKS];
    size_t count;
};
/* The value of that register in the bank of that TPM_ALG_ID; empty where it was not given. */
struct bytes tpm_pcrs_value(const struct tpm_pcrs *pcrs, uint16_t id, unsigned index);
/* Digest, by `hash`, of the values in the order of the selection; false where one is not given, or has not its bank's size. */
bool tpm_pcrs_digest(const struct tpm_pcrs *pcrs, const struct tpm_selection *selection, enum digest_alg hash,
                     uint8_t out[DIGEST_MAX]);
/* Bytes of a digest by TPM_ALG_ID, of SM3 and SHA-3 too; 0: unknown. */
size_t tpm_alg_size(uint16_t id);
/* Digest algorithm and TPM_ALG_ID; false: one that is not known here. */
bool tpm_alg_digest(uint16_t id, enum digest_alg *out);
uint16_t tpm_digest_alg(enum digest_alg alg);

#endif
