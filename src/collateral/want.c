#include "collateral/want.h"

#include "base/limits.h"
#include "base/text.h"

enum { TCB_DIGITS = 16 };

const char *want_product(struct bytes name)
{
    static const struct {
        const char *name, *product;
    } products[] = {{"Milan", "Milan"},
                    {"Genoa", "Genoa"},
                    {"Bergamo", "Genoa"},
                    {"Siena", "Genoa"},
                    {"Turin", "Turin"}}; /* snp-cvm.md 1.10 */

    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        if (bytes_is_nocase(name, products[i].name))
            return products[i].product;
    return NULL;
}

size_t wants_of_intel(enum intel_tee tee, const uint8_t fmspc[FMSPC_SIZE], bool platform, uint32_t evaluation,
                      struct want out[WANTS_OF_PLATFORM])
{
    size_t n = 0;

    out[n] = (struct want){.kind = WANT_TCB_INFO, .tee = tee, .evaluation = evaluation};
    memcpy(out[n++].fmspc, fmspc, FMSPC_SIZE);
    out[n++] = (struct want){.kind = WANT_IDENTITY, .tee = tee, .evaluation = evaluation};
    out[n++] = (struct want){.kind = WANT_PCK_CRL, .platform = platform};
    out[n++] = (struct want){.kind = WANT_ROOT_CRL};
    return n;
}

/* The text up to the next slash; *rest is what follows it. */
static struct bytes word(struct bytes *rest)
{
    const uint8_t *slash = rest->n ? memchr(rest->p, '/', rest->n) : NULL;
    struct bytes first = bytes_first(*rest, slash ? (size_t)(slash - rest->p) : rest->n);

    *rest = bytes_after(*rest, first.n + 1);
    return first;
}

static bool evaluation_of(struct bytes text, uint32_t *out)
{
    uint64_t n = 0;
    bool ok = text.n == 0 || decimal_parse(text, LIMIT_EVALUATION, &n);

    *out = (uint32_t)n;
    return ok;
}

static size_t parse_intel(struct bytes rest, struct want out[WANTS_OF_PLATFORM])
{
    struct bytes tee = word(&rest), fmspc = word(&rest), authority = word(&rest), evaluation = word(&rest);
    bool tdx = bytes_is(tee, "tdx"), platform = bytes_is(authority, "platform");
    uint8_t family[FMSPC_SIZE];
    uint32_t number;

    if ((!tdx && !bytes_is(tee, "sgx")) || (!platform && !bytes_is(authority, "processor")) || rest.n ||
        !hex_decode_exact(fmspc, family, sizeof family) || !evaluation_of(evaluation, &number))
        return 0;
    return wants_of_intel(tdx ? TEE_TDX : TEE_SGX, family, platform, number, out);
}

/* Turin's chip ids are 8 bytes; its reports carry them with zeros behind. */
static bool read_hwid(struct bytes text, struct want *w)
{
    bool turin = strcmp(w->product, "Turin") == 0;

    if (turin && text.n == 2 * HWID_SIZE_TURIN) {
        w->hwid_size = HWID_SIZE_TURIN;
        return hex_decode_exact(text, w->hwid, HWID_SIZE_TURIN);
    }
    if (text.n != 2 * HWID_SIZE || !hex_decode_exact(text, w->hwid, HWID_SIZE))
        return false;
    w->hwid_size = turin ? HWID_SIZE_TURIN : HWID_SIZE;
    return bytes_all_zero(bytes_make(w->hwid + w->hwid_size, HWID_SIZE - w->hwid_size));
}

static size_t parse_amd(struct bytes rest, struct want *out)
{
    struct bytes what = word(&rest), product = word(&rest), hwid = word(&rest), tcb = word(&rest);
    uint8_t number[sizeof out->tcb];

    *out = (struct want){.kind = WANT_AMD_CRL, .product = want_product(product)};
    if (!out->product || rest.n)
        return 0;
    if (bytes_is(what, "crl"))
        return hwid.n == 0;
    out->kind = WANT_VCEK;
    if (!bytes_is(what, "vcek") || tcb.n != TCB_DIGITS || !hex_decode_exact(tcb, number, sizeof number) ||
        !read_hwid(hwid, out))
        return 0;
    for (size_t i = 0; i < sizeof number; i++)
        out->tcb = out->tcb << 8 | number[i];
    return 1;
}

size_t wants_parse(struct bytes text, struct want out[WANTS_OF_PLATFORM])
{
    struct bytes vendor = word(&text);

    if (bytes_is(vendor, "intel"))
        return parse_intel(text, out);
    return bytes_is(vendor, "amd") ? parse_amd(text, out) : 0;
}

