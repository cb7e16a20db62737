#include "evidence/parts/snp_verify.h"

/* What was sent where the driver's answer stands before the report: a status and a size (snp-cvm.md 5.2). */
enum { DRIVER_HEADER = 32 };

bool snp_report_decode(struct exam *x, struct bytes bytes, struct snp_report *out)
{
    bool whole = snp_report_read(x->arena, bytes, out);

    /* The version first: it tells what was sent better than a length that does not fit. */
    if (!check_found(x, SNP_REPORT_VERSION,
                     out->version >= SNP_REPORT_VERSION_LEAST && out->version <= SNP_REPORT_VERSION_MOST, out->version,
                     "2 to 5")) {
        if (bytes.n == SNP_REPORT_SIZE + DRIVER_HEADER)
            check_note(x->trace, "%d bytes more than a report: the driver's header may stand before it", DRIVER_HEADER);
        return false;
    }
    if (!check_that(x, SNP_REPORT_SHAPE, whole && !out->reserved)) {
        if (whole)
            check_note(x->trace, "%s", out->reserved);
        else
            check_note(x->trace, "%zu bytes", bytes.n);
        return false;
    }
    return check_eq(x, SNP_REPORT_ALGORITHM, out->algorithm, SNP_ALGORITHM_P384);
}

static bool signed_by_a_chip(struct exam *x, const struct snp_report *r)
{
    enum snp_signing_key key = snp_report_key(r);

    if (!check_that(x, SNP_REPORT_KEY, (key == SNP_KEY_VCEK || key == SNP_KEY_VLEK) && !snp_report_key_masked(r))) {
        check_note(x->trace, "signing key %u%s", (unsigned)key, snp_report_key_masked(r) ? ", masked" : "");
        return false;
    }
    return check_found(x, SNP_REPORT_VMPL, r->vmpl <= SNP_VMPL_MOST, r->vmpl, "0 to 3");
}

/* From version 3 on the report tells; before, the chain does, and there was no Turin. */
static bool generation(struct exam *x, const struct snp_report *r, const struct amd_chain *chain, struct snp_basis *out)
{
    bool tells = r->version >= SNP_VERSION_CPUID;
    bool known = tells ? snp_report_product(r, &out->product) : chain->product != SNP_TURIN;

    if (!tells || !known)
        out->product = chain->product;
    if (!check_that(x, SNP_GENERATION, known)) {
        if (tells)
            check_note(x->trace, "family 0x%02x, model 0x%02x", r->family, r->model);
        else
            check_note(x->trace, "a report of version %u, of Turin", r->version);
        return false;
    }
    if (check_that(x, SNP_PRODUCT, chain->product == out->product && chain->leaf.product == out->product))
        return true;
    check_note(x->trace, "the report is of %s, the certificate of %s, the root of %s", snp_product_name(out->product),
               snp_product_name(chain->leaf.product), snp_product_name(chain->product));
    return false;
}

static bool signature_ok(const struct snp_report *r, const struct amd_chain *chain)
{
    const struct public_key *key = &chain->leaf.certificate->key;

    return key->kind == KEY_P384 && signature_verify(key, SIGNATURE_ES384, r->signed_part, r->signature);
}

/* A chip masks its id with zeros, which no VCEK names. */
static bool chip(struct exam *x, const struct snp_report *r, const struct amd_leaf *leaf)
{
    if (leaf->vlek)
        check_skip(x, SNP_CHIP_ID, "a VLEK is a provider's, not a chip's");
    else if (!check_found(x, SNP_CHIP_ID,
                          bytes_equal(r->chip_id, BYTES_OF(leaf->chip_id)) && !bytes_all_zero(r->chip_id), r->chip_id,
                          leaf->hw_id))
        return false;
    return check_found(x, SNP_CHIP_NOT_DENIED,
                       !reference_has(x->settings->reference, REFERENCE_DENIED_CHIPS, r->chip_id), r->chip_id,
                       "a chip that is not denied");
}

static bool tcbs(struct exam *x, const struct snp_report *r, struct snp_basis *b)
{
    const struct snp_tcb *least = &x->settings->reference->minimum_tcb[b->product];
    const struct snp_tcb *certified = &b->chain->leaf.tcb;

    b->reported = snp_tcb_read(b->product, r->reported_tcb);
    b->current = snp_tcb_read(b->product, r->current_tcb);
    b->committed = snp_tcb_read(b->product, r->committed_tcb);
    b->launch = snp_tcb_read(b->product, r->launch_tcb);
    const char *reported = snp_tcb_text(x->arena, b->product, &b->reported);
    return check_found(x, SNP_TCB, snp_tcb_equal(&b->reported, certified), reported,
                       snp_tcb_text(x->arena, b->product, certified)) &&
           check_found(x, SNP_TCB_ORDER,
                       snp_tcb_at_least(&b->current, &b->reported) && snp_tcb_at_least(&b->current, &b->committed),
                       (const char *)arena_printf(x->arena, "reported %s; committed %s", reported,
                                                  snp_tcb_text(x->arena, b->product, &b->committed)),
                       snp_tcb_text(x->arena, b->product, &b->current)) &&
           check_found(x, SNP_TCB_MINIMUM, snp_tcb_at_least(&b->reported, least), reported,
                       snp_tcb_text(x->arena, b->product, least));
}

bool snp_report_verify(struct exam *x, const struct snp_report *r, struct bytes certificates, struct snp_basis *out,
                       bool *absent)
{
    struct amd_query q = {.vlek = snp_report_key(r) == SNP_KEY_VLEK, .chip_id = r->chip_id, .tcb = r->reported_tcb};

    *out = (struct snp_basis){0};
    *absent = false;
    q.has_product = r->version >= SNP_VERSION_CPUID && snp_report_product(r, &q.product);
    if (!signed_by_a_chip(x, r) || !amd_chain_load(x, certificates, &q, &out->chain))
        return false;
    *absent = !out->chain;
    return !*absent && amd_chain_verify(x, out->chain) && generation(x, r, out->chain, out) &&
           check_that(x, SNP_REPORT_SIGNATURE, signature_ok(r, out->chain)) && tcbs(x, r, out) &&
           chip(x, r, &out->chain->leaf);
}
