#include "base/text.h"
#include "crypto/pem.h"
#include "simulate/kinds.h"
#include "simulate/snp_platform.h"
#include "simulate/wrap.h"

const struct snp_model snp_models[] = {
    {"Milan", "Milan", "Milan-B0", 0x19, 0x01, 1, false}, {"Genoa", "Genoa", "Genoa", 0x19, 0x11, 1, false},
    {"Bergamo", "Genoa", "Genoa", 0x19, 0xa0, 1, false},  {"Siena", "Genoa", "Genoa", 0x19, 0xa0, 2, false},
    {"Turin", "Turin", "Turin", 0x1a, 0x02, 1, true},     {0},
};

static const struct snp_model *model(const char *name)
{
    const struct snp_model *m = snp_models;

    while (m->name && strcmp(m->name, name) != 0)
        m++;
    return m->name ? m : NULL;
}

bool snp_fault(const struct snp_platform *p, const char *name)
{
    return p->options->fault && strcmp(p->options->fault, name) == 0;
}

bool snp_varies(const struct snp_platform *p, const char *variation)
{
    return p->options->variation && strcmp(p->options->variation, variation) == 0;
}

EVP_PKEY *snp_key(struct snp_platform *p, enum snp_key which)
{
    bool curve = which == SNP_KEY_LEAF || which == SNP_KEY_FORGER;
    struct bytes seed = BYTES_OF(p->seed);

    if (!p->key[which])
        p->key[which] = curve ? key_derive(KEY_P384, seed, (unsigned)which)
                              : rsa_derive(seed, (unsigned)which, p->options->seed != 0);
    p->failed |= p->key[which] == NULL;
    return p->key[which];
}

/* Options that say nothing get what the fault needs, or the usual. */
static void complete(struct simulate_options *o, const struct simulate_fault *f)
{
    unsigned needs = f ? f->kinds : 0;

    if (!o->product)
        o->product = needs & SIMULATE_NEEDS_TURIN ? "Turin" : "Milan";
    if (!o->version)
        o->version = f && f->version ? f->version : strcmp(o->product, "Turin") == 0 ? 5 : 3;
    o->vlek |= (needs & SIMULATE_NEEDS_VLEK) != 0;
    if (!o->uvm && needs & SIMULATE_NEEDS_UVM)
        o->uvm = "legacy";
    if (!o->runtime_data.n)
        o->runtime_data = BYTES_LIT("{\"key\":{\"kty\":\"oct\",\"kid\":\"simulated\"}}");
}

static bool check_options(const struct simulate_options *o, const struct simulate_fault *f, struct fault *fault)
{
    const struct snp_model *m = model(o->product);

    if (!m)
        return fault_set(fault, FAULT_USAGE, "no product '%s': Milan, Genoa, Bergamo, Siena, Turin", o->product);
    if (o->version < 2 || o->version > 5)
        return fault_set(fault, FAULT_USAGE, "reports have version 2, 3, 4 or 5");
    if (m->turin && o->version < 3 && !(f && f->version == o->version))
        return fault_set(fault, FAULT_USAGE, "reports of Turin have version 3, 4 or 5");
    if (o->uvm && strcmp(o->uvm, "legacy") != 0 && strcmp(o->uvm, "cwt") != 0)
        return fault_set(fault, FAULT_USAGE, "endorsements of utility VMs are 'legacy' or 'cwt'");
    if (f && f->version && f->version != o->version)
        return fault_set(fault, FAULT_USAGE, "%s needs a report of version %u", f->name, f->version);
    if (f && f->kinds & SIMULATE_NEEDS_TURIN && !m->turin)
        return fault_set(fault, FAULT_USAGE, "%s needs the product Turin", f->name);
    if (o->status || o->qe_status || o->module_status || o->tcb_info_version || o->certification || o->evaluation ||
        o->kss)
        return fault_set(fault, FAULT_USAGE, "TCB statuses, TCB info, certification data and KSS are Intel's");
    return !f || !(f->kinds & SIMULATE_NEEDS_VCEK) || !o->vlek ||
           fault_set(fault, FAULT_USAGE, "%s needs a VCEK", f->name);
}

static void wr_member(struct snp_platform *p, struct writer *w, const char *name, struct bytes data)
{
    wr_printf(w, "\"%s\":\"", name);
    wr_put(w, snp_varies(p, "base64-standard") ? base64_encode(p->arena, data) : base64url_encode(p->arena, data));
    wr_text(w, "\"");
}

static struct bytes endorsements(struct snp_platform *p, struct bytes cose)
{
    struct writer w = wr_open(p->arena);

    wr_text(&w, "{\"Uvm\":[\"");
    wr_base64url(&w, cose);
    wr_text(&w, "\"]}");
    return wr_done(&w);
}

/* Report, chain and endorsement as clients wrap them (snp-cvm.md 2.2). */
static struct bytes wrap_report(struct snp_platform *p, const struct simulated *s)
{
    const char *between = snp_varies(p, "report-crlf") ? ",\r\n  " : ",";
    struct writer w = wr_open(p->arena);

