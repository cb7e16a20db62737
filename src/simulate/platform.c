#include "simulate/platform.h"

#include "endorsement/intel/intel.h"
#include "simulate/kinds.h"
#include "simulate/wrap.h"

enum { DEFAULT_EVALUATION = 17 };

static bool known_status(const char *name)
{
    enum tcb_status status;

    return !name || tcb_status_by_name(bytes_text(name), &status);
}

/* Options that say nothing get what the fault needs, or the usual. */
static void complete(struct simulate_options *o, const struct simulate_fault *f)
{
    bool tdx = o->kind == SIMULATE_TDX;

    o->version = o->version ? o->version : f && f->version ? f->version : tdx ? 4 : 3;
    if (o->td_report == SIMULATE_TD_USUAL)
        o->td_report = o->version < 5                                        ? SIMULATE_TD_10
                       : f && simulate_fault_check(f) == CHECK_TDX_REPORT_VM ? SIMULATE_TD_15EX
                                                                             : SIMULATE_TD_15;
    o->tcb_info_version = o->tcb_info_version ? o->tcb_info_version : 3;
    if (!o->certification)
        o->certification = f && simulate_fault_check(f) == CHECK_SGX_QUOTE_CERTIFICATION ? 4 : QUOTE_CERT_PCK_CHAIN;
    o->evaluation = o->evaluation ? o->evaluation : DEFAULT_EVALUATION;
    o->kss |= f && simulate_fault_check(f) == CHECK_SGX_INIT_DATA;
    if (!o->runtime_data.n)
        o->runtime_data = BYTES_LIT("{\"key\":{\"kty\":\"oct\",\"kid\":\"simulated\"}}");
}

static bool check_fault(const struct simulate_options *o, const struct simulate_fault *f, struct fault *fault)
{
    if (f && f->version && f->version != o->version)
        return fault_set(fault, FAULT_USAGE, "%s needs a quote of version %u", f->name, f->version);
    return !f || strcmp(f->name, "intel.tcb_info.present:tdx") != 0 || o->tcb_info_version == 3 ||
           fault_set(fault, FAULT_USAGE, "TCB info of TDX has version 3");
}

static bool check_tdx(const struct simulate_options *o, struct fault *fault)
{
    if (o->version < 4 || o->tcb_info_version != 3)
        return fault_set(fault, FAULT_USAGE, "quotes of TDX have version 4 or 5, its TCB info version 3");
    if (o->version == 4 && o->td_report != SIMULATE_TD_10)
        return fault_set(fault, FAULT_USAGE, "quotes of version 4 hold reports of TDX 1.0");
    if (o->module_updated && o->td_report == SIMULATE_TD_10)
        return fault_set(fault, FAULT_USAGE, "reports of TDX 1.0 do not tell what was loaded later");
    return known_status(o->module_status) || fault_set(fault, FAULT_USAGE, "no such TCB status");
}

static bool check_options(const struct simulate_options *o, struct fault *fault)
{
    if (o->product || o->vlek || o->uvm || o->migration)
        return fault_set(fault, FAULT_USAGE, "products, VLEKs, migration and endorsements of utility VMs are AMD's");
    if (!known_status(o->status) || !known_status(o->qe_status))
        return fault_set(fault, FAULT_USAGE, "no such TCB status");
    if (o->version < 3 || o->version > 5)
        return fault_set(fault, FAULT_USAGE, "quotes have version 3, 4 or 5");
    if (o->kind == SIMULATE_TDX && !check_tdx(o, fault))
        return false;
    if (o->tcb_info_version < 2 || o->tcb_info_version > 3)
        return fault_set(fault, FAULT_USAGE, "TCB info has version 2 or 3");
    return (o->certification >= 1 && o->certification <= 7 && o->certification != QUOTE_CERT_QE) ||
           fault_set(fault, FAULT_USAGE, "certification data has type 1, 2, 3, 4, 5 or 7");
}

struct bytes platform_sign(struct platform *p, enum simulated_key key, struct bytes message)
{
    struct bytes signature = key_sign(p->arena, p->key[key], message);

    p->failed |= signature.n == 0;
    return signature;
}

struct bytes platform_flip(struct platform *p, struct bytes b, size_t offset)
{
    uint8_t *copy = arena_alloc(p->arena, b.n);

    memcpy(copy, b.p, b.n);
    copy[offset] ^= 1;
    return bytes_make(copy, b.n);
}

bool platform_is_tdx(const struct platform *p)
{
    return p->options->kind == SIMULATE_TDX;
}

