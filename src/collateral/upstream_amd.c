/* URLs of AMD's endorsements (snp-cvm.md 1.10, 1.11). */
#include "base/text.h"
#include "collateral/upstream.h"

static unsigned part(uint64_t tcb, unsigned byte)
{
    return (unsigned)(tcb >> 8 * byte) & 0xff;
}

/* Which byte of a TCB holds which component depends on the product (snp-cvm.md 1.4). Two digits, as AMD's guide has it. */
static const char *kds_vcek(struct arena *a, const struct upstream *u, const struct want *w, struct bytes hwid)
{
    if (strcmp(w->product, "Turin") == 0)
        return arena_printf(a, "%s/vcek/v1/Turin/%.*s?fmcSPL=%02u&blSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u",
                            u->base, (int)hwid.n, (const char *)hwid.p, part(w->tcb, 0), part(w->tcb, 1),
                            part(w->tcb, 2), part(w->tcb, 3), part(w->tcb, 7));
    return arena_printf(a, "%s/vcek/v1/%s/%.*s?blSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", u->base, w->product,
                        (int)hwid.n, (const char *)hwid.p, part(w->tcb, 0), part(w->tcb, 1), part(w->tcb, 6),
                        part(w->tcb, 7));
}

/* The service inside a host knows that host's chip; the public cache has all of Azure's, by chip id. */
static const char *thim_vcek(struct arena *a, const struct upstream *u, const struct want *w, struct bytes hwid)
{
    unsigned long long tcb = w->tcb;

    if (strstr(u->base, "/metadata/"))
        return arena_printf(a, "%s/amd/certification?tcbVersion=%016llx&platformId=%.*s", u->base, tcb, (int)hwid.n,
                            (const char *)hwid.p);
    return arena_printf(a, "%s/SevSnpVM/certificates/%.*s/%016llx?api-version=2020-10-15-preview", u->base, (int)hwid.n,
                        (const char *)hwid.p, tcb);
}

size_t upstream_amd(struct arena *a, const struct upstream *u, const struct want *w,
                    struct upstream_request out[UPSTREAM_TRIES])
{
    struct bytes hwid = hex_encode(a, bytes_make(w->hwid, w->hwid_size));
    const char *key = w->vlek ? "vlek" : "vcek";

    switch (w->kind) {
    case WANT_VCEK: out[0].url = u->shape == UPSTREAM_KDS ? kds_vcek(a, u, w, hwid) : thim_vcek(a, u, w, hwid); break;
    case WANT_AMD_CHAIN: out[0].url = arena_printf(a, "%s/%s/v1/%s/cert_chain", u->base, key, w->product); break;
    default: out[0].url = arena_printf(a, "%s/%s/v1/%s/crl", u->base, key, w->product); break;
    }
    return 1;
}