    if (snp_fault(p, "snp.request"))
        return BYTES_LIT("{\"SnpReport\":1}");
    wr_text(&w, "{");
    wr_member(p, &w, snp_fault(p, "snp.request:missing") ? "TdReport" : "SnpReport", s->report);
    if (snp_fault(p, "snp.request:base64"))
        wr_text(&w, ",\"VcekCertChain\":\"!\"");
    else if (s->chain.n) {
        wr_text(&w, between);
        wr_member(p, &w, "VcekCertChain", s->chain);
    }
    if (s->uvm.n) {
        wr_text(&w, between);
        wr_member(p, &w, "Endorsements", endorsements(p, s->uvm));
    }
    wr_text(&w, "}");
    return wr_done(&w);
}

static struct bytes request(struct snp_platform *p, const struct simulated *s)
{
    struct writer w = wr_open(p->arena);

    wr_text(&w, "{");
    wr_member(p, &w, "report", s->evidence);
    if (s->runtime_data.n)
        wrap_request_member(&w, p->arena, "runtimeData", s->runtime_data);
    if (s->init_data.n)
        wrap_request_member(&w, p->arena, "initTimeData", s->init_data);
    wr_text(&w, "}");
    return wr_done(&w);
}

/* Without data the report vouches for something of the guest's own, which nobody can judge. */
static void make_evidence(struct snp_platform *p, struct simulated *s)
{
    uint8_t report_data[64] = {0}, host_data[SHA256_SIZE] = {0};

    s->runtime_data = snp_varies(p, "without-runtime-data") ? BYTES_NONE : p->options->runtime_data;
    s->init_data = snp_varies(p, "without-init-data") ? BYTES_NONE : BYTES_LIT("{\"config\":\"simulated\"}");
    if (s->runtime_data.n)
        sha256(s->runtime_data, report_data);
    else
        memset(report_data, 0x7d, sizeof report_data);
    if (p->options->report_data.n == sizeof report_data)
        memcpy(report_data, p->options->report_data.p, sizeof report_data);
    sha256(s->init_data, host_data);
    report_data[0] ^= snp_fault(p, "snp.runtime_data");
    report_data[63] ^= snp_fault(p, "snp.report_data_tail");
    host_data[0] ^= snp_fault(p, "snp.init_data");
    s->report = snp_report(p, report_data, host_data);
    s->chain = snp_chain(p);
    s->uvm = p->options->uvm ? uvm_endorsement(p) : BYTES_NONE;
    s->evidence = wrap_report(p, s);
    s->request = request(p, s);
}

/* The operator wants a newer TCB of the product than is reported. */
static void ask_more(struct snp_platform *p, struct reference_values *reference)
{
    struct snp_tcb least = {0};
    enum snp_product product = SNP_MILAN;

    if (snp_fault(p, "snp.tcb_minimum"))
        least.microcode = (uint8_t)(p->tcb.microcode + 1);
    if (snp_fault(p, "snp.tcb_minimum:fmc"))
        least.fmc = (uint8_t)(p->tcb.fmc + 1);
    p->failed |= !snp_product_by_name(bytes_text(p->model->chain), &product);
    reference->minimum_tcb[product] = least;
}

/* Whose key is trusted, what it revoked, and whose utility VMs count. */
static void make_reference(struct snp_platform *p, struct simulated *s)
{
    struct reference_values *reference = ARENA_NEW(p->arena, struct reference_values);

    *reference = reference_builtin;
    if (p->options->uvm)
        uvm_trust(p, reference);
    if (snp_fault(p, "snp.chip_not_denied"))
        p->failed |=
            !reference_add(p->arena, reference, REFERENCE_DENIED_CHIPS, arena_copy(p->arena, BYTES_OF(p->chip)));
    ask_more(p, reference);
    s->settings.reference = reference;
    s->settings.freshness = FRESHNESS_STRICT;
    s->settings.amd_crl_freshness = true;
    s->anchor = pem_encode(p->arena, "CERTIFICATE", snp_ark(p));
    s->crl = snp_crl(p);
}

static void make_chip(struct snp_platform *p)
{
    struct bytes parts[] = {BYTES_LIT("simulated chip"), BYTES_OF(p->seed)};

    digest_parts(DIGEST_SHA512, parts, 2, p->chip);
    if (p->model->turin)
        memset(p->chip + SNP_TURIN_CHIP_SIZE, 0, SNP_CHIP_SIZE - SNP_TURIN_CHIP_SIZE);
}

bool simulate_snp(struct arena *a, const struct simulate_fault *wanted, struct simulated *out, struct fault *fault)
{
    static const struct snp_tcb older = {.bootloader = 4, .tee = 1, .snp = 23, .microcode = 0xdb},
                                turin = {.bootloader = 2, .tee = 1, .snp = 4, .microcode = 0x51, .fmc = 1};
    struct snp_platform p = {.arena = a, .options = &out->options, .now = out->time};

    complete(&out->options, wanted);
    if (!check_options(&out->options, wanted, fault) || !simulated_seed(out->options.seed, p.seed, fault))
        return false;
    p.model = model(out->options.product);
    p.tcb = p.model->turin ? turin : older;
    p.vlek_chain =
        out->options.vlek != (snp_fault(&p, "amd.leaf.present:vlek") || snp_fault(&p, "amd.leaf.present:vcek"));
    make_chip(&p);
    make_evidence(&p, out);
    make_reference(&p, out);
    for (int i = 0; i < SNP_KEY_TOTAL; i++)
        EVP_PKEY_free(p.key[i]);
    secret_wipe(p.seed, sizeof p.seed);
    return !p.failed ? simulated_anchor(a, out, fault)
                     : fault_set(fault, FAULT_CRYPTO, "libcrypto could not make a key, certificate or signature");
}