/* CONFIGID, or the beginning of MRCONFIGID: the hash of the init-time data. */
static struct bytes config_id(struct platform *p, struct bytes init_data)
{
    size_t size = platform_is_tdx(p) ? 48 : 64;
    uint8_t *id = arena_alloc(p->arena, size);

    if (init_data.n == 0)
        return BYTES_NONE;
    sha256(init_data, id);
    id[0] ^= platform_fault(p, "sgx.init_data") || platform_fault(p, "tdx.init_data");
    id[size - 1] ^= platform_fault(p, "tdx.init_data:tail");
    return bytes_make(id, size);
}

/* The first half of the report data is the hash of the runtime data, or of custom claims in OE evidence. */
static void make_evidence(struct platform *p, struct simulated *s)
{
    bool with_claims = p->options->kind == SIMULATE_OE_EVIDENCE;
    struct bytes claims = with_claims ? wrap_custom_claims(p->arena) : BYTES_NONE;
    uint8_t report_data[64] = {0};

    s->runtime_data = with_claims ? BYTES_NONE : p->options->runtime_data;
    s->init_data =
        (p->options->kss || platform_is_tdx(p)) && !with_claims ? BYTES_LIT("{\"config\":\"simulated\"}") : BYTES_NONE;
    sha256(with_claims ? claims : s->runtime_data, report_data);
    if (p->options->report_data.n == sizeof report_data)
        memcpy(report_data, p->options->report_data.p, sizeof report_data);
    report_data[0] ^= platform_fault(p, "sgx.runtime_data") || platform_fault(p, "tdx.runtime_data") ||
                      platform_fault(p, "oe.custom_claims");
    report_data[63] ^= platform_fault(p, "sgx.report_data_tail") || platform_fault(p, "tdx.report_data_tail");
    struct bytes quote = platform_quote(p, BYTES_OF(report_data), config_id(p, s->init_data));
    s->evidence = wrap_quote(p, quote, claims);
    s->request = wrap_request(p->arena, s);
}

static void make_endorsements(struct platform *p, struct simulated *s)
{
    s->anchor = platform_root(p);
    s->tcb_info = platform_tcb_info(p);
    s->identity = platform_identity(p);
    s->root_crl = wrap_crl(p, platform_root_crl(p));
    s->pck_crl = wrap_crl(p, platform_pck_crl(p));
    s->signing_chain = platform_signing_chain(p);
    s->endorsements = wrap_endorsements(p, s);
}

static bool make_keys(struct platform *p, struct fault *fault)
{
    uint8_t seed[SIMULATED_SEED_SIZE];

    if (!simulated_seed(p->options->seed, seed, fault))
        return false;
    for (unsigned i = 0; i < KEY_TOTAL; i++)
        if (!(p->key[i] = key_derive(KEY_P256, BYTES_OF(seed), i)))
            p->failed = true;
    secret_wipe(seed, sizeof seed);
    return !p->failed || fault_set(fault, FAULT_CRYPTO, "libcrypto could not make a key");
}

static void deny(struct arena *a, struct simulated *s)
{
    struct reference_values *reference = ARENA_NEW(a, struct reference_values);

    *reference = reference_builtin;
    reference_add(a, reference, REFERENCE_DENIED_PLATFORMS, PLATFORM_PPID);
    s->settings.reference = reference;
}

bool simulate_intel(struct arena *a, const struct simulate_fault *wanted, struct simulated *out, struct fault *fault)
{
    static const uint8_t fmspc[FMSPC_SIZE] = {0x00, 0xa5, 0x5a, 0x00, 0x00, 0x00};
    struct platform p = {.arena = a, .options = &out->options, .now = out->time, .fmspc = BYTES_OF(fmspc)};

    complete(&out->options, wanted);
    if (!check_options(&out->options, fault) || !check_fault(&out->options, wanted, fault))
        return false;
    out->settings.freshness = FRESHNESS_STRICT;
    out->settings.report_data_tail_zero = true;
    if (wanted && simulate_fault_check(wanted) == CHECK_INTEL_PCK_NOT_DENIED)
        deny(a, out);
    bool ok = make_keys(&p, fault);
    if (ok) {
        make_evidence(&p, out);
        make_endorsements(&p, out);
        ok = !p.failed || fault_set(fault, FAULT_CRYPTO, "libcrypto could not make a certificate or signature");
    }
    for (int i = 0; i < KEY_TOTAL; i++)
        EVP_PKEY_free(p.key[i]);
    return ok && simulated_anchor(a, out, fault);
}
