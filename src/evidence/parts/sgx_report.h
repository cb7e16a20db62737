/* The body of an SGX report: an enclave's identity as the CPU states it (sgx-tdx.md 2). */
#ifndef ASSAY_EVIDENCE_PARTS_SGX_REPORT_H
#define ASSAY_EVIDENCE_PARTS_SGX_REPORT_H

#include "base/bytes.h"

enum { SGX_REPORT_SIZE = 384 };

enum sgx_flags { SGX_FLAG_DEBUG = 0x02, SGX_FLAG_MODE64BIT = 0x04, SGX_FLAG_PROVISION_KEY = 0x10, SGX_FLAG_KSS = 0x80 };

struct sgx_report {
    struct bytes cpu_svn;            /* raw; never used for TCB matching */
    struct bytes miscselect;         /* 4 bytes, as they lie */
    struct bytes isv_ext_product_id; /* 16, KSS */
    struct bytes attributes;         /* flags (8) and XFRM (8) */
    uint64_t flags;
    struct bytes mrenclave, mrsigner; /* 32 */
    struct bytes config_id;           /* 64, KSS */
    uint16_t isv_prod_id, isv_svn, config_svn;
    struct bytes isv_family_id; /* 16, KSS */
    struct bytes report_data;   /* 64 */
};

/* Reads SGX_REPORT_SIZE bytes; on a short read the reader fails. */
void sgx_report_read(struct reader *r, struct sgx_report *out);

#endif
