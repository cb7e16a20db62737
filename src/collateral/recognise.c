#include "collateral/recognise.h"

#include "base/limits.h"
#include "base/text.h"
#include "crypto/pem.h"

static bool named(struct bytes common_name, const char *part)
{
    return common_name.n && memmem(common_name.p, common_name.n, part, strlen(part));
}

bool recognise_tcb_signer(const struct certificate *c)
{
    return named(c->subject_cn, "SGX TCB Signing");
}

static void dates_of(struct collateral *out, const struct signed_document *d)
{
    out->issued = d->issued;
    out->expires = d->next_update;
    out->evaluation = d->evaluation;
}

static bool recognise_json(struct arena *a, struct bytes text, struct collateral *out, struct fault *fault)
{
    static const enum collateral_kind identities[] = {[IDENTITY_QE] = COLLATERAL_QE_IDENTITY,
                                                      [IDENTITY_TD_QE] = COLLATERAL_TD_QE_IDENTITY,
                                                      [IDENTITY_QVE] = COLLATERAL_QVE_IDENTITY,
                                                      [IDENTITY_QAE] = COLLATERAL_QAE_IDENTITY};

    out->content = text;
    if (memmem(text.p, text.n, "\"tcbInfo\"", 9)) {
        if (!tcb_info_decode(a, out->file, text, &out->tcb_info, fault))
            return false;
        out->kind = out->tcb_info->tee == TEE_SGX ? COLLATERAL_TCB_INFO_SGX : COLLATERAL_TCB_INFO_TDX;
        out->fmspc = out->tcb_info->fmspc;
        out->version = out->tcb_info->version;
        dates_of(out, &out->tcb_info->document);
        return true;
    }
    if (memmem(text.p, text.n, "\"enclaveIdentity\"", 17)) {
        if (!identity_decode(a, out->file, text, &out->identity, fault))
            return false;
        out->kind = identities[out->identity->kind];
        dates_of(out, &out->identity->document);
        return true;
    }
    if (!memmem(text.p, text.n, "\"tcbEvaluationDataNumbers\"", 26))
        return fault_set(fault, FAULT_SYNTAX, "JSON of no kind of endorsement");
    if (!evaluations_decode(a, out->file, text, &out->evaluations, fault))
        return false;
    out->kind = out->evaluations->tee == TEE_SGX ? COLLATERAL_EVALUATIONS_SGX : COLLATERAL_EVALUATIONS_TDX;
    dates_of(out, &out->evaluations->document);
    return true;
}

/* "Milan", as in the names of AMD's authorities and the paths of KDS. */
static const char *product_name(enum snp_product product)
{
    return amd_authority_name(product, AMD_ARK) + strlen("ARK-");
}

static bool recognise_crl(const struct crl *crl, struct collateral *out, struct fault *fault)
{
    enum snp_product product;
    enum amd_role role;

    if (named(crl->issuer_cn, "SGX Root CA"))
        out->kind = COLLATERAL_ROOT_CRL;
    else if (named(crl->issuer_cn, "PCK Processor CA"))
        out->kind = COLLATERAL_PROCESSOR_CRL;
    else if (named(crl->issuer_cn, "PCK Platform CA"))
        out->kind = COLLATERAL_PLATFORM_CRL;
    else if (amd_authority_by_name(crl->issuer_cn, &product, &role) && role == AMD_ARK)
        out->kind = COLLATERAL_AMD_CRL;
    else
        return fault_set(fault, FAULT_SYNTAX, "a CRL of nobody who vouches for hardware");
    if (out->kind == COLLATERAL_AMD_CRL)
        out->product = product_name(product);
    out->crl = crl;
    out->content = crl->der;
    out->issued = crl->this_update;
    out->expires = crl->has_next_update ? crl->next_update : INT64_MAX;
    return true;
}

static bool amd_leaf_kind(struct arena *a, const struct certificate *c, struct collateral *out, struct fault *fault)
{
    struct amd_leaf leaf;
    struct bytes raw;

    if (!amd_leaf_decode(c, &leaf, fault))
        return false;
    raw = snp_tcb_raw(a, leaf.product, &leaf.tcb);
    out->kind = leaf.vlek ? COLLATERAL_VLEK : COLLATERAL_VCEK;
    out->product = product_name(leaf.product);
    out->hwid = leaf.hw_id;
    for (size_t i = raw.n; i > 0; i--)
        out->tcb = out->tcb << 8 | raw.p[i - 1];
    return true;
}

static bool amd_authority_kind(const struct certificate *c, struct collateral *out)
{
    static const enum collateral_kind kinds[] = {
        [AMD_ARK] = COLLATERAL_AMD_ROOT, [AMD_ASK] = COLLATERAL_VCEK_CHAIN, [AMD_ASVK] = COLLATERAL_VLEK_CHAIN};
    enum snp_product product;
    enum amd_role role;

    if (!c->is_ca || !amd_authority_by_name(c->subject_cn, &product, &role))
        return false;
    out->kind = kinds[role];
    out->product = product_name(product);
    return true;
}

