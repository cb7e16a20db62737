#include "evidence/sgx.h"

#include "base/limits.h"
#include "endorsement/intel/intel.h"
#include "evidence/sgx_claims.h"

static const uint8_t intel_vendor[] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                       0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

const char sgx_default_policy[] =
    "version= 1.1;configurationrules{=> issueproperty(type=\"x-ms-sgx-tcbidentifier\", value=\"azuredefault\");};"
    "authorizationrules{=> permit();};issuancerules{"
    "c:[type==\"x-ms-sgx-is-debuggable\"] => issue(type=\"is-debuggable\", value=c.value);"
    "c:[type==\"x-ms-sgx-mrsigner\"] => issue(type=\"sgx-mrsigner\", value=c.value);"
    "c:[type==\"x-ms-sgx-mrenclave\"] => issue(type=\"sgx-mrenclave\", value=c.value);"
    "c:[type==\"x-ms-sgx-product-id\"] => issue(type=\"product-id\", value=c.value);"
    "c:[type==\"x-ms-sgx-svn\"] => issue(type=\"svn\", value=c.value);"
    "c:[type==\"x-ms-attestation-type\"] => issue(type=\"tee\", value=c.value);};";

#define REQUIRED_OF_QUOTES                                                                                             \
    CHECK_REQUEST_EVIDENCE, CHECK_REQUEST_RUNTIME_DATA, CHECK_REQUEST_INIT_DATA, CHECK_SGX_QUOTE_VERSION,              \
        CHECK_SGX_QUOTE_SHAPE, CHECK_SGX_QUOTE_KEY_TYPE, CHECK_SGX_QUOTE_TEE, CHECK_SGX_QUOTE_VENDOR,                  \
        CHECK_SGX_QUOTE_CERTIFICATION, CHECK_INTEL_PCK_SHAPE, CHECK_INTEL_PCK_ANCHOR, CHECK_INTEL_PCK_SIGNATURES,      \
        CHECK_INTEL_PCK_NAMES, CHECK_INTEL_PCK_AUTHORITY, CHECK_INTEL_PCK_ROLE, CHECK_INTEL_PCK_VALIDITY,              \
        CHECK_INTEL_ROOT_CRL_PRESENT, CHECK_INTEL_ROOT_CRL_SIGNATURE, CHECK_INTEL_ROOT_CRL_EXTENSIONS,                 \
        CHECK_INTEL_ROOT_CRL_ISSUED, CHECK_INTEL_ROOT_CRL_FRESH, CHECK_INTEL_PCK_CA_NOT_REVOKED,                       \
        CHECK_INTEL_PCK_CRL_PRESENT, CHECK_INTEL_PCK_CRL_SIGNATURE, CHECK_INTEL_PCK_CRL_EXTENSIONS,                    \
        CHECK_INTEL_PCK_CRL_ISSUED, CHECK_INTEL_PCK_CRL_FRESH, CHECK_INTEL_PCK_NOT_REVOKED,                            \
        CHECK_INTEL_SIGNER_PRESENT, CHECK_INTEL_SIGNER_ANCHOR, CHECK_INTEL_SIGNER_SIGNATURES,                          \
        CHECK_INTEL_SIGNER_NAMES, CHECK_INTEL_SIGNER_AUTHORITY, CHECK_INTEL_SIGNER_ROLE, CHECK_INTEL_SIGNER_VALIDITY,  \
        CHECK_INTEL_SIGNER_NOT_REVOKED, CHECK_INTEL_TCB_INFO_PRESENT, CHECK_INTEL_TCB_INFO_SIGNATURE,                  \
        CHECK_INTEL_TCB_INFO_ISSUED, CHECK_INTEL_TCB_INFO_FRESH, CHECK_INTEL_TCB_INFO_PCE,                             \
        CHECK_INTEL_IDENTITY_PRESENT, CHECK_INTEL_IDENTITY_SIGNATURE, CHECK_INTEL_IDENTITY_ISSUED,                     \
        CHECK_INTEL_IDENTITY_FRESH, CHECK_SGX_QE_SIGNATURE, CHECK_SGX_QE_DEBUG, CHECK_SGX_QE_MISCSELECT,               \
        CHECK_SGX_QE_ATTRIBUTES, CHECK_SGX_QE_SIGNER, CHECK_SGX_QE_PRODUCT, CHECK_SGX_QE_BINDING, CHECK_SGX_QUOTE_KEY, \
        CHECK_SGX_QUOTE_SIGNATURE, CHECK_INTEL_TCB_STATUS, CHECK_SGX_RUNTIME_DATA, CHECK_SGX_REPORT_DATA_TAIL,         \
        CHECK_SGX_INIT_DATA

