/* SEV-SNP attestation reports, field by field (snp-cvm.md 1.1-1.5). Reading states nothing: what holds of a report is for checks. */
#ifndef ASSAY_EVIDENCE_PARTS_SNP_REPORT_H
#define ASSAY_EVIDENCE_PARTS_SNP_REPORT_H

#include "endorsement/amd/amd.h"

enum {
    SNP_REPORT_SIZE = 1184,
    SNP_REPORT_SIGNED = 0x2a0,
    SNP_REPORT_VERSION_LEAST = 2,
    SNP_REPORT_VERSION_MOST = 5,
    SNP_VERSION_CPUID = 3,      /* from which on a report names its processor */
    SNP_VERSION_MITIGATION = 5, /* and its mitigation vectors */
    SNP_ALGORITHM_P384 = 1,
    SNP_VMPL_MOST = 3,
};

/* Bits of POLICY. */
enum {
    SNP_POLICY_SMT = 16,
    SNP_POLICY_RESERVED_ONE = 17,
    SNP_POLICY_MIGRATION = 18,
    SNP_POLICY_DEBUG = 19,
    SNP_POLICY_SINGLE_SOCKET = 20,
    SNP_POLICY_CXL = 21,
    SNP_POLICY_AES_256_XTS = 22,
    SNP_POLICY_RAPL_DISABLED = 23,
    SNP_POLICY_CIPHERTEXT_HIDING = 24,
    SNP_POLICY_PAGE_SWAP_DISABLED = 25,
};

/* Bits 4:2 of the key word. */
enum snp_signing_key { SNP_KEY_VCEK = 0, SNP_KEY_VLEK = 1, SNP_KEY_NONE = 7 };

struct snp_firmware {
    uint8_t major, minor, build;
};

struct snp_report {
    struct bytes signed_part;
    uint32_t version, guest_svn, vmpl, algorithm, key_word;
    uint64_t policy, platform_info;
    struct bytes family_id, image_id, report_data, measurement, host_data;
    struct bytes id_key_digest, author_key_digest, report_id, report_id_ma, chip_id;
    struct bytes current_tcb, reported_tcb, committed_tcb, launch_tcb; /* 8 bytes: snp_tcb_read */
    uint8_t family, model, stepping;                                   /* zero before version 3 */
    struct snp_firmware current, committed;
    uint64_t launch_mitigation, current_mitigation; /* zero before version 5 */
    struct bytes signature;                         /* r || s, 48 bytes each, big endian */
    const char *reserved; /* what that must be zero, or one, is not; NULL: all is as it must be */
};

/* False when there are not SNP_REPORT_SIZE bytes; then the fields that were there are read. */
bool snp_report_read(struct arena *a, struct bytes b, struct snp_report *out);
static inline bool snp_policy_has(const struct snp_report *r, unsigned bit)
{
    return r->policy >> bit & 1;
}
enum snp_signing_key snp_report_key(const struct snp_report *r);
bool snp_report_key_masked(const struct snp_report *r);
bool snp_report_author_key(const struct snp_report *r); /* AUTHOR_KEY_DIGEST is meaningful */
/* The product that family and model belong to; false for those that are not known (Venice among them). */
bool snp_report_product(const struct snp_report *r, enum snp_product *out);

#endif
