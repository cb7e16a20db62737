#include "evidence/parts/td_report.h"

enum { MR_SIZE = 48 };

static void read_15(struct reader *r, struct td_report *out)
{
    out->current_tcb_svn = rd_take(r, 16);
    out->mrservicetd = rd_take(r, MR_SIZE);
}

static void read_15ex(struct reader *r, struct td_report *out)
{
    out->vm_id = rd_u8(r);
    out->td_id = rd_take(r, 32);
    out->devinfo = rd_take(r, MR_SIZE);
    out->init_service_td_hash = rd_take(r, MR_SIZE);
    out->init_service_td_attributes = rd_take(r, 8);
    out->init_cpu_svn = rd_take(r, 16);
    out->init_tee_tcb_svn = rd_take(r, 16);
    out->init_fmspc = rd_take(r, 12);
    out->current_service_td_hash = rd_take(r, MR_SIZE);
    out->current_service_td_attributes = rd_take(r, 8);
}

bool td_report_read(struct bytes body, struct td_report *out)
{
    struct reader r = rd_open(body);

    *out = (struct td_report){0};
    out->tee_tcb_svn = rd_take(&r, 16);
    out->mrseam = rd_take(&r, MR_SIZE);
    out->mrsignerseam = rd_take(&r, MR_SIZE);
    out->seam_attributes = rd_take(&r, 8);
    out->td_attributes_bytes = rd_take(&r, 8);
    out->xfam = rd_take(&r, 8);
    out->mrtd = rd_take(&r, MR_SIZE);
    out->mrconfigid = rd_take(&r, MR_SIZE);
    out->mrowner = rd_take(&r, MR_SIZE);
    out->mrownerconfig = rd_take(&r, MR_SIZE);
    for (int i = 0; i < TD_RTMR_COUNT; i++)
        out->rtmr[i] = rd_take(&r, MR_SIZE);
    out->report_data = rd_take(&r, 64);
    if (body.n > TD_REPORT_10_SIZE)
        read_15(&r, out);
    if (body.n > TD_REPORT_15_SIZE)
        read_15ex(&r, out);
    struct reader attributes = rd_open(out->td_attributes_bytes);
    out->td_attributes = rd_u64le(&attributes);
    return rd_end(&r);
}

bool td_report_has(const struct td_report *r, enum td_attribute bit)
{
    return r->td_attributes >> bit & 1;
}

bool td_report_under_test(const struct td_report *r)
{
    enum { TD_UNDER_TEST = 0xff }; /* bits 0 to 7, DEBUG and those after it (sgx-tdx.md 3.4) */

    return (r->td_attributes & TD_UNDER_TEST) != 0;
}
