#include "evidence/tdx.h"

#include "evidence/parts/quote_verify.h"
#include "evidence/tdx_claims.h"

/* Format TDX_QUOTE_ECDSA of Open Enclave evidence, as stored, and the header that it stands in (sgx-tdx.md 9.3). */
static const uint8_t oe_format[] = {0x8b, 0xa7, 0x02, 0x86, 0xc1, 0xcf, 0x11, 0xed,
                                    0xaf, 0xa1, 0x02, 0x42, 0xac, 0x12, 0x00, 0x02};
enum { OE_FORMAT_AT = 4, OE_HEADER = 32 };

const enum check_id tdx_required[] = {QUOTE_CHECKS,
                                      CHECK_TDX_QUOTE_TEE,
                                      CHECK_TDX_REPORT_VM,
                                      CHECK_TDX_MODULE_KNOWN,
                                      CHECK_TDX_MODULE_SIGNER,
                                      CHECK_TDX_MODULE_ATTRIBUTES,
                                      CHECK_TDX_RUNTIME_DATA,
                                      CHECK_TDX_REPORT_DATA_TAIL,
                                      CHECK_TDX_INIT_DATA,
                                      CHECK_END};

bool tdx_decode_quote(struct exam *x, struct bytes quote, struct tdx_evidence *e)
{
    if (!quote_decode(x, quote, TEE_TDX, &e->quote))
        return false;
    td_report_read(e->quote.body, &e->report);
    return true;
}

bool tdx_is_wrapped(struct bytes file)
{
    return bytes_equal(bytes_first(bytes_after(file, OE_FORMAT_AT), sizeof oe_format), BYTES_OF(oe_format));
}

bool tdx_decode_file(struct exam *x, struct bytes file, const struct request_data *runtime,
                     const struct request_data *init)
{
    struct tdx_evidence *e = ARENA_NEW(x->arena, struct tdx_evidence);

    x->evidence = e;
    e->submitted = tdx_is_wrapped(file) ? bytes_after(file, OE_HEADER) : file;
    return request_given(x, e->submitted, runtime, init, &e->runtime, &e->init) && tdx_decode_quote(x, e->submitted, e);
}

static bool decode(struct exam *x, const struct json *request)
{
    struct tdx_evidence *e = ARENA_NEW(x->arena, struct tdx_evidence);

    x->evidence = e;
    return request_evidence(x, request, "quote", &e->submitted) && request_runtime(x, request, &e->runtime) &&
           request_init(x, request, &e->init) && tdx_decode_quote(x, e->submitted, e);
}

struct tcb_platform tdx_platform(const struct tdx_evidence *e, const struct pck_chain *chain)
{
    struct tcb_platform p = tcb_platform_of(TEE_TDX, chain, e->quote.qe_report.isv_svn);

    memcpy(p.tee_tcb_svn, e->report.tee_tcb_svn.p, sizeof p.tee_tcb_svn);
    /* The longest form has it too, but Intel describes the update beneath a running TD for this one alone. */
    p.has_current = e->quote.body_type == QUOTE_BODY_TD15;
    if (p.has_current)
        memcpy(p.current_tcb_svn, e->report.current_tcb_svn.p, sizeof p.current_tcb_svn);
    return p;
}

/* The module that runs the TD is one that Intel describes for this platform (sgx-tdx.md 7 F 6). */
static bool module_identity(struct exam *x, const struct td_report *r, const struct tdx_module *m)
{
    if (!check_that(x, TDX_MODULE_KNOWN, m != NULL)) {
        check_note(x->trace, "the module's version is %u, its SVN %u", r->tee_tcb_svn.p[1], r->tee_tcb_svn.p[0]);
        return false;
    }
    if (!m)
        return true; /* only a mutant comes here; the status of such a module is refused */
    return check_eq(x, TDX_MODULE_SIGNER, r->mrsignerseam, m->mrsigner) &&
           check_found(x, TDX_MODULE_ATTRIBUTES,
                       bytes_all_zero(r->seam_attributes) && bytes_equal(r->seam_attributes, m->attributes),
                       r->seam_attributes, m->attributes);
}

/* MRCONFIGID is longer than the hash: what is left of it is zero (claims.md 2). */
static bool init_data(struct exam *x, const struct tdx_evidence *e)
{
    struct bytes found = e->report.mrconfigid, hash = sha256_of(x->arena, e->init.data);

    if (e->init.type == DATA_ABSENT) {
        check_skip(x, TDX_INIT_DATA, "no init-time data was given");
        return !x->trace->failed;
    }
    return check_found(x, TDX_INIT_DATA,
                       bytes_equal(bytes_first(found, SHA256_SIZE), hash) &&
                           bytes_all_zero(bytes_after(found, SHA256_SIZE)),
                       found, hash);
}

static bool caller_data(struct exam *x, const struct tdx_evidence *e)
{
    if (!request_data_bound(x, CHECK_TDX_RUNTIME_DATA, &e->runtime, e->report.report_data,
                            "no runtime data was given") ||
        !init_data(x, e))
        return false;
    if (!x->settings->report_data_tail_zero) {
        check_skip(x, TDX_REPORT_DATA_TAIL, "report_data_tail = ignore");
        return !x->trace->failed;
    }
    return check_that(x, TDX_REPORT_DATA_TAIL, bytes_all_zero(bytes_after(e->report.report_data, SHA256_SIZE)));
}

bool tdx_verify_quote(struct exam *x, struct tdx_evidence *e, bool *absent)
{
    struct quote_basis basis;

    if (!quote_verify(x, &e->quote, TEE_TDX, &basis, absent))
        return false;
    struct tcb_platform platform = tdx_platform(e, basis.chain);
    const struct tcb_verdict *verdict = quote_judge_tcb(x, &basis, &platform);
    return check_eq(x, TDX_REPORT_VM, e->report.vm_id, 0) && module_identity(x, &e->report, verdict->module) &&
           quote_tcb_status(x, &basis, x->settings->accepted_tdx);
}

bool tdx_verify(struct exam *x)
{
    struct tdx_evidence *e = x->evidence;
    bool absent = false;

    if (!tdx_verify_quote(x, e, &absent))
        return absent;
    if (!caller_data(x, e))
        return false;
    tdx_claims(x, e);
    return true;
}

const struct attester tdx_attester = {
    .path = "TdxVm",
    .type = "tdxvm",
    .default_policy = "version= 1.0;authorizationrules{=> permit();};", /* policy.md 8 */
    .required = tdx_required,
    .decode = decode,
    .verify = tdx_verify,
};
