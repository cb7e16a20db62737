#include "evidence/sgx.h"

#include "evidence/parts/quote_verify.h"
#include "evidence/sgx_claims.h"

const char sgx_default_policy[] =
    "version= 1.1;configurationrules{=> issueproperty(type=\"x-ms-sgx-tcbidentifier\", value=\"azuredefault\");};"
    "authorizationrules{=> permit();};issuancerules{"
    "c:[type==\"x-ms-sgx-is-debuggable\"] => issue(type=\"is-debuggable\", value=c.value);"
    "c:[type==\"x-ms-sgx-mrsigner\"] => issue(type=\"sgx-mrsigner\", value=c.value);"
    "c:[type==\"x-ms-sgx-mrenclave\"] => issue(type=\"sgx-mrenclave\", value=c.value);"
    "c:[type==\"x-ms-sgx-product-id\"] => issue(type=\"product-id\", value=c.value);"
    "c:[type==\"x-ms-sgx-svn\"] => issue(type=\"svn\", value=c.value);"
    "c:[type==\"x-ms-attestation-type\"] => issue(type=\"tee\", value=c.value);};";

#define REQUIRED_OF_SGX \
    QUOTE_CHECKS, CHECK_SGX_QUOTE_TEE, CHECK_SGX_RUNTIME_DATA, CHECK_SGX_REPORT_DATA_TAIL, CHECK_SGX_INIT_DATA

const enum check_id sgx_required[] = {REQUIRED_OF_SGX, CHECK_END};
const enum check_id oe_required[] = {REQUIRED_OF_SGX, CHECK_OE_CUSTOM_CLAIMS, CHECK_END};

bool sgx_decode_bytes(struct exam *x, struct bytes quote, struct sgx_evidence *e)
{
    bool ok = quote_decode(x, quote, TEE_SGX, &e->quote);
    struct reader body = rd_open(e->quote.body);

    sgx_report_read(&body, &e->report);
    return ok;
}

bool sgx_decode_quote(struct exam *x, struct bytes quote, const struct request_data *runtime,
                      const struct request_data *init)
{
    struct sgx_evidence *e = ARENA_NEW(x->arena, struct sgx_evidence);

    x->evidence = e;
    e->submitted = quote;
    return request_given(x, quote, runtime, init, &e->runtime, &e->init) && sgx_decode_bytes(x, quote, e);
}

static bool decode(struct exam *x, const struct json *request)
{
    struct sgx_evidence *e = ARENA_NEW(x->arena, struct sgx_evidence);

    x->evidence = e;
    return request_evidence(x, request, "quote", &e->submitted) && request_runtime(x, request, &e->runtime) &&
           request_init(x, request, &e->init) && sgx_decode_bytes(x, e->submitted, e);
}

static bool caller_data(struct exam *x, const struct sgx_evidence *e)
{
    if (!request_data_bound(x, CHECK_SGX_RUNTIME_DATA, &e->runtime, e->report.report_data,
                            "no runtime data was given") ||
        !request_data_bound(x, CHECK_SGX_INIT_DATA, &e->init, e->report.config_id, "no init-time data was given"))
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
    struct quote_basis basis;
    bool absent;

    if (!quote_verify(x, &e->quote, TEE_SGX, &basis, &absent))
        return absent;
    struct tcb_platform platform = tcb_platform_of(TEE_SGX, basis.chain, e->quote.qe_report.isv_svn);
    quote_judge_tcb(x, &basis, &platform);
    if (!quote_tcb_status(x, &basis, x->settings->accepted_sgx) || !caller_data(x, e))
        return false;
    sgx_claims(x, e, &basis.intel);
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
