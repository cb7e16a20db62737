#include "evidence/sgx_claims.h"

#include "base/text.h"
#include "evidence/sgx.h"

enum { BOTH = CLAIM_POLICY | CLAIM_TOKEN };

static void collateral_hash(struct exam *x, struct json *object, const char *name, const uint8_t hash[SHA256_SIZE])
{
    json_set(object, bytes_text(name), json_new_text(x->arena, hex_encode(x->arena, bytes_make(hash, SHA256_SIZE))));
}

/* x-ms-sgx-collateral: hashes of all that the verdict rests on (sgx-tdx.md 10). */
static void collateral_claim(struct exam *x, const struct sgx_evidence *e, const struct intel_basis *b)
{
    struct json *object = json_new(x->arena, JSON_OBJECT);
    uint8_t quote[SHA256_SIZE];

    sha256(e->submitted, quote);
    collateral_hash(x, object, "qeidcertshash", b->identity_chain->hash);
    collateral_hash(x, object, "qeidcrlhash", b->root_crl->pem_hash);
    collateral_hash(x, object, "qeidhash", b->identity->document.hash);
    collateral_hash(x, object, "quotehash", quote);
    collateral_hash(x, object, "tcbinfocertshash", b->tcb_info_chain->hash);
    collateral_hash(x, object, "tcbinfocrlhash", b->root_crl->pem_hash);
    collateral_hash(x, object, "tcbinfohash", b->tcb_info->document.hash);
    claims_json(&x->incoming, "x-ms-sgx-collateral", object, CLAIM_TOKEN);
    claims_json(&x->incoming, "maa-attestationcollateral", object, CLAIM_TOKEN);
}

static void caller_claims(struct exam *x, const struct sgx_evidence *e)
{
    if (e->runtime.type == DATA_BINARY) {
        struct bytes ehd = base64url_encode(x->arena, e->runtime.data);

        claims_text(&x->incoming, "x-ms-sgx-ehd", ehd, CLAIM_TOKEN);
        claims_text(&x->incoming, "aas-ehd", ehd, CLAIM_TOKEN);
        claims_text(&x->incoming, "maa-ehd", ehd, CLAIM_TOKEN);
    }
    if (e->runtime.type == DATA_JSON)
        claims_json(&x->incoming, "x-ms-runtime", e->runtime.json, CLAIM_TOKEN);
    if (e->init.type == DATA_JSON)
        claims_json(&x->incoming, "x-ms-inittime", e->init.json, CLAIM_TOKEN);
}

/* Only enclaves that use Key Separation and Sharing have these fields. */
static void kss_claims(struct exam *x, const struct sgx_report *r)
{
    if (!(r->flags & SGX_FLAG_KSS))
        return;
    claims_hex(&x->incoming, "x-ms-sgx-config-id", r->config_id, BOTH);
    claims_integer(&x->incoming, "x-ms-sgx-config-svn", r->config_svn, BOTH);
    claims_hex(&x->incoming, "x-ms-sgx-isv-extended-product-id", r->isv_ext_product_id, BOTH);
    claims_hex(&x->incoming, "x-ms-sgx-isv-family-id", r->isv_family_id, BOTH);
}

/* Names that policies of 2019 and 2020 match; never in a token. */
static void old_names(struct exam *x, const struct sgx_report *r)
{
    claims_boolean(&x->incoming, "$is-debuggable", r->flags & SGX_FLAG_DEBUG, CLAIM_POLICY);
    claims_integer(&x->incoming, "$product-id", r->isv_prod_id, CLAIM_POLICY);
    claims_hex(&x->incoming, "$sgx-mrsigner", r->mrsigner, CLAIM_POLICY);
    claims_hex(&x->incoming, "$sgx-mrenclave", r->mrenclave, CLAIM_POLICY);
    claims_integer(&x->incoming, "$svn", r->isv_svn, CLAIM_POLICY);
    claims_text(&x->incoming, "$tee", BYTES_LIT("sgx"), CLAIM_POLICY);
}

void sgx_claims(struct exam *x, const struct sgx_evidence *e, const struct intel_basis *basis)
{
    const struct sgx_report *r = &e->report;

    claims_text(&x->incoming, "x-ms-attestation-type", BYTES_LIT("sgx"), CLAIM_POLICY);
    claims_boolean(&x->incoming, "x-ms-sgx-is-debuggable", r->flags & SGX_FLAG_DEBUG, BOTH);
    claims_integer(&x->incoming, "x-ms-sgx-product-id", r->isv_prod_id, BOTH);
    claims_hex(&x->incoming, "x-ms-sgx-mrsigner", r->mrsigner, BOTH);
    claims_hex(&x->incoming, "x-ms-sgx-mrenclave", r->mrenclave, BOTH);
    claims_integer(&x->incoming, "x-ms-sgx-svn", r->isv_svn, BOTH);
    claims_hex(&x->incoming, "x-ms-sgx-report-data", r->report_data, BOTH);
    claims_text(&x->incoming, "x-ms-sgx-tcbidentifier", x->settings->tcb_identifier, CLAIM_TOKEN);
    kss_claims(x, r);
    old_names(x, r);
    caller_claims(x, e);
    collateral_claim(x, e, basis);
}
