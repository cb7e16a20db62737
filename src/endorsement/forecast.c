#include "endorsement/forecast.h"

#include "endorsement/intel/store.h"

static const char *const tee_names[PLATFORM_TEES] = {"sgx", "tdx", "snp"};
static const char *const gap_names[GAP_KINDS] = {
    [GAP_NONE] = "none",
    [GAP_SGX_COMPONENT] = "sgx-component",
    [GAP_PCE] = "pce",
    [GAP_TDX_COMPONENT] = "tdx-component",
    [GAP_TDX_MODULE] = "tdx-module",
    [GAP_QE] = "quoting-enclave",
    [GAP_STATUS] = "status",
    [GAP_SNP_COMPONENT] = "snp-component",
};

const char *platform_tee_name(enum platform_tee tee)
{
    return tee_names[tee];
}

const char *tcb_gap_name(enum tcb_gap_kind kind)
{
    return gap_names[kind];
}

const char *tcb_gap_text(struct arena *a, const struct tcb_gap *g)
{
    static const char *const snp[SNP_COMPONENTS] = {"boot loader", "TEE", "SNP firmware", "microcode", "FMC"};

    switch (g->kind) {
    case GAP_SGX_COMPONENT: return arena_printf(a, "SGX component %u: %u, %u needed", g->index, g->found, g->needed);
    case GAP_PCE: return arena_printf(a, "PCESVN: %u, %u needed", g->found, g->needed);
    case GAP_TDX_COMPONENT: return arena_printf(a, "TDX component %u: %u, %u needed", g->index, g->found, g->needed);
    case GAP_TDX_MODULE:
        if (g->needed == 0)
            return arena_printf(a, "TDX module of version %u: no level of it is good", g->index);
        return arena_printf(a, "TDX module of version %u: SVN %u, %u needed", g->index, g->found, g->needed);
    case GAP_QE:
        if (g->needed == 0)
            return "quoting enclave: no level of it is good";
        return arena_printf(a, "quoting enclave: ISV SVN %u, %u needed", g->found, g->needed);
    case GAP_SNP_COMPONENT: return arena_printf(a, "%s: %u, %u needed", snp[g->index], g->found, g->needed);
    case GAP_STATUS: return "no level above has an accepted status";
    default: return "nothing";
    }
}

static void make_id(struct platform_identity *p, struct bytes hardware, struct bytes tcb)
{
    struct bytes parts[] = {BYTES_LIT("assay platform"), hardware, tcb};

    digest_parts(DIGEST_SHA256, parts, 3, p->id);
}

struct platform_identity platform_of_intel(const struct pck_chain *chain, const struct tcb_platform *tcb)
{
    struct platform_identity p = {.tee = tcb->tee == TEE_TDX ? PLATFORM_TDX : PLATFORM_SGX, .tcb = *tcb};
    uint8_t svn[3 * TCB_COMPONENTS + 6], *end = svn;

    memcpy(p.fmspc, chain->fmspc.p, FMSPC_SIZE);
    memcpy(p.root_spki, chain->root->spki_digest, SHA256_SIZE);
    const uint8_t *const arrays[] = {tcb->components, tcb->tee_tcb_svn, tcb->current_tcb_svn};
    for (size_t i = 0; i < 3; i++, end += TCB_COMPONENTS)
        memcpy(end, arrays[i], TCB_COMPONENTS);
    const uint8_t rest[] = {(uint8_t)tcb->pce_svn, (uint8_t)(tcb->pce_svn >> 8),
                            (uint8_t)tcb->qe_svn,  (uint8_t)(tcb->qe_svn >> 8),
                            (uint8_t)p.tee,        tcb->has_current};
    memcpy(end, rest, sizeof rest);
    make_id(&p, chain->ppid, BYTES_OF(svn));
    return p;
}

static void snp_parts(const struct snp_tcb *t, uint8_t out[SNP_COMPONENTS])
{
    const uint8_t parts[SNP_COMPONENTS] = {t->bootloader, t->tee, t->snp, t->microcode, t->fmc};

    memcpy(out, parts, sizeof parts);
}

struct platform_identity platform_of_amd(enum snp_product product, struct bytes chip_id, const struct snp_tcb *reported)
{
    struct platform_identity p = {.tee = PLATFORM_SNP, .product = product, .snp = *reported};
    uint8_t parts[SNP_COMPONENTS];

    snp_parts(reported, parts);
    make_id(&p, chip_id, BYTES_OF(parts));
    return p;
}

static void gap(struct forecast *f, enum tcb_gap_kind kind, unsigned index, unsigned found, unsigned needed)
{
    if (f->gap_count < FORECAST_GAPS)
        f->gap[f->gap_count++] = (struct tcb_gap){kind, index, found, needed};
}

/* Under which statuses platforms are accepted, never Revoked or TCB_NOT_SUPPORTED. */
static uint16_t accepted_of(const struct settings *s, enum platform_tee tee)
{
    const uint16_t never = 1u << TCB_REVOKED | 1u << TCB_NOT_SUPPORTED;

    return (uint16_t)((tee == PLATFORM_TDX ? s->accepted_tdx : s->accepted_sgx) & ~never);
}

/* The nearest level above the one that the platform has, whose status is accepted; NULL: there is none. */
static const struct tcb_level *wanted_level(const struct tcb_info *info, const struct tcb_verdict *v, uint16_t accepted)
{
    size_t i = v->level ? (size_t)(v->level - info->levels) : info->level_count;

    while (i-- > 0)
        if (accepted & 1u << info->levels[i].status)
            return &info->levels[i];
    return NULL;
}

