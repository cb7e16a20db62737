#include "simulate/simulate.h"

#include <openssl/ec.h>

#include "base/text.h"
#include "crypto/pem.h"
#include "endorsement/intel/intel.h"
#include "simulate/platform.h"

enum { DEFAULT_EVALUATION = 17, DEFAULT_TIME = 1767225600 /* 2026-01-01 */ };

static const struct {
    const char *id;
    enum simulate_kind kind;
} faults[] = {
    {"sgx.quote.vendor", SIMULATE_SGX},
    {"intel.pck.anchor", SIMULATE_SGX},
    {"intel.pck.signatures", SIMULATE_SGX},
    {"intel.pck.names", SIMULATE_SGX},
    {"intel.pck.authority", SIMULATE_SGX},
    {"intel.pck.role", SIMULATE_SGX},
    {"intel.pck.validity", SIMULATE_SGX},
    {"intel.root_crl.present", SIMULATE_SGX},
    {"intel.root_crl.signature", SIMULATE_SGX},
    {"intel.root_crl.extensions", SIMULATE_SGX},
    {"intel.root_crl.issued", SIMULATE_SGX},
    {"intel.root_crl.fresh", SIMULATE_SGX},
    {"intel.pck_ca.not_revoked", SIMULATE_SGX},
    {"intel.pck_crl.present", SIMULATE_SGX},
    {"intel.pck_crl.signature", SIMULATE_SGX},
    {"intel.pck_crl.extensions", SIMULATE_SGX},
    {"intel.pck_crl.issued", SIMULATE_SGX},
    {"intel.pck_crl.fresh", SIMULATE_SGX},
    {"intel.pck.not_revoked", SIMULATE_SGX},
    {"intel.signer.present", SIMULATE_SGX},
    {"intel.signer.anchor", SIMULATE_SGX},
    {"intel.signer.signatures", SIMULATE_SGX},
    {"intel.signer.names", SIMULATE_SGX},
    {"intel.signer.authority", SIMULATE_SGX},
    {"intel.signer.role", SIMULATE_SGX},
    {"intel.signer.validity", SIMULATE_SGX},
    {"intel.signer.not_revoked", SIMULATE_SGX},
    {"intel.tcb_info.present", SIMULATE_SGX},
    {"intel.tcb_info.signature", SIMULATE_SGX},
    {"intel.tcb_info.issued", SIMULATE_SGX},
    {"intel.tcb_info.fresh", SIMULATE_SGX},
    {"intel.tcb_info.pce", SIMULATE_SGX},
    {"intel.qe_identity.present", SIMULATE_SGX},
    {"intel.qe_identity.signature", SIMULATE_SGX},
    {"intel.qe_identity.issued", SIMULATE_SGX},
    {"intel.qe_identity.fresh", SIMULATE_SGX},
    {"sgx.qe.signature", SIMULATE_SGX},
    {"sgx.qe.debug", SIMULATE_SGX},
    {"sgx.qe.miscselect", SIMULATE_SGX},
    {"sgx.qe.attributes", SIMULATE_SGX},
    {"sgx.qe.signer", SIMULATE_SGX},
    {"sgx.qe.product", SIMULATE_SGX},
    {"sgx.qe.binding", SIMULATE_SGX},
    {"sgx.quote.key", SIMULATE_SGX},
    {"sgx.quote.signature", SIMULATE_SGX},
    {"intel.tcb.status", SIMULATE_SGX},
    {"sgx.runtime_data", SIMULATE_SGX},
    {"sgx.report_data_tail", SIMULATE_SGX},
    {"sgx.init_data", SIMULATE_SGX},
    {"oe.custom_claims", SIMULATE_OE_EVIDENCE},
};

enum { FAULTS = sizeof faults / sizeof *faults };

const char *simulate_fault_at(size_t i)
{
    return i < FAULTS ? faults[i].id : NULL;
}