bool want_of(const struct collateral *o, struct want *out)
{
    *out = (struct want){.evaluation = o->evaluation, .product = o->product};
    switch (o->kind) {
    case COLLATERAL_TCB_INFO_SGX:
    case COLLATERAL_TCB_INFO_TDX:
        out->kind = WANT_TCB_INFO;
        out->tee = o->kind == COLLATERAL_TCB_INFO_TDX ? TEE_TDX : TEE_SGX;
        if (o->fmspc.n == FMSPC_SIZE)
            memcpy(out->fmspc, o->fmspc.p, FMSPC_SIZE);
        return o->fmspc.n == FMSPC_SIZE;
    case COLLATERAL_QE_IDENTITY:
    case COLLATERAL_TD_QE_IDENTITY:
        out->kind = WANT_IDENTITY;
        out->tee = o->kind == COLLATERAL_TD_QE_IDENTITY ? TEE_TDX : TEE_SGX;
        return true;
    case COLLATERAL_EVALUATIONS_SGX:
    case COLLATERAL_EVALUATIONS_TDX:
        out->kind = WANT_EVALUATIONS;
        out->tee = o->kind == COLLATERAL_EVALUATIONS_TDX ? TEE_TDX : TEE_SGX;
        return true;
    case COLLATERAL_ROOT_CRL: out->kind = WANT_ROOT_CRL; return true;
    case COLLATERAL_PROCESSOR_CRL:
    case COLLATERAL_PLATFORM_CRL:
        out->kind = WANT_PCK_CRL;
        out->platform = o->kind == COLLATERAL_PLATFORM_CRL;
        return true;
    case COLLATERAL_AMD_CRL: out->kind = WANT_AMD_CRL; return o->product != NULL;
    default: return false;
    }
}

static enum collateral_kind kind_of(const struct want *w)
{
    bool tdx = w->tee == TEE_TDX;

    switch (w->kind) {
    case WANT_TCB_INFO: return tdx ? COLLATERAL_TCB_INFO_TDX : COLLATERAL_TCB_INFO_SGX;
    case WANT_IDENTITY: return tdx ? COLLATERAL_TD_QE_IDENTITY : COLLATERAL_QE_IDENTITY;
    case WANT_EVALUATIONS: return tdx ? COLLATERAL_EVALUATIONS_TDX : COLLATERAL_EVALUATIONS_SGX;
    case WANT_PCK_CRL: return w->platform ? COLLATERAL_PLATFORM_CRL : COLLATERAL_PROCESSOR_CRL;
    case WANT_ROOT_CRL: return COLLATERAL_ROOT_CRL;
    case WANT_VCEK: return COLLATERAL_VCEK;
    case WANT_AMD_CHAIN: return w->vlek ? COLLATERAL_VLEK_CHAIN : COLLATERAL_VCEK_CHAIN;
    case WANT_AMD_CRL: break;
    }
    return COLLATERAL_AMD_CRL;
}

bool want_met(struct arena *a, const struct want *w, const struct collateral *o, const char **why)
{
    if (o->kind != kind_of(w)) {
        *why = arena_printf(a, "it is %s", collateral_kind_what(o->kind));
        return false;
    }
    if (w->kind == WANT_TCB_INFO && !bytes_equal(o->fmspc, BYTES_OF(w->fmspc))) {
        struct bytes fmspc = hex_encode(a, o->fmspc);

        *why = arena_printf(a, "it is about FMSPC %.*s", (int)fmspc.n, (const char *)fmspc.p);
        return false;
    }
    if (w->evaluation && o->evaluation != w->evaluation) {
        *why = arena_printf(a, "it is of evaluation number %u", o->evaluation);
        return false;
    }
    if (w->product && (!o->product || strcmp(o->product, w->product) != 0)) {
        *why = arena_printf(a, "it is of the product %s", o->product ? o->product : "unknown");
        return false;
    }
    if (w->kind != WANT_VCEK)
        return true;
    if (!bytes_equal(bytes_first(o->hwid, w->hwid_size), bytes_make(w->hwid, w->hwid_size))) {
        *why = "it is of another chip";
        return false;
    }
    if (o->tcb != w->tcb) {
        *why = arena_printf(a, "it is of the TCB %016llx", (unsigned long long)o->tcb);
        return false;
    }
    return true;
}

const char *want_name(struct arena *a, const struct want *w)
{
    static const char *const tees[] = {[TEE_SGX] = "sgx", [TEE_TDX] = "tdx"};
    const char *last = w->evaluation ? arena_printf(a, "%u", w->evaluation) : w->early ? "early" : "standard";
    struct bytes id;

    switch (w->kind) {
    case WANT_TCB_INFO:
        id = hex_encode(a, BYTES_OF(w->fmspc));
        return arena_printf(a, "intel/tcb/%s/%.*s/%s", tees[w->tee], (int)id.n, (const char *)id.p, last);
    case WANT_IDENTITY: return arena_printf(a, "intel/identity/%s/%s", tees[w->tee], last);
    case WANT_EVALUATIONS: return arena_printf(a, "intel/evaluations/%s", tees[w->tee]);
    case WANT_PCK_CRL: return w->platform ? "intel/crl/platform" : "intel/crl/processor";
    case WANT_ROOT_CRL: return "intel/crl/root";
    case WANT_VCEK:
        id = hex_encode(a, bytes_make(w->hwid, w->hwid_size));
        return arena_printf(a, "amd/vcek/%s/%.*s/%016llx", w->product, (int)id.n, (const char *)id.p,
                            (unsigned long long)w->tcb);
    case WANT_AMD_CHAIN: return arena_printf(a, "amd/chain/%s/%s", w->product, w->vlek ? "vlek" : "vcek");
    case WANT_AMD_CRL: return arena_printf(a, "amd/crl/%s/%s", w->product, w->vlek ? "vlek" : "vcek");
    }
    return "";
}
