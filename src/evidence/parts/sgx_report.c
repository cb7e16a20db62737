#include "evidence/parts/sgx_report.h"

void sgx_report_read(struct reader *r, struct sgx_report *out)
{
    out->cpu_svn = rd_take(r, 16);
    out->miscselect = rd_take(r, 4);
    rd_skip(r, 12);
    out->isv_ext_product_id = rd_take(r, 16);
    out->attributes = rd_take(r, 16);
    out->mrenclave = rd_take(r, 32);
    rd_skip(r, 32);
    out->mrsigner = rd_take(r, 32);
    rd_skip(r, 32);
    out->config_id = rd_take(r, 64);
    out->isv_prod_id = rd_u16le(r);
    out->isv_svn = rd_u16le(r);
    out->config_svn = rd_u16le(r);
    rd_skip(r, 42);
    out->isv_family_id = rd_take(r, 16);
    out->report_data = rd_take(r, 64);

    struct reader flags = rd_open(out->attributes);
    out->flags = rd_u64le(&flags);
}
