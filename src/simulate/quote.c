/* Quotes of the platform: versions 3, 4 and 5, every type of certification data (sgx-tdx.md 1, 2). */
#include "simulate/platform.h"

#include "base/text.h"

enum {
    HEADER_USER_DATA = 28,
    BODY_MRENCLAVE = 64,
    BODY_MRTD = 136,
    QE_CPU_SVN = 0,
    QE_AUTH_SIZE = 32,
    SIGNATURE_SIZE = 64
};

/* What differs between the enclave and the quoting enclave. */
struct report_fields {
    uint8_t miscselect, mrenclave;
    uint8_t mrsigner[SHA256_SIZE];
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
    wr_put(&w, BYTES_OF(f->mrsigner));
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

/* Version, type of the attestation key, TEE: what each fault says instead. */
static void head(const struct platform *p, struct writer *w)
{
    bool old = platform_fault(p, "sgx.quote.version"), epid = platform_fault(p, "sgx.quote.version:epid");
    unsigned version = old ? 2 : platform_fault(p, "sgx.quote.version:future") ? 6 : p->options->version;
    unsigned key_type = old || epid ? 1 : platform_fault(p, "sgx.quote.key_type") ? 3 : QUOTE_KEY_ECDSA_P256;

    wr_u16le(w, (uint16_t)version);
    wr_u16le(w, (uint16_t)key_type);
    wr_u32le(w, platform_is_tdx(p) != (platform_fault(p, "sgx.quote.tee") || platform_fault(p, "tdx.quote.tee"))
                    ? QUOTE_TEE_TDX
                    : QUOTE_TEE_SGX);
}

static struct bytes enclave_report(struct platform *p, struct bytes report_data, struct bytes config_id)
{
    const struct simulate_options *o = p->options;
    struct report_fields enclave = {
        .mrenclave = 0xec, .isv_prod_id = 1, .isv_svn = 2, .report_data = report_data, .config_id = config_id};

    memset(enclave.mrsigner, 0x51, sizeof enclave.mrsigner);
    enclave.flags = 0x05u | (o->debug ? SGX_FLAG_DEBUG : 0u) | (o->kss ? SGX_FLAG_KSS : 0u);
    return report(p->arena, &enclave);
}

/* Type and size of version 5, which name the body. */
static void body_head(const struct platform *p, struct writer *w, size_t size)
{
    static const enum quote_body of_td[] = {
        [SIMULATE_TD_10] = QUOTE_BODY_TD10, [SIMULATE_TD_15] = QUOTE_BODY_TD15, [SIMULATE_TD_15EX] = QUOTE_BODY_TD15EX};
    enum quote_body type = platform_is_tdx(p) ? of_td[p->options->td_report] : QUOTE_BODY_SGX;

    if (platform_fault(p, "sgx.quote.shape:body-type"))
        type = platform_is_tdx(p) ? QUOTE_BODY_SGX : QUOTE_BODY_TD10;
    wr_u16le(w, (uint16_t)type);
    wr_u32le(w, (uint32_t)size + platform_fault(p, "sgx.quote.shape:body-size"));
}

static struct bytes header_and_body(struct platform *p, struct bytes body)
{
    static const uint8_t vendor[] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                     0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
    const struct simulate_options *o = p->options;
    struct writer w = wr_open(p->arena);

    head(p, &w);
    wr_u16le(&w, o->version == 3 ? QE_SVN : 0);
    wr_u16le(&w, o->version == 3 ? PLATFORM_PCESVN : 0);
    wr_put(&w, platform_fault(p, "sgx.quote.vendor") ? platform_flip(p, BYTES_OF(vendor), 0) : BYTES_OF(vendor));
    fill(&w, 0x1d, 16);
    fill(&w, 0, 4);
    if (o->version == 5)
        body_head(p, &w, body.n);
    wr_put(&w, body);
    return wr_done(&w);
}

static struct bytes qe_report(struct platform *p, struct bytes attestation_key, struct bytes auth)
{
    struct bytes vouched[] = {attestation_key, auth};
    struct bytes signer = platform_is_tdx(p) ? BYTES_LIT(QE_SIGNER_TDX) : BYTES_LIT(QE_SIGNER);
    unsigned product = platform_is_tdx(p) ? QE_PRODUCT_TDX : QE_PRODUCT;
    struct report_fields qe = {.flags = 0x11, .isv_svn = QE_SVN, .mrenclave = 0x9e};
    uint8_t binding[SHA256_SIZE];

    digest_parts(DIGEST_SHA256, vouched, 2, binding);
    binding[0] ^= platform_fault(p, "sgx.qe.binding");
    qe.report_data = BYTES_OF(binding);
    qe.miscselect = platform_fault(p, "sgx.qe.miscselect");
    p->failed |= !hex_decode_exact(signer, qe.mrsigner, sizeof qe.mrsigner);
    qe.mrsigner[0] ^= platform_fault(p, "sgx.qe.signer");
    qe.isv_prod_id = (uint16_t)(product + platform_fault(p, "sgx.qe.product"));
    qe.flags |= (platform_fault(p, "sgx.qe.debug") ? SGX_FLAG_DEBUG : 0u) |
                (platform_fault(p, "sgx.qe.attributes") ? 0x20u : 0u);
    return report(p->arena, &qe);
}

static struct bytes with_crlf(struct arena *a, struct bytes text)
{
    struct writer w = wr_open(a);

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n')
            wr_u8(&w, '\r');
        wr_u8(&w, text.p[i]);
    }
    return wr_done(&w);
}

/* The chain, or as many bytes as the other types have: zero, for nobody can verify them. */
static struct bytes certification_data(struct platform *p)
{
    static const size_t sizes[] = {[1] = 36, [2] = 276, [3] = 404, [7] = 64};
    unsigned type = p->options->certification;
    struct writer w = wr_open(p->arena);

