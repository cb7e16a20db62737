#include "evidence/parts/quote.h"

#include "evidence/parts/td_report.h"

void quote_read_header(struct reader *r, struct quote *out)
{
    out->version = rd_u16le(r);
    out->key_type = rd_u16le(r);
    out->tee = rd_u32le(r);
    out->qe_svn = rd_u16le(r);
    out->pce_svn = rd_u16le(r);
    out->vendor = rd_take(r, 16);
    out->user_data = rd_take(r, 20);
}

static size_t size_of(enum quote_body type)
{
    switch (type) {
    case QUOTE_BODY_SGX: return SGX_REPORT_SIZE;
    case QUOTE_BODY_TD10: return TD_REPORT_10_SIZE;
    case QUOTE_BODY_TD15: return TD_REPORT_15_SIZE;
    case QUOTE_BODY_TD15EX: return TD_REPORT_15EX_SIZE;
    default: return 0;
    }
}

/* The body's type and size; false for one that is not known or does not fit the TEE. */
static bool read_body(struct reader *r, struct quote *out)
{
    uint32_t size = 0;

    if (out->version == 5) {
        uint16_t type = rd_u16le(r);

        size = rd_u32le(r);
        out->body_type = type >= QUOTE_BODY_SGX && type <= QUOTE_BODY_TD15EX ? (enum quote_body)type : QUOTE_BODY_NONE;
    } else {
        out->body_type = out->tee == QUOTE_TEE_SGX ? QUOTE_BODY_SGX
                         : out->version == 4       ? QUOTE_BODY_TD10
                                                   : QUOTE_BODY_NONE;
    }
    bool sgx = out->body_type == QUOTE_BODY_SGX;
    if (out->body_type == QUOTE_BODY_NONE || sgx != (out->tee == QUOTE_TEE_SGX))
        return false;
    if (out->version == 5 && size != size_of(out->body_type))
        return false;
    out->body = rd_take(r, size_of(out->body_type));
    return rd_ok(r);
}

/* QE report, its signature, auth data, certification data: the same in all versions, up to the end of r. */
static bool read_qe(struct reader *r, struct quote *out)
{
    out->qe_report_bytes = rd_take(r, SGX_REPORT_SIZE);
    struct reader report = rd_open(out->qe_report_bytes);
    sgx_report_read(&report, &out->qe_report);
    out->qe_signature = rd_take(r, 64);
    out->qe_auth_data = rd_take(r, rd_u16le(r));
    out->certification_type = rd_u16le(r);
    out->certification = rd_take(r, rd_u32le(r));
    return rd_end(r);
}

static bool read_signature_data(struct bytes data, struct quote *out)
{
    struct reader r = rd_open(data);

    out->signature = rd_take(&r, 64);
    out->attestation_key = rd_take(&r, 64);
    if (out->version == 3)
        return read_qe(&r, out);
    uint16_t outer = rd_u16le(&r);
    struct bytes wrapped = rd_take(&r, rd_u32le(&r));
    struct reader inner = rd_open(wrapped);
    return rd_end(&r) && outer == QUOTE_CERT_QE && read_qe(&inner, out);
}

bool quote_read(struct bytes bytes, struct quote *out)
{
    struct reader r = rd_open(bytes);

    *out = (struct quote){0};
    quote_read_header(&r, out);
    if (!rd_ok(&r) || out->version < 3 || out->version > 5 || !read_body(&r, out))
        return false;
    out->signed_part = bytes_first(bytes, bytes.n - rd_left(&r));
    struct bytes data = rd_take(&r, rd_u32le(&r));
    out->tail = rd_rest(&r);
    return rd_ok(&r) && read_signature_data(data, out);
}

const char *quote_certification_name(uint16_t type)
{
    static const char *const names[] = {
        [1] = "plain PPID",
        [2] = "PPID encrypted with RSA-2048",
        [3] = "PPID encrypted with RSA-3072",
        [4] = "PCK certificate alone",
        [5] = "PCK certificate chain",
        [6] = "QE report certification data",
        [7] = "platform manifest",
    };

    return type >= 1 && type < sizeof names / sizeof *names ? names[type] : "unknown";
}