enum simulate_kind simulate_kind_of(const char *fault)
{
    for (size_t i = 0; i < FAULTS; i++)
        if (strcmp(faults[i].id, fault) == 0)
            return faults[i].kind;
    return SIMULATE_SGX;
}

bool simulated_certificate(const struct certificate *c)
{
    return c->subject.n &&
           memmem(c->subject.p, c->subject.n, SIMULATED_ORGANIZATION, sizeof SIMULATED_ORGANIZATION - 1);
}

bool platform_fault(const struct platform *p, const char *id)
{
    return p->options->fault && strcmp(p->options->fault, id) == 0;
}

static bool check_options(const struct simulate_options *o, struct fault *fault)
{
    bool known = !o->fault;
    enum tcb_status status;

    for (size_t i = 0; i < FAULTS && !known; i++)
        known = strcmp(faults[i].id, o->fault) == 0;
    if (!known)
        return fault_set(fault, FAULT_USAGE, "no fault named '%s' can be simulated", o->fault);
    if ((o->status && !tcb_status_by_name(bytes_text(o->status), &status)) ||
        (o->qe_status && !tcb_status_by_name(bytes_text(o->qe_status), &status)))
        return fault_set(fault, FAULT_USAGE, "no such TCB status");
    if (o->version < 3 || o->version > 5)
        return fault_set(fault, FAULT_USAGE, "quotes have version 3, 4 or 5");
    return (o->certification >= 1 && o->certification <= 7 && o->certification != 6) ||
           fault_set(fault, FAULT_USAGE, "certification data has type 1, 2, 3, 4, 5 or 7");
}

static void complete(struct simulate_options *o)
{
    o->time = o->time ? o->time : DEFAULT_TIME;
    o->version = o->version ? o->version : 3;
    o->tcb_info_version = o->tcb_info_version ? o->tcb_info_version : 3;
    o->certification = o->certification ? o->certification : 5;
    o->evaluation = o->evaluation ? o->evaluation : DEFAULT_EVALUATION;
    o->kss |= o->fault && strcmp(o->fault, "sgx.init_data") == 0;
}

/* What the enclave hashes into its report data: claims for OE evidence, a JSON key otherwise. */
static struct bytes custom_claims(struct arena *a)
{
    struct writer w = wr_open(a);

    wr_u64le(&w, 1); /* version */
    wr_u64le(&w, 1); /* claims */
    wr_u64le(&w, 3);
    wr_u64le(&w, 5);
    wr_put(&w, BYTES_LIT("pk\0hello"));
    return wr_done(&w);
}

static struct bytes oe_wrap(struct platform *p, struct bytes quote, struct bytes claims)
{
    static const uint8_t sgx_ecdsa[] = {0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14,
                                        0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb, 0xcd, 0x8c};
    struct writer w = wr_open(p->arena);

    if (p->options->kind == SIMULATE_OE_REPORT) {
        wr_u32le(&w, 1); /* version */
        wr_u32le(&w, 2); /* remote */
        wr_u64le(&w, quote.n);
    } else {
        wr_u32le(&w, 3); /* version */
        wr_put(&w, BYTES_OF(sgx_ecdsa));
        wr_u32le(&w, 0);
        wr_u64le(&w, quote.n + claims.n);
    }
    wr_put(&w, quote);
    wr_put(&w, claims);
    return wr_done(&w);
}

static struct bytes request_body(struct arena *a, const struct simulated *s)
{
    struct writer w = wr_open(a);

    wr_printf(&w, "{\"%s\":\"", s->options.kind == SIMULATE_SGX ? "quote" : "report");
    wr_base64url(&w, s->evidence);
    wr_text(&w, "\",\"runtimeData\":{\"data\":\"");
    wr_base64url(&w, s->runtime_data);
    wr_text(&w, "\",\"dataType\":\"JSON\"}");
    if (s->init_data.n) {
        wr_text(&w, ",\"initTimeData\":{\"data\":\"");
        wr_base64url(&w, s->init_data);
        wr_text(&w, "\",\"dataType\":\"JSON\"}");
    }
    wr_text(&w, "}");
    return wr_done(&w);
}