    if (type != 4 && type != QUOTE_CERT_PCK_CHAIN) {
        fill(&w, 0, type < sizeof sizes / sizeof *sizes ? sizes[type] : 0);
        return wr_done(&w);
    }
    struct bytes pem = platform_pck_chain(p);
    wr_put(&w, platform_varies(p, "pem-crlf") ? with_crlf(p->arena, pem) : pem);
    if (!platform_varies(p, "pem-without-nul"))
        wr_u8(&w, 0);
    return wr_done(&w);
}

/* With the faults of signature `kind` ("sgx.quote", "sgx.qe"): a stranger's, or numbers out of range. */
static struct bytes sign_part(struct platform *p, const char *kind, enum simulated_key key, struct bytes part)
{
    bool forged = platform_fault_of(p, "%s.signature", kind);
    struct bytes good = platform_sign(p, forged ? KEY_FORGER : key, part);
    uint8_t *raw = arena_alloc(p->arena, SIGNATURE_SIZE);

    if (good.n == SIGNATURE_SIZE)
        memcpy(raw, good.p, SIGNATURE_SIZE);
    if (platform_fault_of(p, "%s.signature:zero-r", kind))
        memset(raw, 0, SIGNATURE_SIZE / 2);
    if (platform_fault_of(p, "%s.signature:huge-r", kind))
        memset(raw, 0xff, SIGNATURE_SIZE / 2);
    if (platform_fault_of(p, "%s.signature:zero-s", kind))
        memset(raw + SIGNATURE_SIZE / 2, 0, SIGNATURE_SIZE / 2);
    return bytes_make(raw, SIGNATURE_SIZE);
}

static struct bytes attestation_key(struct platform *p)
{
    uint8_t *point = arena_alloc(p->arena, SIGNATURE_SIZE); /* (0, 0), which is on no curve of ours */

    if (platform_fault(p, "sgx.quote.key:zero"))
        return bytes_make(point, SIGNATURE_SIZE);
    memset(point, 0x11, SIGNATURE_SIZE);
    if (platform_fault(p, "sgx.quote.key"))
        return bytes_make(point, SIGNATURE_SIZE);
    return key_point(p->arena, p->key[KEY_ATTESTATION]);
}

/* QE report, its signature, authentication data, certification data. */
static struct bytes qe_part(struct platform *p, struct bytes key)
{
    struct bytes certification = certification_data(p);
    struct writer w = wr_open(p->arena);
    uint8_t auth[QE_AUTH_SIZE];
    const uint32_t too_many = 1u << 20;

    for (uint8_t i = 0; i < QE_AUTH_SIZE; i++)
        auth[i] = i;
    struct bytes r = qe_report(p, key, BYTES_OF(auth)), signature = sign_part(p, "sgx.qe", KEY_PLATFORM, r);
    auth[0] ^= platform_fault(p, "sgx.qe.binding:auth-data");
    wr_put(&w, platform_fault(p, "sgx.qe.signature:changed") ? platform_flip(p, r, QE_CPU_SVN) : r);
    wr_put(&w, signature);
    wr_u16le(&w, platform_fault(p, "sgx.quote.shape:auth-length") ? UINT16_MAX : QE_AUTH_SIZE);
    wr_put(&w, BYTES_OF(auth));
    wr_u16le(&w, (uint16_t)p->options->certification);
    wr_u32le(&w,
             (uint32_t)certification.n + (platform_fault(p, "sgx.quote.shape:certification-length") ? too_many : 0));
    wr_put(&w, certification);
    return wr_done(&w);
}

static struct bytes signature_data(struct platform *p, struct bytes signed_part)
{
    struct bytes key = attestation_key(p), qe = qe_part(p, key);
    struct writer w = wr_open(p->arena);

    wr_put(&w, sign_part(p, "sgx.quote", KEY_ATTESTATION, signed_part));
    wr_put(&w, key);
    if (p->options->version != 3) {
        wr_u16le(&w, platform_fault(p, "sgx.quote.shape:outer-type") ? QUOTE_CERT_PCK_CHAIN : QUOTE_CERT_QE);
        wr_u32le(&w, (uint32_t)qe.n);
    }
    wr_put(&w, qe);
    return wr_done(&w);
}

struct bytes platform_quote(struct platform *p, struct bytes report_data, struct bytes config_id)
{
    struct bytes body =
        platform_is_tdx(p) ? platform_td_report(p, report_data, config_id) : enclave_report(p, report_data, config_id);
    struct bytes signed_part = header_and_body(p, body), data = signature_data(p, signed_part);
    size_t header = signed_part.n - body.n;
    uint32_t length = (uint32_t)data.n;
    struct writer w = wr_open(p->arena);

    if (platform_fault(p, "sgx.quote.signature:header"))
        signed_part = platform_flip(p, signed_part, HEADER_USER_DATA);
    if (platform_fault(p, "sgx.quote.signature:body"))
        signed_part = platform_flip(p, signed_part, header + (platform_is_tdx(p) ? BODY_MRTD : BODY_MRENCLAVE));
    if (platform_fault(p, "sgx.quote.shape:signature-length"))
        length = UINT32_MAX;
    if (platform_fault(p, "sgx.quote.shape:signature-short"))
        length--;
    wr_put(&w, signed_part);
    wr_u32le(&w, length);
    wr_put(&w, bytes_first(data, data.n - platform_fault(p, "sgx.quote.shape")));
    if (platform_varies(p, "quote-with-tail"))
        fill(&w, 0x7a, 100);
    return wr_done(&w);
}
