/* What goes round the quote: Open Enclave's forms, the request to a service (sgx-tdx.md 9, api.md 2.1). */
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/pem.h"
#include "simulate/wrap.h"

enum { OE_REPORT_VERSION = 1, OE_REPORT_REMOTE = 2, OE_EVIDENCE_VERSION = 3, OE_ENDORSEMENTS_VERSION = 1, OE_SGX = 2 };

static const uint8_t sgx_ecdsa[] = {0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14,
                                    0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb, 0xcd, 0x8c};
static const uint8_t sgx_epid[] = {0xf2, 0x28, 0xaa, 0x3f, 0xde, 0x4d, 0x49, 0xd3,
                                   0x88, 0x4c, 0xb2, 0xaa, 0x87, 0xa5, 0x0d, 0xa6};

struct bytes wrap_custom_claims(struct arena *a)
{
    static const char name[] = "pk", value[] = "hello";
    struct writer w = wr_open(a);

    wr_u64le(&w, 1); /* version */
    wr_u64le(&w, 1); /* claims */
    wr_u64le(&w, sizeof name);
    wr_u64le(&w, sizeof value - 1);
    wr_put(&w, bytes_make(name, sizeof name));
    wr_put(&w, bytes_text(value));
    return wr_done(&w);
}

static void evidence_header(struct writer *w, const uint8_t format[16], size_t size)
{
    wr_u32le(w, OE_EVIDENCE_VERSION);
    wr_put(w, bytes_make(format, sizeof sgx_ecdsa));
    wr_u32le(w, 0);
    wr_u64le(w, size);
}

struct bytes wrap_quote(struct platform *p, struct bytes quote, struct bytes claims)
{
    struct writer w = wr_open(p->arena);

    if (p->options->kind == SIMULATE_SGX || platform_is_tdx(p))
        return quote;
    if (p->options->kind == SIMULATE_OE_REPORT) {
        wr_u32le(&w, OE_REPORT_VERSION);
        wr_u32le(&w, platform_fault(p, "oe.report.type") ? 1 : OE_REPORT_REMOTE);
        wr_u64le(&w, quote.n + platform_fault(p, "oe.report.shape"));
    } else {
        evidence_header(&w, platform_fault(p, "oe.evidence.format") ? sgx_epid : sgx_ecdsa,
                        quote.n + claims.n + platform_fault(p, "oe.evidence.shape"));
    }
    wr_put(&w, quote);
    wr_put(&w, claims);
    return wr_done(&w);
}

void wrap_request_member(struct writer *w, struct arena *a, const char *name, struct bytes data)
{
    const struct json *parsed;
    bool json = json_parse(a, bytes_trim_nul(data), NULL, &parsed, NULL) && parsed->kind == JSON_OBJECT;

    wr_printf(w, ",\"%s\":{\"data\":\"", name);
    wr_base64url(w, data);
    wr_printf(w, "\",\"dataType\":\"%s\"}", json ? "JSON" : "Binary");
}

struct bytes wrap_request(struct arena *a, const struct simulated *s)
{
    struct writer w = wr_open(a);

    if (s->options.kind == SIMULATE_OE_EVIDENCE)
        return BYTES_NONE;
    wr_printf(&w, "{\"%s\":\"", s->options.kind == SIMULATE_OE_REPORT ? "report" : "quote");
    wr_base64url(&w, s->evidence);
    wr_text(&w, "\"");
    wrap_request_member(&w, a, "runtimeData", s->runtime_data);
    if (s->init_data.n)
        wrap_request_member(&w, a, "initTimeData", s->init_data);
    wr_text(&w, "}");
    return wr_done(&w);
}

/* Those of TDX: the collateral structure of Intel's library written out, pointers and all (sgx-tdx.md 9.5). */
static struct bytes wrap_flat(struct platform *p, const struct simulated *s)
{
    const struct bytes items[] = {platform_pck_issuers(p),
                                  hex_encode(p->arena, platform_root_crl(p)),
                                  hex_encode(p->arena, platform_pck_crl(p)),
                                  s->signing_chain,
                                  s->tcb_info,
                                  s->signing_chain,
                                  s->identity};
    enum { ITEMS = sizeof items / sizeof *items };
    struct writer w = wr_open(p->arena);

    wr_u16le(&w, 4); /* version 4.0 */
    wr_u16le(&w, 0);
    wr_u32le(&w, QUOTE_TEE_TDX);
    for (size_t i = 0; i < ITEMS; i++) {
        if (items[i].n == 0)
            return BYTES_NONE;
        wr_u64le(&w, UINT64_C(0x7f0000001000) + i);
        wr_u32le(&w, (uint32_t)items[i].n + 1);
        wr_u32le(&w, 0);
    }
    for (size_t i = 0; i < ITEMS; i++) {
        wr_put(&w, items[i]);
        wr_u8(&w, 0);
    }
    return wr_done(&w);
}

struct bytes wrap_endorsements(struct platform *p, const struct simulated *s)
{
    if (platform_is_tdx(p))
        return wrap_flat(p, s);
    char created[32];
    struct writer offsets = wr_open(p->arena), data = wr_open(p->arena), w = wr_open(p->arena);

    time_format(p->now, created);
    const struct bytes items[] = {
        BYTES_LIT("\x01\0\0\0"), s->tcb_info, s->signing_chain, s->pck_crl,         s->root_crl,
        platform_pck_issuers(p), s->identity, s->signing_chain, bytes_text(created)};
    enum { ITEMS = sizeof items / sizeof *items, FIRST_TEXT = 1 };
    for (size_t i = 0; i < ITEMS; i++) {
        if (items[i].n == 0)
            return BYTES_NONE;
        wr_u32le(&offsets, (uint32_t)wr_done(&data).n);
        wr_put(&data, items[i]);
        if (i >= FIRST_TEXT)
            wr_u8(&data, 0);
    }
    struct bytes o = wr_done(&offsets), d = wr_done(&data);
    if (p->options->kind == SIMULATE_OE_EVIDENCE)
        evidence_header(&w, sgx_ecdsa, 4 * sizeof(uint32_t) + o.n + d.n);
    wr_u32le(&w, OE_ENDORSEMENTS_VERSION);
    wr_u32le(&w, OE_SGX);
    wr_u32le(&w, (uint32_t)(o.n + d.n));
    wr_u32le(&w, ITEMS);
    wr_put(&w, o);
    wr_put(&w, d);
    return wr_done(&w);
}

struct bytes wrap_crl(struct platform *p, struct bytes der)
{
    struct writer w = wr_open(p->arena);

    if (der.n == 0)
        return der;
    if (platform_varies(p, "crl-pem"))
        return pem_encode(p->arena, "X509 CRL", der);
    if (platform_varies(p, "crl-hex"))
        return hex_encode(p->arena, der);
    wr_put(&w, der);
    if (platform_varies(p, "crl-with-nul"))
        wr_u8(&w, 0);
    return wr_done(&w);
}