const enum check_id sgx_required[] = {REQUIRED_OF_QUOTES, CHECK_END};
const enum check_id oe_required[] = {REQUIRED_OF_QUOTES, CHECK_OE_CUSTOM_CLAIMS, CHECK_END};

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

bool sgx_decode_bytes(struct exam *x, struct bytes quote, struct sgx_evidence *e)
{
    struct quote *q = &e->quote;
    bool whole = quote_read(bytes_first(quote, LIMIT_QUOTE), q) && quote.n <= LIMIT_QUOTE;
    struct reader body = rd_open(q->body);

    /* The header first: it tells what was sent better than a length that does not fit. */
    bool epid = q->version >= 1 && q->version <= 3 && q->key_type < QUOTE_KEY_ECDSA_P256;
    if (!check_that(x, SGX_QUOTE_VERSION, q->version >= 3 && q->version <= 5 && !epid)) {
        check_note(x->trace, "version %u, attestation key type %u: %s", q->version, q->key_type, version_note(q));
        return false;
    }
    if (!check_eq(x, SGX_QUOTE_KEY_TYPE, q->key_type, QUOTE_KEY_ECDSA_P256) ||
        !check_eq(x, SGX_QUOTE_TEE, q->tee, QUOTE_TEE_SGX)) {
        check_note(x->trace, q->tee == QUOTE_TEE_TDX ? "this is a TDX quote" : "version %u", q->version);
        return false;
    }
    sgx_report_read(&body, &e->report);
    if (!check_that(x, SGX_QUOTE_SHAPE, whole && rd_end(&body))) {
        check_note(x->trace, "%zu bytes of version %u", quote.n, q->version);
        return false;
    }
    if (check_eq(x, SGX_QUOTE_CERTIFICATION, q->certification_type, QUOTE_CERT_PCK_CHAIN))
        return true;
    check_note(x->trace, "the certification data is of type %u (%s)", q->certification_type,
               quote_certification_name(q->certification_type));
    return false;
}

bool sgx_decode_quote(struct exam *x, struct bytes quote, const struct request_data *runtime,
                      const struct request_data *init)
{
    struct sgx_evidence *e = ARENA_NEW(x->arena, struct sgx_evidence);

    x->evidence = e;
    e->submitted = quote;
    if (runtime)
        e->runtime = *runtime;
    if (init)
        e->init = *init;
    return check_that(x, REQUEST_EVIDENCE, quote.n > 0) && check_that(x, REQUEST_RUNTIME_DATA, true) &&
           check_that(x, REQUEST_INIT_DATA, true) && sgx_decode_bytes(x, quote, e);
}

