/* Intel's endorsements as PCS and PCCS serve them (sgx-tdx.md 11.1, 11.2), from other tools' queries. */
#include "base/text.h"
#include "collateral/serving.h"

enum { URI_MOST = 2048, YEAR = 365 * 24 * 3600 };

/* ------------------------------------------------------------------------------------------------- issuer chains */

/* False, and answered, when the chain cannot be told. */
static bool put_chain(struct serving *v, const char *header, const struct certificate *issuer)
{
    struct bytes pem = issuer ? serving_chain(v, issuer) : BYTES_NONE;

    if (pem.n == 0) {
        serving_no_data(v);
        return false;
    }
    serving_header(v, header, serving_escaped(v->arena, pem));
    return true;
}

static const struct certificate *signer_of(const struct serving *v, const struct collateral *o)
{
    const struct catalogue *c = &v->s->catalogue;
    const struct certificate *best = NULL;

    for (size_t i = 0; i < c->signer_count; i++)
        if (memcmp(c->signers[i]->spki_digest, v->s->signer[o - c->v], SHA256_SIZE) == 0 &&
            (!best || serving_lasts_longer(c->signers[i], best, v->r->time)))
            best = c->signers[i];
    return best;
}

/* ----------------------------------------------------------------------------------------------------- documents */

/* Which of several evaluation numbers is asked for. */
struct choice {
    bool by_number, early;
    uint32_t number;
};

static bool read_number(const char *text, uint32_t *out)
{
    uint64_t n;
    bool ok = decimal_parse(bytes_text(text), UINT32_MAX, &n);

    *out = (uint32_t)n;
    return ok;
}

/* False, and answered, for what cannot be. */
static bool read_choice(struct serving *v, struct choice *out)
{
    const char *update = serving_query(v, "update"), *number = serving_query(v, "tcbEvaluationDataNumber");

    *out = (struct choice){.by_number = number != NULL};
    if (update && number) {
        serving_wrong(v, "update and tcbEvaluationDataNumber cannot be sent together.");
        return false;
    }
    if (number && !read_number(number, &out->number)) {
        serving_wrong(v, "tcbEvaluationDataNumber is no number.");
        return false;
    }
    out->early = update && bytes_is_nocase(bytes_text(update), "early");
    if (update && !out->early && !bytes_is_nocase(bytes_text(update), "standard")) {
        serving_wrong(v, "update is neither standard nor early.");
        return false;
    }
    return true;
}

/* What update=standard means: the operator's baseline; else, by Intel's list, the highest number whose recovery event is a
 * year past. UINT32_MAX: the highest at hand. */
static uint32_t standard(const struct serving *v, bool tdx)
{
    const struct catalogue *c = &v->s->catalogue;
    const struct collateral *list = NULL;

    if (v->s->baseline)
        return v->s->baseline;
    for (size_t i = 0; i < c->n; i++)
        if (serving_has(&c->v[i], tdx ? COLLATERAL_EVALUATIONS_TDX : COLLATERAL_EVALUATIONS_SGX) &&
            (!list || collateral_older(list, &c->v[i])))
            list = &c->v[i];
    for (size_t i = 0; list && i < list->evaluations->count; i++)
        if (list->evaluations->numbers[i].recovery_event + YEAR <= v->r->time)
            return list->evaluations->numbers[i].number;
    return UINT32_MAX;
}

/* Is a rather the answer than b? most: the highest number that is wanted, where one so low is at hand. */
static bool preferred(const struct collateral *a, const struct collateral *b, uint32_t most)
{
    bool a_fits = a->evaluation <= most, b_fits = b->evaluation <= most;

    if (a_fits != b_fits)
        return a_fits;
    if (a->evaluation != b->evaluation)
        return a_fits ? a->evaluation > b->evaluation : a->evaluation < b->evaluation;
    return collateral_older(b, a);
}

struct wanted {
    enum collateral_kind kind;
    struct bytes fmspc;
    unsigned version; /* 0: any */
    bool tdx;
};

static bool fits(const struct collateral *o, const struct wanted *w)
{
    return serving_has(o, w->kind) && bytes_equal(o->fmspc, w->fmspc) && (!w->version || o->version == w->version);
}