static bool certificate_kind(struct arena *a, const struct certificate *c, struct collateral *out, struct fault *fault)
{
    struct pck_chain pck = {0};

    if (!c->is_ca && amd_leaf_named(c))
        return amd_leaf_kind(a, c, out, fault);
    if (amd_authority_kind(c, out))
        return true;
    if (!c->is_ca && pck_decode(c, &pck, NULL)) {
        out->kind = COLLATERAL_PCK;
        out->fmspc = pck.fmspc;
    } else if (!c->is_ca && recognise_tcb_signer(c)) {
        out->kind = COLLATERAL_TCB_CHAIN;
    } else if (c->is_ca && named(c->subject_cn, "PCK Processor CA")) {
        out->kind = COLLATERAL_PROCESSOR_CHAIN;
    } else if (c->is_ca && named(c->subject_cn, "PCK Platform CA")) {
        out->kind = COLLATERAL_PLATFORM_CHAIN;
    } else if (c->is_ca && named(c->subject_cn, "SGX Root CA")) {
        out->kind = COLLATERAL_INTEL_ROOT;
    } else {
        return fault_set(fault, FAULT_SYNTAX, "a certificate of nobody who vouches for hardware");
    }
    return true;
}

static bool recognise_certificates(struct arena *a, struct bytes text, struct collateral *out, struct fault *fault)
{
    struct writer pem = wr_open(a);
    size_t count;

    if (!certificates_decode(a, text, &out->certificates, &count, fault) ||
        !certificate_kind(a, out->certificates, out, fault))
        return false;
    out->issued = out->certificates->not_before;
    out->expires = INT64_MAX;
    for (const struct certificate *c = out->certificates; c; c = c->next) {
        wr_pem(&pem, "CERTIFICATE", c->der);
        if (c->not_after < out->expires)
            out->expires = c->not_after;
    }
    out->content = wr_done(&pem);
    return true;
}

bool recognise(struct arena *a, struct bytes content, struct collateral *out, struct fault *fault)
{
    const struct crl *crl;
    struct bytes text;

    if (content.n == 0 || content.n > 2 * LIMIT_CRL)
        return fault_set(fault, FAULT_LIMIT, content.n ? "longer than any endorsement" : "the file is empty");
    text = arena_copy(a, content);
    if (bytes_begin(text, "{") || memmem(text.p, text.n, "\"signature\"", 11))
        return recognise_json(a, bytes_trim_nul(text), out, fault);
    if (memmem(text.p, text.n, "-----BEGIN CERTIFICATE", 22))
        return recognise_certificates(a, text, out, fault);
    if (crl_decode(a, text, &crl, NULL))
        return recognise_crl(crl, out, fault);
    if (text.p[0] == 0x30)
        return recognise_certificates(a, text, out, fault);
    return fault_set(fault, FAULT_SYNTAX, "no endorsement: neither TCB data, nor a certificate, nor a CRL");
}

/* Which authority a CRL or chain is of, where others have the same name: simulated roots. */
static const char *whose(struct arena *a, struct bytes key_id)
{
    struct bytes hex = hex_encode(a, bytes_first(key_id, 4));

    return arena_string(a, hex);
}

static const char *lower(struct arena *a, const char *text)
{
    char *out = arena_string(a, bytes_text(text));

    for (char *p = out; *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 'a' - 'A' : *p);
    return out;
}

const char *recognise_name(struct arena *a, const struct collateral *o)
{
    const char *word = collateral_kind_word(o->kind);
    const char *digest = o->certificates ? arena_string(a, hex_encode(a, bytes_make(o->certificates->digest, 8))) : "";
    const char *fmspc = arena_string(a, hex_encode(a, o->fmspc));

    switch (o->kind) {
    case COLLATERAL_TCB_INFO_SGX:
    case COLLATERAL_TCB_INFO_TDX:
        return arena_printf(a, "tcbinfo-%s%s-%s-e%u.json", o->version == 2 ? "v2-" : "",
                            o->kind == COLLATERAL_TCB_INFO_SGX ? "sgx" : "tdx", fmspc, o->evaluation);
    case COLLATERAL_QE_IDENTITY:
    case COLLATERAL_TD_QE_IDENTITY:
    case COLLATERAL_QVE_IDENTITY:
    case COLLATERAL_QAE_IDENTITY: return arena_printf(a, "%s-e%u.json", word, o->evaluation);
    case COLLATERAL_EVALUATIONS_SGX:
    case COLLATERAL_EVALUATIONS_TDX: return arena_printf(a, "%s.json", word);
    case COLLATERAL_ROOT_CRL:
    case COLLATERAL_PROCESSOR_CRL:
    case COLLATERAL_PLATFORM_CRL: return arena_printf(a, "%s-%s.der", word, whose(a, o->crl->authority_key_id));
    case COLLATERAL_AMD_CRL: return arena_printf(a, "%s-%s.der", word, lower(a, o->product));
    case COLLATERAL_VCEK: /* a certificate issued anew for chip and TCB takes the place of the last */
        return arena_printf(a, "vcek-%s-%s-%016llx.pem", lower(a, o->product), arena_string(a, hex_encode(a, o->hwid)),
                            (unsigned long long)o->tcb);
    default: return arena_printf(a, "%s-%s.pem", word, digest);
    }
}