static void level_gaps(struct forecast *f, const struct tcb_info *info, const struct tcb_platform *p,
                       const struct tcb_verdict *v, uint16_t accepted)
{
    if (v->level && accepted & 1u << v->level->status)
        return;
    const struct tcb_level *wanted = wanted_level(info, v, accepted);
    if (!wanted) {
        gap(f, GAP_STATUS, 0, 0, 0);
        return;
    }
    for (unsigned i = 0; i < TCB_COMPONENTS; i++)
        if (p->components[i] < wanted->sgx[i])
            gap(f, GAP_SGX_COMPONENT, i + 1, p->components[i], wanted->sgx[i]);
    if (p->pce_svn < wanted->pce_svn)
        gap(f, GAP_PCE, 0, p->pce_svn, wanted->pce_svn);
    for (unsigned i = tcb_first_tdx_component(p); p->tee == TEE_TDX && i < TCB_COMPONENTS; i++)
        if (p->tee_tcb_svn[i] < wanted->tdx[i])
            gap(f, GAP_TDX_COMPONENT, i + 1, p->tee_tcb_svn[i], wanted->tdx[i]);
}

/* The least SVN whose status is UpToDate; 0: none. */
static unsigned good_svn(const struct svn_level *levels, size_t count)
{
    unsigned least = 0;

    for (size_t i = 0; i < count; i++) /* highest first */
        if (levels[i].status == TCB_UP_TO_DATE)
            least = levels[i].isv_svn;
    return least;
}

static void intel_gaps(struct forecast *f, const struct tcb_info *info, const struct enclave_identity *identity,
                       const struct tcb_platform *p, const struct tcb_verdict *v, uint16_t accepted)
{
    level_gaps(f, info, p, v, accepted);
    if (p->tee == TEE_TDX && v->module_status != TCB_UP_TO_DATE)
        gap(f, GAP_TDX_MODULE, p->tee_tcb_svn[1], p->tee_tcb_svn[0],
            v->module ? good_svn(v->module->levels, v->module->level_count) : 0);
    if (v->qe_status != TCB_UP_TO_DATE)
        gap(f, GAP_QE, 0, p->qe_svn, good_svn(identity->levels, identity->level_count));
    if (f->gap_count == 0)
        gap(f, GAP_STATUS, 0, 0, 0);
}

/* TCB info and identity that an appraisal would choose; NULL where they are not at hand or not genuine. */
static const struct tcb_info *info_of(const struct endorsements *e, const struct platform_identity *p,
                                      uint32_t baseline, int64_t time)
{
    struct document_query q = {p->root_spki, baseline, time};
    enum intel_tee tee = p->tee == PLATFORM_TDX ? TEE_TDX : TEE_SGX;
    const struct tcb_info *t = find_tcb_info(e, tee, BYTES_OF(p->fmspc), &q);

    return t && t->document.signature_ok ? t : NULL;
}

static const struct enclave_identity *identity_of(const struct endorsements *e, const struct platform_identity *p,
                                                  uint32_t baseline, int64_t time)
{
    struct document_query q = {p->root_spki, baseline, time};
    const struct enclave_identity *i = find_identity(e, p->tee == PLATFORM_TDX ? IDENTITY_TD_QE : IDENTITY_QE, &q);

    return i && i->document.signature_ok ? i : NULL;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* When the newest are in force: whoever follows Intel takes them once what he has ends, and not before they are issued. */
static int64_t begins(const struct signed_document *now, const struct signed_document *then, int64_t time)
{
    int64_t from = !now || now == then ? then->issued : later(now->next_update, then->issued);

    return from > time ? from : 0;
}

void forecast_intel(const struct endorsements *e, const struct settings *s, const struct platform_identity *p,
                    int64_t time, struct forecast *out)
{
    uint32_t baseline = s->baseline ? s->baseline : s->default_baseline;
    const struct tcb_info *now = info_of(e, p, baseline, time), *then = info_of(e, p, 0, INT64_MAX);
    const struct enclave_identity *qe_now = identity_of(e, p, baseline, time), *qe = identity_of(e, p, 0, INT64_MAX);
    uint16_t accepted = accepted_of(s, p->tee);
    struct tcb_verdict v;

    *out = (struct forecast){.now = TCB_NOT_SUPPORTED, .then = TCB_NOT_SUPPORTED};
    if (now && qe_now) {
        tcb_judge(now, qe_now, &p->tcb, &v);
        out->now = v.status;
        out->evaluation_now = now->document.evaluation;
    }
    if (!then || !qe)
        return;
    tcb_judge(then, qe, &p->tcb, &v);
    out->known = true;
    out->then = v.status;
    out->evaluation_then = then->document.evaluation;
    out->tcb_date = v.level ? v.level->date : BYTES_NONE;
    out->fails = !(accepted & 1u << v.status);
    if (!out->fails)
        return;
    intel_gaps(out, then, qe, &p->tcb, &v, accepted);
    out->from = begins(now ? &now->document : NULL, &then->document, time);
}

void forecast_amd(const struct settings *s, const struct snp_tcb *newest, const struct platform_identity *p,
                  struct forecast *out)
{
    uint8_t has[SNP_COMPONENTS], met[SNP_COMPONENTS], asked[SNP_COMPONENTS];

    *out = (struct forecast){.known = true, .now = TCB_UP_TO_DATE, .then = TCB_UP_TO_DATE};
    snp_parts(&p->snp, has);
    snp_parts(newest, met);
    snp_parts(&s->reference->minimum_tcb[p->product], asked);
    for (unsigned i = 0; i < SNP_COMPONENTS; i++) {
        unsigned needed = asked[i] > met[i] ? asked[i] : met[i];

        if (has[i] < needed)
            gap(out, GAP_SNP_COMPONENT, i, has[i], needed);
    }
    out->fails = out->gap_count > 0;
}