static void give_document(struct serving *v, const char *header, const struct collateral *o)
{
    if (!put_chain(v, header, signer_of(v, o)))
        return;
    serving_age(v, o);
    serving_body(v, "application/json", o->content);
}

static void document(struct serving *v, const char *header, const struct wanted *w)
{
    const struct catalogue *c = &v->s->catalogue;
    const struct collateral *best = NULL;
    struct choice choice;
    uint32_t highest = 0;

    if (!read_choice(v, &choice))
        return;
    uint32_t most = choice.early ? UINT32_MAX : standard(v, w->tdx);
    for (size_t i = 0; i < c->n; i++) {
        const struct collateral *o = &c->v[i];

        if (!fits(o, w))
            continue;
        highest = o->evaluation > highest ? o->evaluation : highest;
        if (choice.by_number ? o->evaluation == choice.number && (!best || collateral_older(best, o))
                             : !best || preferred(o, best, most))
            best = o;
    }
    if (best)
        give_document(v, header, best);
    else if (choice.by_number && choice.number < highest)
        serving_error(v, 410, "TCB information for this evaluation data number is no longer served.");
    else
        serving_no_data(v);
}

static void tcb(struct serving *v, bool tdx, unsigned version)
{
    const char *text = serving_query(v, "fmspc");
    struct wanted w = {tdx ? COLLATERAL_TCB_INFO_TDX : COLLATERAL_TCB_INFO_SGX, BYTES_NONE, version == 4 ? 3 : 2, tdx};

    if (!text || !hex_decode(v->arena, bytes_text(text), &w.fmspc) || w.fmspc.n != FMSPC_SIZE)
        serving_wrong(v, "fmspc is not 12 hexadecimal digits.");
    else
        document(v, version == 4 ? "TCB-Info-Issuer-Chain" : "SGX-TCB-Info-Issuer-Chain", &w);
}

static void identity(struct serving *v, bool tdx, enum collateral_kind kind)
{
    struct wanted w = {kind, BYTES_NONE, 0, tdx};

    document(v, "SGX-Enclave-Identity-Issuer-Chain", &w);
}

static void evaluations(struct serving *v, bool tdx)
{
    const struct catalogue *c = &v->s->catalogue;
    const struct collateral *best = NULL;

    for (size_t i = 0; i < c->n; i++)
        if (serving_has(&c->v[i], tdx ? COLLATERAL_EVALUATIONS_TDX : COLLATERAL_EVALUATIONS_SGX) &&
            (!best || collateral_older(best, &c->v[i])))
            best = &c->v[i];
    if (best)
        give_document(v, "TCB-Evaluation-Data-Numbers-Issuer-Chain", best);
    else
        serving_no_data(v);
}

/* ---------------------------------------------------------------------------------------------------------- CRLs */

static const struct collateral *newest_crl(const struct serving *v, enum collateral_kind kind)
{
    const struct catalogue *c = &v->s->catalogue;
    const struct collateral *best = NULL;

    for (size_t i = 0; i < c->n; i++)
        if (serving_has(&c->v[i], kind) && (!best || collateral_older(best, &c->v[i])))
            best = &c->v[i];
    return best;
}

static const struct certificate *crl_issuer(const struct serving *v, const struct collateral *o)
{
    const struct catalogue *c = &v->s->catalogue;
    const struct certificate *best = NULL;

    for (size_t i = 0; i < c->authority_count; i++)
        if (bytes_equal(c->authorities[i]->subject, o->crl->issuer) &&
            bytes_equal(c->authorities[i]->subject_key_id, o->crl->authority_key_id) &&
            (!best || serving_lasts_longer(c->authorities[i], best, v->r->time)))
            best = c->authorities[i];
    return best;
}

/* DER is binary; whoever does not ask for it gets the hexadecimal text that PCCS sends, whatever the type says. */
static void give_crl(struct serving *v, const struct collateral *o, const char *type, bool der)
{
    serving_age(v, o);
    serving_body(v, type, der ? o->content : hex_encode(v->arena, o->content));
}