static void make_evidence(struct platform *p, struct simulated *s)
{
    bool oe_evidence = p->options->kind == SIMULATE_OE_EVIDENCE;
    struct bytes claims = oe_evidence ? custom_claims(p->arena) : BYTES_NONE;
    uint8_t report_data[64] = {0}, config_id[64] = {0};

    s->runtime_data = oe_evidence ? BYTES_NONE : BYTES_LIT("{\"key\":{\"kty\":\"oct\",\"kid\":\"simulated\"}}");
    s->init_data = p->options->kss && !oe_evidence ? BYTES_LIT("{\"config\":\"simulated\"}") : BYTES_NONE;
    sha256(oe_evidence ? claims : s->runtime_data, report_data);
    report_data[0] ^= platform_fault(p, "sgx.runtime_data") || platform_fault(p, "oe.custom_claims");
    report_data[63] ^= platform_fault(p, "sgx.report_data_tail");
    if (p->options->kss)
        sha256(s->init_data, config_id);
    config_id[0] ^= platform_fault(p, "sgx.init_data");
    struct bytes quote = platform_quote(p, BYTES_OF(report_data), p->options->kss ? BYTES_OF(config_id) : BYTES_NONE);
    s->evidence = p->options->kind == SIMULATE_SGX ? quote : oe_wrap(p, quote, claims);
    if (!oe_evidence)
        s->request = request_body(p->arena, s);
}

static bool anchor_digest(struct arena *a, struct simulated *s, struct fault *fault)
{
    const struct certificate *root;
    size_t count;

    if (!certificates_decode(a, s->anchor, &root, &count, fault))
        return false;
    memcpy(s->anchor_spki, root->spki_digest, SHA256_SIZE);
    return true;
}

bool simulate_sgx(struct arena *a, const struct simulate_options *options, struct simulated *out, struct fault *fault)
{
    static const uint8_t fmspc[FMSPC_SIZE] = {0x00, 0xa5, 0x5a, 0x00, 0x00, 0x00};
    struct platform p = {.arena = a, .fmspc = BYTES_OF(fmspc)};

    *out = (struct simulated){.options = *options, .settings = SETTINGS_DEFAULT};
    complete(&out->options);
    if (!check_options(&out->options, fault))
        return false;
    p.options = &out->options;
    p.now = out->time = out->options.time;
    out->settings.freshness = FRESHNESS_STRICT;
    out->settings.report_data_tail_zero = true;
    for (int i = 0; i < KEY_TOTAL; i++)
        if (!(p.key[i] = EVP_EC_gen("prime256v1")))
            p.failed = true;
    if (!p.failed) {
        make_evidence(&p, out);
        out->anchor = platform_root(&p);
        out->tcb_info = platform_tcb_info(&p);
        out->identity = platform_identity(&p);
        out->root_crl = platform_root_crl(&p);
        out->pck_crl = platform_pck_crl(&p);
        out->signing_chain = platform_signing_chain(&p);
    }
    for (int i = 0; i < KEY_TOTAL; i++)
        EVP_PKEY_free(p.key[i]);
    if (p.failed)
        return fault_set(fault, FAULT_CRYPTO, "libcrypto could not make a key, certificate or signature");
    return anchor_digest(a, out, fault);
}

bool simulate_endorsements(const struct simulated *s, struct endorsements *e, bool trusted, struct fault *fault)
{
    const struct {
        const char *name;
        struct bytes text;
    } files[] = {{"tcbinfo.json", s->tcb_info},
                 {"qeidentity.json", s->identity},
                 {"root.crl", s->root_crl},
                 {"pck.crl", s->pck_crl},
                 {"tcb-signing-chain.pem", s->signing_chain}};

    if (trusted)
        endorsements_add_anchor(e, s->anchor_spki, true);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i].text.n && !endorsements_add(e, files[i].name, files[i].text, fault))
            return false;
    endorsements_seal(e);
    return true;
}
