/* Reports of VBS enclaves (ntenclv.h; tpm-vbs.md 4.1): what an enclave of Windows is and says, signed by the identity key that
 * the boot loader made and measured (VSM_IDKS_INFO). */
#ifndef ASSAY_EVIDENCE_PARTS_VBS_REPORT_H
#define ASSAY_EVIDENCE_PARTS_VBS_REPORT_H

#include "endorsement/exam.h"

/* Module blocks are bounded by LIMIT_VBS_MODULES; of others nothing is kept. */
struct vbs_module {
    struct bytes unique_id, author_id, family_id, image_id, name; /* name: UTF-16LE, with its NUL */
    uint32_t svn;
};
enum vbs_enclave_flag { VBS_FULL_DEBUG = 1, VBS_DYNAMIC_DEBUG = 2, VBS_DYNAMIC_DEBUG_ACTIVE = 4 };

struct vbs_report {
    uint32_t scheme; /* 1: RSA-PSS with SHA-256 */
    struct bytes statement, signature;
    struct bytes enclave_data;                                        /* 64 bytes of the caller */
    struct bytes owner_id, unique_id, author_id, family_id, image_id; /* 32, 32, 32, 16, 16 */
    uint32_t enclave_svn, secure_kernel_svn, platform_svn, flags, signing_level, enclave_type;
    const struct vbs_module *modules;
    size_t module_count;
};
/* False with a fault: it is not exactly of this form. */
bool vbs_report_read(struct arena *a, struct bytes text, struct vbs_report *out, struct fault *fault);

#define VBS_CHECKS CHECK_VBS_REPORT_SHAPE, CHECK_VBS_IDENTITY_KEY, CHECK_VBS_SIGNATURE, CHECK_VBS_ENCLAVE_DATA
/* States VBS_REPORT_SHAPE. */
bool vbs_report_decode(struct exam *x, struct bytes text, struct vbs_report *out);
/* The other rows: the key was measured (kind KEY_NONE: it was not), it signed the report, and the enclave's data are the SHA-512 of
 * `said`. Windows may write the signature's numbers little endian (tpm-vbs.md 4.1): tried second. */
bool vbs_report_verify(struct exam *x, const struct vbs_report *r, const struct public_key *identity,
                       struct bytes said);
/* The same rows where there is no report. */
void vbs_report_skip(struct exam *x, const char *why);
/* enclaveAuthorId and so on (tpm-vbs.md 4.3). */
void vbs_report_claims(struct exam *x, const struct vbs_report *r);

#endif
