/* AMD's endorsements as KDS and Azure's caches serve them (snp-cvm.md 1.10, 1.11). */
#include "base/text.h"
#include "collateral/serving.h"
#include "crypto/pem.h"

static const char *const products[] = {"Milan", "Genoa", "Turin"};

static const char *product_of(struct bytes text)
{
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        if (bytes_is_nocase(text, products[i]))
            return products[i];
    return NULL;
}

/* The newest of a kind; product, chip and TCB where they are asked for. */
static const struct collateral *find(const struct serving *v, enum collateral_kind kind, const char *product,
                                     struct bytes hwid, const uint64_t *tcb)
{
    const struct catalogue *c = &v->s->catalogue;
    const struct collateral *best = NULL;

    for (size_t i = 0; i < c->n; i++) {
        const struct collateral *o = &c->v[i];

        if (serving_has(o, kind) && (!product || (o->product && strcmp(o->product, product) == 0)) &&
            (!hwid.n || bytes_equal(o->hwid, hwid)) && (!tcb || o->tcb == *tcb) && (!best || collateral_older(best, o)))
            best = o;
    }
    return best;
}

static bool read_level(struct serving *v, const char *name, bool needed, uint64_t *out)
{
    const char *text = serving_query(v, name);

    *out = 0;
    return text ? decimal_parse(bytes_text(text), UINT8_MAX, out) : !needed;
}

/* The TCB of a query, as the number whose least byte is the first of a report's. */
static bool read_tcb(struct serving *v, const char *product, uint64_t *out)
{
    bool turin = strcmp(product, "Turin") == 0;
    uint64_t bl, tee, snp, ucode, fmc;

    if (!read_level(v, "blSPL", true, &bl) || !read_level(v, "teeSPL", true, &tee) ||
        !read_level(v, "snpSPL", true, &snp) || !read_level(v, "ucodeSPL", true, &ucode) ||
        !read_level(v, "fmcSPL", turin, &fmc))
        return false;
    *out = turin ? fmc | bl << 8 | tee << 16 | snp << 24 | ucode << 56 : bl | tee << 8 | snp << 48 | ucode << 56;
    return true;
}

static void chip(struct serving *v, const char *product, struct bytes text)
{
    const struct collateral *o;
    struct bytes hwid;
    uint64_t tcb;

    if (!hex_decode(v->arena, text, &hwid) || hwid.n != (strcmp(product, "Turin") == 0 ? 8 : 64)) {
        serving_wrong(v, "The chip's id is not hexadecimal of the product's length.");
        return;
    }
    if (!read_tcb(v, product, &tcb)) {
        serving_wrong(v, "blSPL, teeSPL, snpSPL and ucodeSPL (for Turin also fmcSPL) are numbers from 0 to 255.");
        return;
    }
    o = find(v, COLLATERAL_VCEK, product, hwid, &tcb);
    if (!o) {
        serving_no_data(v);
        return;
    }
    serving_age(v, o);
    serving_body(v, "application/pkix-cert", o->certificates->der);
}

/* ASK or ASVK, then ARK. */
static struct bytes chain_of(const struct serving *v, bool vlek, const char *product)
{
    const struct collateral *o =
        find(v, vlek ? COLLATERAL_VLEK_CHAIN : COLLATERAL_VCEK_CHAIN, product, BYTES_NONE, NULL);

    return o ? serving_chain(v, o->certificates) : BYTES_NONE;
}

static void give_chain(struct serving *v, bool vlek, const char *product)
{
    struct bytes chain = chain_of(v, vlek, product);

    if (chain.n == 0)
        serving_no_data(v);
    else
        serving_body(v, "application/x-pem-file", chain);
}

static void give_crl(struct serving *v, const char *product)
{
    const struct collateral *o = find(v, COLLATERAL_AMD_CRL, product, BYTES_NONE, NULL);

    if (!o) {
        serving_no_data(v);
        return;
    }
    serving_age(v, o);
    serving_body(v, "application/pkix-crl", o->content);
}

void serve_kds(struct serving *v, bool vlek, struct bytes rest)
{
    const char *product = product_of(serving_part(&rest));

    if (!product)
        serving_error(v, 404, "There is no such product.");
    else if (bytes_is_nocase(rest, "cert_chain"))
        give_chain(v, vlek, product);
    else if (bytes_is_nocase(rest, "crl"))
        give_crl(v, product);
    else if (!vlek)
        chip(v, product, rest);
    else
        serving_no_data(v); /* whose VLEK is asked for, only credentials tell */
}

/* A VCEK by chip and TCB in 16 hexadecimal digits, and its chain. False, and answered, when they are not there. */
static bool by_names(struct serving *v, struct bytes chip_id, struct bytes tcb_text, const struct collateral **vcek,
                     struct bytes *chain)
{
    struct bytes id;
    uint8_t raw[8];
    uint64_t tcb = 0;

    if (!hex_decode(v->arena, chip_id, &id) || (id.n != 64 && id.n != 8) ||
        !hex_decode_exact(tcb_text, raw, sizeof raw)) {
        serving_wrong(v, "The chip's id or the TCB is not hexadecimal of the right length.");
        return false;
    }
    for (size_t i = 0; i < sizeof raw; i++)
        tcb = tcb << 8 | raw[i];
    *vcek = find(v, COLLATERAL_VCEK, NULL, id, &tcb);
    if (!*vcek && id.n == 64 && bytes_all_zero(bytes_after(id, 8))) /* Turin's have 8 bytes */
        *vcek = find(v, COLLATERAL_VCEK, "Turin", bytes_first(id, 8), &tcb);
    *chain = *vcek ? chain_of(v, false, (*vcek)->product) : BYTES_NONE;
    if (chain->n)
        return true;
    serving_no_data(v);
    return false;
}

void serve_thim_certificates(struct serving *v, struct bytes rest)
{
    const struct collateral *vcek;
    struct bytes chain;
    struct bytes id = serving_part(&rest);
    struct writer w = wr_open(v->arena);

    if (!by_names(v, id, rest, &vcek, &chain))
        return;
    wr_pem(&w, "CERTIFICATE", vcek->certificates->der);
    wr_put(&w, chain);
    serving_age(v, vcek);
    serving_body(v, "application/x-pem-file", wr_done(&w));
}

void serve_thim_certification(struct serving *v)
{
    const char *id = serving_query(v, "platformId"), *tcb = serving_query(v, "tcbVersion");
    const struct collateral *vcek;
    struct bytes chain;
    struct arena *a = v->arena;
    struct json *o = json_new(a, JSON_OBJECT);

    if (!id || !tcb) {
        serving_wrong(v, "platformId and tcbVersion are needed.");
        return;
    }
    if (!by_names(v, bytes_text(id), bytes_text(tcb), &vcek, &chain))
        return;
    JSON_SET(o, "vcekCert", json_new_text(a, pem_encode(a, "CERTIFICATE", vcek->certificates->der)));
    JSON_SET(o, "tcbm", json_new_text(a, bytes_text(arena_printf(a, "%016llX", (unsigned long long)vcek->tcb))));
    JSON_SET(o, "certificateChain", json_new_text(a, chain));
    JSON_SET(o, "cacheControl", json_new_text(a, BYTES_LIT("86400")));
    serving_age(v, vcek);
    serving_body(v, "application/json", json_print(a, o, JSON_IN_ORDER));
}