static bool decode(struct exam *x, const struct json *request)
{
    struct sgx_evidence *e = ARENA_NEW(x->arena, struct sgx_evidence);

    x->evidence = e;
    return request_evidence(x, request, "quote", &e->submitted) && request_runtime(x, request, &e->runtime) &&
           request_init(x, request, &e->init) && sgx_decode_bytes(x, e->submitted, e);
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

static bool tcb_status(struct exam *x, const struct quote *q, const struct pck_chain *chain,
                       const struct intel_basis *basis)
{
    const struct tcb_level *level = tcb_match_sgx(basis->tcb_info, chain);
    const uint16_t never = 1u << TCB_REVOKED | 1u << TCB_NOT_SUPPORTED; /* whatever the operator names (sgx-tdx.md 8) */
    const struct svn_level *qe = svn_match(basis->identity->levels, basis->identity->level_count, q->qe_report.isv_svn);
    enum tcb_status platform = level ? level->status : TCB_NOT_SUPPORTED, of_qe = qe ? qe->status : TCB_NOT_SUPPORTED;

    x->tcb_known = true;
    x->tcb_status = tcb_converge(platform, of_qe);
    if (level) {
        x->advisories = level->advisories;
        x->advisory_count = level->advisory_count;
        x->tcb_date = level->date;
    }
    if (check_found(x, INTEL_TCB_STATUS, x->settings->accepted_sgx & ~never & 1u << x->tcb_status,
                    tcb_status_name(x->tcb_status), "an accepted status"))
        return true;
    check_note(x->trace, "platform %s, quoting enclave %s, evaluation number %u", tcb_status_name(platform),
               tcb_status_name(of_qe), basis->tcb_info->document.evaluation);
    return false;
}

/* First half of `field` is the hash of the data; without data the check is skipped, saying so. */
static bool bound(struct exam *x, enum check_id id, const struct request_data *data, struct bytes field,
                  const char *skipped)
{
    if (data->type == DATA_ABSENT) {
        check_skip_(x->trace, id, skipped);
        return !x->trace->failed;
    }
    struct check_value found = check_bytes(bytes_first(field, SHA256_SIZE));
    struct check_value expected = check_bytes(sha256_of(x->arena, data->data));
    return check_record(x->trace, id, check_same(found, expected), found, expected);
}

static bool caller_data(struct exam *x, const struct sgx_evidence *e)
{
    if (!bound(x, CHECK_SGX_RUNTIME_DATA, &e->runtime, e->report.report_data, "no runtime data was given") ||
        !bound(x, CHECK_SGX_INIT_DATA, &e->init, e->report.config_id, "no init-time data was given"))
        return false;
    if (e->has_custom_claims && !check_eq(x, OE_CUSTOM_CLAIMS, bytes_first(e->report.report_data, SHA256_SIZE),
                                          sha256_of(x->arena, e->custom_claims)))
        return false;
    if (e->open_enclave && !e->has_custom_claims)
        check_skip(x, OE_CUSTOM_CLAIMS, "an Open Enclave report has no custom claims");
    if (!x->settings->report_data_tail_zero) {
        check_skip(x, SGX_REPORT_DATA_TAIL, "report_data_tail = ignore");
        return !x->trace->failed;
    }
    return check_that(x, SGX_REPORT_DATA_TAIL, bytes_all_zero(bytes_after(e->report.report_data, SHA256_SIZE)));
}

bool sgx_verify(struct exam *x)
{
    const struct sgx_evidence *e = x->evidence;
    const struct quote *q = &e->quote;
    const struct pck_chain *chain;
    struct intel_basis basis;

    if (!check_eq(x, SGX_QUOTE_VENDOR, q->vendor, BYTES_OF(intel_vendor)) ||
        !pck_chain_load(x, q->certification, &chain) || !pck_chain_verify(x, chain) ||
        !intel_basis_verify(x, TEE_SGX, chain, &basis))
        return false;
    if (!basis.tcb_info || !basis.identity || !basis.root_crl)
        return true; /* a mutant let something pass that is not there: what was not reached refuses */
    if (!signatures(x, q, chain, basis.identity) || !tcb_status(x, q, chain, &basis) || !caller_data(x, e))
        return false;
    sgx_claims(x, e, &basis);
    return true;
}

const struct attester sgx_attester = {
    .path = "SgxEnclave",
    .type = "sgx",
    .default_policy = sgx_default_policy,
    .required = sgx_required,
    .decode = decode,
    .verify = sgx_verify,
};
