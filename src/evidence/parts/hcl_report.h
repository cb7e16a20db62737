/* The report of Azure's paravisor (HCL): a hardware report and the runtime claims that it binds, the key of the virtual TPM among
 * them (snp-cvm.md 3.2, 3.3). */
#ifndef ASSAY_EVIDENCE_PARTS_HCL_REPORT_H
#define ASSAY_EVIDENCE_PARTS_HCL_REPORT_H

#include "endorsement/exam.h"

enum {
    HCL_MAGIC = 0x414c4348, /* "HCLA" */
    HCL_HARDWARE_AT = 32,
    HCL_HARDWARE_SIZE = 1184,
    HCL_CLAIMS_AT = 1236,
    TD_MAC_REPORT_SIZE = 1024, /* TDREPORT, as the TDX module wrote it */
    TD_MAC_REPORT_DATA_AT = 128,
    HCL_REPORT_DATA_SIZE = 64,
};
enum hcl_request { HCL_KEY_RELEASE = 1, HCL_AK_CERT = 2, HCL_WRAPPED_KEY = 3 };
enum hcl_type { HCL_VBS = 1, HCL_SNP = 2, HCL_TVM = 3, HCL_TDX = 4, HCL_CCA = 5 };
const char *hcl_type_name(uint32_t type); /* "snp"; "unknown" */
const char *hcl_request_name(uint32_t type);

/* Runtime claims, exactly as they are bound. */
struct hcl_claims {
    struct bytes bytes;
    const struct json *json;
    const struct json *vm;                          /* vm-configuration; NULL: none */
    struct public_key attestation_key, storage_key; /* HCLAkPub, HCLEkPub; kind KEY_NONE: not among them */
    struct bytes vm_id;                             /* vmUniqueId of vm; empty: none */
    struct bytes user_data;                         /* hexadecimal of either letter case; empty: none */
};
/* JSON with a list of keys of which each kid is there once, and those of the paravisor are RSA. */
bool hcl_claims_read(struct arena *a, struct bytes text, struct hcl_claims *out, struct fault *fault);

struct hcl_report {
    uint32_t version, size, request, status;
    struct bytes hardware; /* HCL_HARDWARE_SIZE */
    uint32_t data_version, type, hash_type;
    struct bytes claims;
    struct bytes tail; /* behind it: zeros of the NV index */
};
/* The blob of NV index 0x01400001. False for sizes that disagree with each other or with the bytes that are there, for versions
 * and hashes that are not known, and for a tail that is no padding. What was read before is filled. */
bool hcl_report_read(struct bytes text, struct hcl_report *out, struct fault *fault);
/* Report data of an SNP report, or of a TDREPORT; empty for other types. */
struct bytes hcl_report_data(const struct hcl_report *r);

/* Rows of checks.def that hcl_claims_decode and hcl_claims_bound state. */
#define HCL_CHECKS CHECK_HCL_CLAIMS, CHECK_HCL_BINDING, CHECK_HCL_TAIL
bool hcl_claims_decode(struct exam *x, struct bytes text, struct hcl_claims *out);
/* The hash of the claims is the report data of hardware that is verified, and zeros are behind it. */
bool hcl_claims_bound(struct exam *x, const struct hcl_claims *c, struct bytes report_data);

#endif
