/* URLs of Intel's endorsements (sgx-tdx.md 11). */
#include "base/text.h"
#include "collateral/upstream.h"

#define THIM_CLIENT  "clientid=production_client"
#define THIM_VERSION "api-version=2018-10-01-preview"

static const char *tee_word(const struct want *w)
{
    return w->tee == TEE_TDX ? "tdx" : "sgx";
}

/* Which of Intel's data: PCS takes one of the two parameters, both are an error; a PCCS knows `update` alone. */
static const char *update(struct arena *a, const struct upstream *u, const struct want *w, bool early)
{
    if (u->shape == UPSTREAM_PCS && w->evaluation)
        return arena_printf(a, "tcbEvaluationDataNumber=%u", w->evaluation);
    return early ? "update=early" : "update=standard";
}

static struct upstream_request document(struct arena *a, const struct upstream *u, const struct want *w, bool early,
                                        int version)
{
    struct upstream_request r = {.chain = "TCB-Info-Issuer-Chain", .chain_2 = "SGX-TCB-Info-Issuer-Chain"};
    struct bytes fmspc = hex_encode(a, BYTES_OF(w->fmspc));
    bool thim = u->shape == UPSTREAM_THIM;
    const char *which = thim ? THIM_CLIENT "&" THIM_VERSION : update(a, u, w, early);

    if (w->kind == WANT_IDENTITY) {
        r.url = arena_printf(a, "%s/%s/certification/v%d/qe/identity?%s", u->base, tee_word(w), version, which);
        r.chain = "SGX-Enclave-Identity-Issuer-Chain";
        r.chain_2 = "SGX-QE-Identity-Issuer-Chain";
    } else {
        r.url = arena_printf(a, "%s/%s/certification/v%d/tcb?fmspc=%.*s&%s", u->base, tee_word(w), version,
                             (int)fmspc.n, (const char *)fmspc.p, which);
    }
    return r;
}

/* A PCCS, and a THIM, cannot be asked for a number: its standard data is looked at, then its newest. A PCCS that is older than version
 * 4 of the interface has SGX alone. */
static size_t documents(struct arena *a, const struct upstream *u, const struct want *w,
                        struct upstream_request out[UPSTREAM_TRIES])
{
    size_t n = 0;

    out[n++] = document(a, u, w, w->early, 4);
    if (u->shape == UPSTREAM_PCCS && w->evaluation)
        out[n++] = document(a, u, w, true, 4);
    if (u->shape == UPSTREAM_PCCS && w->tee == TEE_SGX && !w->early)
        out[n++] = document(a, u, w, false, 3);
    return n;
}

static size_t evaluations(struct arena *a, const struct upstream *u, const struct want *w,
                          struct upstream_request out[UPSTREAM_TRIES])
{
    out[0] = (struct upstream_request){
        .url = arena_printf(a, "%s/%s/certification/v4/tcbevaluationdatanumbers", u->base, tee_word(w)),
        .chain = "TCB-Evaluation-Data-Numbers-Issuer-Chain"};
    return 1;
}

/* THIM finds an SGX CRL by its address in certificates, where that is, percent-encoded. */
static const char *crl_uri(const struct want *w)
{
    if (w->kind == WANT_ROOT_CRL)
        return "https%3A%2F%2Fcertificates.trustedservices.intel.com%2Fintelsgxrootca.crl";
    return w->platform
               ? "https%3A%2F%2Fapi.trustedservices.intel.com%2Fsgx%2Fcertification%2Fv3%2Fpckcrl%3Fca%3Dplatform"
                 "%26encoding%3Dpem"
               : "https%3A%2F%2Fcertificates.trustedservices.intel.com%2Fintelsgxpckprocessor.crl";
}

static size_t pck_crl(struct arena *a, const struct upstream *u, const struct want *w,
                      struct upstream_request out[UPSTREAM_TRIES])
{
    static const char chain[] = "SGX-PCK-CRL-Issuer-Chain";
    const char *authority = w->platform ? "platform" : "processor";
    size_t n = 0;

    if (u->shape == UPSTREAM_THIM) {
        out[n++] = (struct upstream_request){
            .url = arena_printf(a, "%s/sgx/certification/v4/pckcrl?uri=%s&" THIM_CLIENT "&" THIM_VERSION, u->base,
                                crl_uri(w)),
            .chain = chain};
        out[n++] = (struct upstream_request){
            .url = arena_printf(a, "%s/tdx/certification/v4/pckcrl?ca=%s&" THIM_CLIENT, u->base, authority),
            .chain = chain};
        return n;
    }
    for (int version = 4; version >= (u->shape == UPSTREAM_PCCS ? 3 : 4); version--)
        out[n++] = (struct upstream_request){
            .url = arena_printf(a, "%s/sgx/certification/v%d/pckcrl?ca=%s&encoding=der", u->base, version, authority),
            .chain = chain};
    return n;
}

static const char intel_pcs[] = "https://api.trustedservices.intel.com";

static size_t root_crl(struct arena *a, const struct upstream *u, const struct want *w,
                       struct upstream_request out[UPSTREAM_TRIES])
{
    size_t n = 0;

    if (u->shape == UPSTREAM_THIM) {
        out[n++].url =
            arena_printf(a, "%s/sgx/certification/v4/pckcrl?uri=%s&" THIM_CLIENT "&" THIM_VERSION, u->base, crl_uri(w));
        out[n++].url = arena_printf(a, "%s/tdx/certification/v4/rootcacrl?" THIM_CLIENT, u->base);
        return n;
    }
    if (u->shape == UPSTREAM_PCS) /* Intel has it on another host; a mirror of PCS has one host */
        out[n++].url = strcmp(u->base, intel_pcs) == 0
                           ? "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
                           : arena_printf(a, "%s/IntelSGXRootCA.der", u->base);
    if (u->shape == UPSTREAM_PCCS || strcmp(u->base, intel_pcs) != 0)
        for (int version = 4; version >= (u->shape == UPSTREAM_PCCS ? 3 : 4); version--)
            out[n++].url = arena_printf(a, "%s/sgx/certification/v%d/rootcacrl", u->base, version);
    return n;
}

size_t upstream_intel(struct arena *a, const struct upstream *u, const struct want *w,
                      struct upstream_request out[UPSTREAM_TRIES])
{
    switch (w->kind) {
    case WANT_TCB_INFO:
    case WANT_IDENTITY: return documents(a, u, w, out);
    case WANT_EVALUATIONS: return evaluations(a, u, w, out);
    case WANT_PCK_CRL: return pck_crl(a, u, w, out);
    case WANT_ROOT_CRL: return root_crl(a, u, w, out);
    default: return 0;
    }
}