/* By the address that a certificate names, in all the forms of clients. */
static void crl_by_uri(struct serving *v, const char *uri)
{
    static const struct {
        const char *end;
        enum collateral_kind kind;
    } known[] = {{"certificates.trustedservices.intel.com/intelsgxrootca.der", COLLATERAL_ROOT_CRL},
                 {"certificates.trustedservices.intel.com/intelsgxrootca.crl", COLLATERAL_ROOT_CRL},
                 {"certificates.trustedservices.intel.com/intelsgxpckprocessor.crl", COLLATERAL_PROCESSOR_CRL},
                 {"certificates.trustedservices.intel.com/intelsgxpckplatform.crl", COLLATERAL_PLATFORM_CRL},
                 {"/pckcrl?ca=processor", COLLATERAL_PROCESSOR_CRL},
                 {"/pckcrl?ca=platform", COLLATERAL_PLATFORM_CRL}};
    struct bytes text = bytes_text(uri);
    const struct collateral *o = NULL;

    if (text.n > URI_MOST || !(memmem(text.p, text.n, ".trustedservices.intel.com/", 27))) {
        serving_wrong(v, "uri is no address of a CRL of Intel's.");
        return;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known && !o; i++)
        if (strcasestr(uri, known[i].end))
            o = newest_crl(v, known[i].kind);
    if (o)
        give_crl(v, o, "application/pkix-crl", true);
    else
        serving_no_data(v);
}

static void pck_crl(struct serving *v)
{
    const char *ca = serving_query(v, "ca"), *encoding = serving_query(v, "encoding"), *uri = serving_query(v, "uri");
    bool processor = ca && bytes_is_nocase(bytes_text(ca), "processor");
    bool der = encoding && bytes_is_nocase(bytes_text(encoding), "der");

    if (!ca && uri) { /* THIM */
        crl_by_uri(v, uri);
        return;
    }
    if (!processor && !(ca && bytes_is_nocase(bytes_text(ca), "platform"))) {
        serving_wrong(v, "ca is neither processor nor platform.");
        return;
    }
    const struct collateral *o = newest_crl(v, processor ? COLLATERAL_PROCESSOR_CRL : COLLATERAL_PLATFORM_CRL);
    if (!o)
        serving_no_data(v);
    else if (put_chain(v, "SGX-PCK-CRL-Issuer-Chain", crl_issuer(v, o)))
        give_crl(v, o, der ? "application/pkix-crl" : "application/x-pem-file", der);
}

static void root_crl(struct serving *v)
{
    const struct collateral *o = newest_crl(v, COLLATERAL_ROOT_CRL);

    if (o)
        give_crl(v, o, "application/pkix-crl", false);
    else
        serving_no_data(v);
}

static void any_crl(struct serving *v)
{
    const char *uri = serving_query(v, "uri");

    if (uri)
        crl_by_uri(v, uri);
    else
        serving_wrong(v, "uri is missing.");
}

void serve_intel(struct serving *v, bool tdx, unsigned version, struct bytes rest)
{
    if (bytes_is_nocase(rest, "tcb"))
        tcb(v, tdx, version);
    else if (bytes_is_nocase(rest, "qe/identity"))
        identity(v, tdx, tdx ? COLLATERAL_TD_QE_IDENTITY : COLLATERAL_QE_IDENTITY);
    else if (bytes_is_nocase(rest, "tcbevaluationdatanumbers"))
        evaluations(v, tdx);
    else if (!tdx && bytes_is_nocase(rest, "qve/identity"))
        identity(v, tdx, COLLATERAL_QVE_IDENTITY);
    else if (!tdx && bytes_is_nocase(rest, "qae/identity"))
        identity(v, tdx, COLLATERAL_QAE_IDENTITY);
    else if (bytes_is_nocase(rest, "pckcrl"))
        pck_crl(v);
    else if (bytes_is_nocase(rest, "rootcacrl"))
        root_crl(v);
    else if (!tdx && bytes_is_nocase(rest, "crl"))
        any_crl(v);
    else if (!tdx && bytes_is_nocase(rest, "pckcert")) /* which platform a qeid is of, a folder does not tell */
        serving_error(v, 461, "The platform was not found in the cache.");
    else
        serving_error(v, 404, "There is no such path.");
}
