/* The body of a TD report: a trust domain's identity as the TDX module states it (sgx-tdx.md 3). Decoding only. */
#ifndef ASSAY_EVIDENCE_PARTS_TD_REPORT_H
#define ASSAY_EVIDENCE_PARTS_TD_REPORT_H

#include "base/bytes.h"

/* Of TDX 1.0, 1.5, and the longest form, which no published sample has. */
enum { TD_REPORT_10_SIZE = 584, TD_REPORT_15_SIZE = 648, TD_REPORT_15EX_SIZE = 885, TD_RTMR_COUNT = 4 };

/* Bits of td_attributes (sgx-tdx.md 3.4). */
enum td_attribute { TD_DEBUG = 0, TD_SEPT_VE_DISABLE = 28, TD_PKS = 30, TD_KEY_LOCKER = 31, TD_PERFMON = 63 };

struct td_report {
    struct bytes tee_tcb_svn;               /* 16: what the TD was started under */
    struct bytes mrseam, mrsignerseam;      /* 48: the TDX module, and who signed it (zero: Intel) */
    struct bytes seam_attributes;           /* 8, as the following, as they lie */
    struct bytes td_attributes_bytes, xfam; /* 8 */
    uint64_t td_attributes;
    struct bytes mrtd, mrconfigid, mrowner, mrownerconfig; /* 48 */
    struct bytes rtmr[TD_RTMR_COUNT];                      /* 48 */
    struct bytes report_data;                              /* 64 */
    /* Of 1.5; empty before. */
    struct bytes current_tcb_svn; /* 16, TEE_TCB_SVN_2: what is loaded now */
    struct bytes mrservicetd;     /* 48 */
    /* Of the longest form; zero and empty in the others. */
    uint8_t vm_id; /* 0: the trust domain itself, else a virtual machine inside it */
    struct bytes td_id, devinfo, init_service_td_hash, init_service_td_attributes, init_cpu_svn, init_tee_tcb_svn,
        init_fmspc, current_service_td_hash, current_service_td_attributes;
};

/* Reads one whole body of 584, 648 or 885 bytes; false for any other length. */
bool td_report_read(struct bytes body, struct td_report *out);
bool td_report_has(const struct td_report *r, enum td_attribute bit);
/* Has it any attribute of the group that opens a trust domain to its host, for debugging or profiling? */
bool td_report_under_test(const struct td_report *r);

#endif
