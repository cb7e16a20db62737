#include "evidence/parts/quote_verify.h"

#include "base/limits.h"
#include "base/text.h"
#include "endorsement/forecast.h"

static const uint8_t intel_vendor[] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                       0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

/* What it is that is no quote of ours. The wrappings of Open Enclave begin with their version as 32 bits, then a type (1, 2)
 * or a format's UUID, where quotes have zeros or the TEE. */
static const char *version_note(const struct quote *q)
{
    if (q->key_type == 0 && q->version == 1 && (q->tee == 1 || q->tee == 2))
        return "an Open Enclave report: it goes to OpenEnclave";
    if (q->key_type == 0 && q->version == 3 && q->tee != 0)
        return "Open Enclave evidence with its header, where a quote must be";
    if (q->version >= 1 && q->version <= 3)
        return "an EPID quote: Intel's attestation service for EPID has ended";
    return q->version == 0 ? "not a quote" : "an unknown version";
}

static bool of_tee(struct exam *x, const struct quote *q, enum intel_tee tee)
{
    return tee == TEE_SGX ? check_eq(x, SGX_QUOTE_TEE, q->tee, QUOTE_TEE_SGX)
                          : check_eq(x, TDX_QUOTE_TEE, q->tee, QUOTE_TEE_TDX);
}

bool quote_decode(struct exam *x, struct bytes bytes, enum intel_tee tee, struct quote *q)
{
    bool whole = quote_read(bytes_first(bytes, LIMIT_QUOTE), q) && bytes.n <= LIMIT_QUOTE;

    /* The header first: it tells what was sent better than a length that does not fit. */
    bool epid = q->version >= 1 && q->version <= 3 && q->key_type < QUOTE_KEY_ECDSA_P256;
    if (!check_that(x, SGX_QUOTE_VERSION, q->version >= 3 && q->version <= 5 && !epid)) {
        check_note(x->trace, "version %u, attestation key type %u: %s", q->version, q->key_type, version_note(q));
        return false;
    }
    if (!check_eq(x, SGX_QUOTE_KEY_TYPE, q->key_type, QUOTE_KEY_ECDSA_P256) || !of_tee(x, q, tee)) {
        check_note(x->trace,
                   q->tee == QUOTE_TEE_TDX && tee == TEE_SGX   ? "this is a TDX quote"
                   : q->tee == QUOTE_TEE_SGX && tee == TEE_TDX ? "this is an SGX quote"
                                                               : "version %u",
                   q->version);
        return false;
    }
    if (!check_that(x, SGX_QUOTE_SHAPE, whole)) {
        check_note(x->trace, "%zu bytes of version %u", bytes.n, q->version);
        return false;
    }
    if (check_eq(x, SGX_QUOTE_CERTIFICATION, q->certification_type, QUOTE_CERT_PCK_CHAIN))
        return true;
    check_note(x->trace, "the certification data is of type %u (%s)", q->certification_type,
               quote_certification_name(q->certification_type));
    return false;
}

/* Found & mask, for comparisons under a mask. */
static struct bytes masked(struct arena *a, struct bytes found, struct bytes mask)
{
    uint8_t *p = arena_alloc(a, found.n);

    for (size_t i = 0; i < found.n && i < mask.n; i++)
        p[i] = found.p[i] & mask.p[i];
    return bytes_make(p, found.n);
}

/* The quoting enclave is the one that Intel describes (sgx-tdx.md 7 D 3). */
static bool qe_identity(struct exam *x, const struct sgx_report *qe, const struct enclave_identity *id)
{
    return check_that(x, SGX_QE_DEBUG, !(qe->flags & SGX_FLAG_DEBUG)) &&
           check_eq(x, SGX_QE_MISCSELECT, masked(x->arena, qe->miscselect, id->miscselect_mask),
                    masked(x->arena, id->miscselect, id->miscselect_mask)) &&
           check_eq(x, SGX_QE_ATTRIBUTES, masked(x->arena, qe->attributes, id->attributes_mask),
                    masked(x->arena, id->attributes, id->attributes_mask)) &&
           check_eq(x, SGX_QE_SIGNER, qe->mrsigner, id->mrsigner) &&
           check_eq(x, SGX_QE_PRODUCT, qe->isv_prod_id, id->isv_prod_id);
}

static bool ecdsa_over(const struct public_key *key, struct bytes message, struct bytes signature)
{
    uint8_t hash[SHA256_SIZE];

    sha256(message, hash);
    return ecdsa_verify(key, BYTES_OF(hash), signature);
}

