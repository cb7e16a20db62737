/* Quotes of the platform: versions 3, 4 and 5, every type of certification data. */
#include "simulate/platform.h"

enum { QE_AUTH_SIZE = 32 };

/* What differs between the enclave and the quoting enclave. */
struct report_fields {
    uint8_t miscselect, mrsigner, mrenclave;
    uint64_t flags;
    uint16_t isv_prod_id, isv_svn;
    struct bytes report_data, config_id;
};

static void fill(struct writer *w, uint8_t byte, size_t n)
{
    for (size_t i = 0; i < n; i++)
        wr_u8(w, byte);
}

static void field(struct writer *w, struct bytes b, size_t n)
{
    wr_put(w, bytes_first(b, n));
    fill(w, 0, b.n < n ? n - b.n : 0);
}

static struct bytes report(struct arena *a, const struct report_fields *f)
{
    struct writer w = wr_open(a);
    bool kss = f->flags & SGX_FLAG_KSS;

    fill(&w, PLATFORM_SVN, 16);
    wr_u8(&w, f->miscselect);
    fill(&w, 0, 3 + 12);
    fill(&w, kss ? 0xe1 : 0, 16);
    wr_u64le(&w, f->flags);
    wr_u64le(&w, 7); /* XFRM: x87, SSE, AVX */
    fill(&w, f->mrenclave, 32);
    fill(&w, 0, 32);
    fill(&w, f->mrsigner, 32);
    fill(&w, 0, 32);
    field(&w, f->config_id, 64);
    wr_u16le(&w, f->isv_prod_id);
    wr_u16le(&w, f->isv_svn);
    wr_u16le(&w, kss ? 5 : 0);
    fill(&w, 0, 42);
    fill(&w, kss ? 0xfa : 0, 16);
    field(&w, f->report_data, 64);
    return wr_done(&w);
}

static struct bytes header_and_body(struct platform *p, struct bytes report_data, struct bytes config_id)
{
    static const uint8_t vendor[] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                     0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
    const struct simulate_options *o = p->options;
    struct report_fields enclave = {.mrsigner = 0x51,
                                    .mrenclave = 0xec,
                                    .isv_prod_id = 1,
                                    .isv_svn = 2,
                                    .report_data = report_data,
                                    .config_id = config_id};
    struct writer w = wr_open(p->arena);

    enclave.flags = 0x05u | (o->debug ? SGX_FLAG_DEBUG : 0u) | (o->kss ? SGX_FLAG_KSS : 0u);
    wr_u16le(&w, (uint16_t)o->version);
    wr_u16le(&w, 2); /* ECDSA-256 with P-256 */
    wr_u32le(&w, 0); /* SGX */
    wr_u16le(&w, o->version == 3 ? QE_SVN : 0);
    wr_u16le(&w, o->version == 3 ? PLATFORM_PCESVN : 0);
    if (platform_fault(p, "sgx.quote.vendor"))
        fill(&w, 0xee, sizeof vendor);
    else
        wr_put(&w, BYTES_OF(vendor));
    fill(&w, 0x1d, 16);
    fill(&w, 0, 4);
    if (o->version == 5) {
        wr_u16le(&w, 1); /* SGX report */
        wr_u32le(&w, SGX_REPORT_SIZE);
    }
    wr_put(&w, report(p->arena, &enclave));
    return wr_done(&w);
}

static struct bytes qe_report(struct platform *p, struct bytes attestation_key, struct bytes auth)
{
    struct bytes vouched[] = {attestation_key, auth};
    struct report_fields qe = {.flags = 0x11, .isv_prod_id = QE_PRODUCT, .isv_svn = QE_SVN, .mrenclave = 0x9e};
    uint8_t binding[SHA256_SIZE];

    digest_parts(DIGEST_SHA256, vouched, 2, binding);
    binding[0] ^= platform_fault(p, "sgx.qe.binding");
    qe.report_data = BYTES_OF(binding);
    qe.miscselect = platform_fault(p, "sgx.qe.miscselect");
    qe.mrsigner = platform_fault(p, "sgx.qe.signer") ? 0x77 : 0;
    qe.isv_prod_id = (uint16_t)(QE_PRODUCT + platform_fault(p, "sgx.qe.product"));
    qe.flags |= (platform_fault(p, "sgx.qe.debug") ? SGX_FLAG_DEBUG : 0u) |
                (platform_fault(p, "sgx.qe.attributes") ? 0x20u : 0u);
    return report(p->arena, &qe);
}

static void certification(struct platform *p, struct writer *w)
{
    static const size_t sizes[] = {[1] = 36, [2] = 276, [3] = 404, [7] = 64};
    unsigned type = p->options->certification;
    bool chain = type == 4 || type == 5;
    struct bytes pem = chain ? platform_pck_chain(p) : BYTES_NONE;

    wr_u16le(w, (uint16_t)type);
    wr_u32le(w, (uint32_t)(chain ? pem.n + 1 : type < sizeof sizes / sizeof *sizes ? sizes[type] : 0));
    wr_put(w, pem);
    fill(w, 0, chain ? 1 : type < sizeof sizes / sizeof *sizes ? sizes[type] : 0);
}

struct bytes platform_quote(struct platform *p, struct bytes report_data, struct bytes config_id)
{
    struct bytes signed_part = header_and_body(p, report_data, config_id),
                 key = authority_point(p->arena, p->key[KEY_ATTESTATION]);
    struct writer qe = wr_open(p->arena), data = wr_open(p->arena), w = wr_open(p->arena);
    uint8_t auth[QE_AUTH_SIZE], off_curve[64];
    enum simulated_key signer = platform_fault(p, "sgx.quote.signature") ? KEY_FORGER : KEY_ATTESTATION;

    for (uint8_t i = 0; i < QE_AUTH_SIZE; i++)
        auth[i] = i;
    memset(off_curve, 0x11, sizeof off_curve);
    if (platform_fault(p, "sgx.quote.key"))
        key = BYTES_OF(off_curve);
    struct bytes r = qe_report(p, key, BYTES_OF(auth));
    wr_put(&qe, r);
    wr_put(&qe, authority_sign(p->arena, p->key[platform_fault(p, "sgx.qe.signature") ? KEY_FORGER : KEY_PLATFORM], r));
    wr_u16le(&qe, QE_AUTH_SIZE);
    wr_put(&qe, BYTES_OF(auth));
    certification(p, &qe);

    wr_put(&data, authority_sign(p->arena, p->key[signer], signed_part));
    wr_put(&data, key);
    if (p->options->version != 3) {
        wr_u16le(&data, 6); /* QE report certification data */
        wr_u32le(&data, (uint32_t)wr_done(&qe).n);
    }
    wr_put(&data, wr_done(&qe));
    wr_put(&w, signed_part);
    wr_u32le(&w, (uint32_t)wr_done(&data).n);
    wr_put(&w, wr_done(&data));
    return wr_done(&w);
}