/* PCK key signs the QE's report, which vouches for the attestation key, which signs the quote (sgx-tdx.md 7 D, E). */
static bool signatures(struct exam *x, const struct quote *q, const struct pck_chain *chain,
                       const struct enclave_identity *id)
{
    struct bytes vouched[] = {q->attestation_key, q->qe_auth_data};
    struct public_key key = {.kind = KEY_P256, .point = q->attestation_key};
    uint8_t hash[SHA256_SIZE];

    digest_parts(DIGEST_SHA256, vouched, 2, hash);
    if (!check_that(x, SGX_QE_SIGNATURE, ecdsa_over(&chain->leaf->key, q->qe_report_bytes, q->qe_signature)) ||
        !qe_identity(x, &q->qe_report, id) ||
        !check_eq(x, SGX_QE_BINDING, bytes_first(q->qe_report.report_data, SHA256_SIZE),
                  arena_copy(x->arena, BYTES_OF(hash))))
        return false;
    /* Verification itself looks whether the point is on the curve; only a refusal asks why. */
    bool ok = ecdsa_over(&key, q->signed_part, q->signature);
    return check_that(x, SGX_QUOTE_KEY, ok || public_key_from_point(q->attestation_key, &(struct public_key){0})) &&
           check_that(x, SGX_QUOTE_SIGNATURE, ok);
}

/* Checks that fail because an endorsement is not here, or not a new one. All are made after the path of the PCK certificate was
 * verified: nobody can have endorsements fetched for a platform that does not exist. */
static bool lacks_endorsement(const struct exam *x)
{
    static const enum check_id ids[] = {
        CHECK_INTEL_ROOT_CRL_PRESENT, CHECK_INTEL_ROOT_CRL_FRESH,   CHECK_INTEL_PCK_CRL_PRESENT,
        CHECK_INTEL_PCK_CRL_FRESH,    CHECK_INTEL_SIGNER_PRESENT,   CHECK_INTEL_TCB_INFO_PRESENT,
        CHECK_INTEL_TCB_INFO_FRESH,   CHECK_INTEL_IDENTITY_PRESENT, CHECK_INTEL_IDENTITY_FRESH};
    const struct trace_entry *failure = trace_failure(x->trace);

    for (size_t i = 0; failure && i < sizeof ids / sizeof *ids; i++)
        if (failure->id == ids[i])
            return true;
    return false;
}

/* intel/TEE/FMSPC/CA, with the evaluation number where the policy or the configuration chose one. */
static void name_wanted(struct exam *x, enum intel_tee tee, const struct pck_chain *chain)
{
    static const char platform[] = "Platform";
    struct bytes fmspc = hex_encode(x->arena, chain->fmspc), name = chain->leaf->issuer_cn;
    uint32_t baseline = x->settings->baseline ? x->settings->baseline : x->settings->default_baseline;
    bool is_platform = name.n && memmem(name.p, name.n, platform, sizeof platform - 1);
    const char *number = baseline ? arena_printf(x->arena, "/%u", baseline) : "";

    x->wanted = bytes_text(arena_printf(x->arena, "intel/%s/%.*s/%s%s", tee == TEE_TDX ? "tdx" : "sgx", (int)fmspc.n,
                                        (const char *)fmspc.p, is_platform ? "platform" : "processor", number));
}

bool quote_verify(struct exam *x, const struct quote *q, enum intel_tee tee, struct quote_basis *out, bool *absent)
{
    *absent = false;
    if (!check_eq(x, SGX_QUOTE_VENDOR, q->vendor, BYTES_OF(intel_vendor)) ||
        !pck_chain_load(x, q->certification, &out->chain))
        return false;
    if (!pck_chain_verify(x, out->chain) || !intel_basis_verify(x, tee, out->chain, &out->intel)) {
        if (lacks_endorsement(x))
            name_wanted(x, tee, out->chain);
        return false;
    }
    *absent = !out->intel.tcb_info || !out->intel.identity || !out->intel.root_crl;
    return !*absent && signatures(x, q, out->chain, out->intel.identity);
}

const struct tcb_verdict *quote_judge_tcb(struct exam *x, const struct quote_basis *basis,
                                          const struct tcb_platform *platform)
{
    struct tcb_verdict *v = ARENA_NEW(x->arena, struct tcb_verdict);

    tcb_judge(basis->intel.tcb_info, basis->intel.identity, platform, v);
    x->tcb = v;
    struct platform_identity *remembered = ARENA_NEW(x->arena, struct platform_identity);
    *remembered = platform_of_intel(basis->chain, platform);
    x->platform = remembered;
    return v;
}

bool quote_tcb_status(struct exam *x, const struct quote_basis *basis, uint16_t accepted)
{
    const struct tcb_verdict *v = x->tcb;
    const uint16_t never = 1u << TCB_REVOKED | 1u << TCB_NOT_SUPPORTED; /* whatever the operator names (sgx-tdx.md 8) */
    bool tdx = basis->intel.tcb_info->tee == TEE_TDX;

    x->tcb_known = true;
    x->tcb_status = v->status;
    if (v->level) {
        x->advisories = v->level->advisories;
        x->advisory_count = v->level->advisory_count;
        x->tcb_date = v->level->date;
    }
    if (check_found(x, INTEL_TCB_STATUS, accepted & ~never & 1u << v->status, tcb_status_name(v->status),
                    "an accepted status"))
        return true;
    check_note(x->trace, "platform %s%s%s, quoting enclave %s, evaluation number %u",
               tcb_status_name(tdx ? v->tdx_status : v->sgx_status), tdx ? ", TDX module " : "",
               tdx ? tcb_status_name(v->module_status) : "", tcb_status_name(v->qe_status),
               basis->intel.tcb_info->document.evaluation);
    return false;
}
