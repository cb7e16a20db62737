#include "evidence/snp.h"

#include "base/text.h"
#include "endorsement/forecast.h"
#include "evidence/snp_claims.h"

static const char default_policy[] = "version= 1.0;authorizationrules{=> permit();};";

const enum check_id snp_required[] = {
    CHECK_REQUEST_EVIDENCE, CHECK_REQUEST_RUNTIME_DATA, CHECK_REQUEST_INIT_DATA, CHECK_SNP_REQUEST, SNP_REPORT_CHECKS,
    CHECK_SNP_RUNTIME_DATA, CHECK_SNP_REPORT_DATA_TAIL, CHECK_SNP_INIT_DATA,     CHECK_UVM_SHAPE,   CHECK_END};

static bool refuse(struct exam *x, const char *member, const char *why)
{
    if (check_that(x, SNP_REQUEST, false))
        return true;
    check_note(x->trace, "%s: %s", member, why);
    return false;
}

/* A member in base64; absent, null and empty are the same. NULL, or why it is none. */
static const char *read_member(struct exam *x, const struct json *object, const char *name, struct bytes *out)
{
    const struct json *member = json_member_nocase(object, name);
    struct bytes text;

    *out = BYTES_NONE;
    if (!member || member->kind == JSON_NULL)
        return NULL;
    if (!json_text(member, &text))
        return "no text";
    return base64_decode(x->arena, text, out, NULL) ? NULL : "no base64";
}

/* {SnpReport, VcekCertChain, Endorsements} (snp-cvm.md 2.2). */
static bool read_object(struct exam *x, struct bytes text, struct snp_evidence *e)
{
    struct {
        const char *name;
        struct bytes *out;
    } members[] = {
        {"SnpReport", &e->report_bytes}, {"VcekCertChain", &e->certificates}, {"Endorsements", &e->endorsements}};
    struct fault fault = {0};
    const struct json *object;

    if (!json_parse(x->arena, bytes_without_mark(bytes_trim_end(text)), &(struct json_rules){.fold_case = true},
                    &object, &fault))
        return refuse(x, "report", fault.text);
    if (object->kind != JSON_OBJECT)
        return refuse(x, "report", "JSON, but no object");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *why = read_member(x, object, members[i].name, members[i].out);

        if (why)
            return refuse(x, members[i].name, why);
    }
    return e->report_bytes.n ? check_that(x, SNP_REQUEST, true) : refuse(x, "SnpReport", "missing");
}

static bool decode_parts(struct exam *x, struct snp_evidence *e)
{
    return snp_report_decode(x, e->report_bytes, &e->report) && uvm_decode(x, e->endorsements, &e->uvm);
}

bool snp_decode_object(struct exam *x, struct bytes text, struct snp_evidence *e)
{
    return read_object(x, text, e) && decode_parts(x, e);
}

bool snp_decode_report(struct exam *x, struct bytes report, struct bytes certificates, struct snp_evidence *e)
{
    e->report_bytes = report;
    e->certificates = certificates;
    return check_that(x, SNP_REQUEST, true) && decode_parts(x, e);
}

static bool decode(struct exam *x, const struct json *request)
{
    struct snp_evidence *e = ARENA_NEW(x->arena, struct snp_evidence);
    struct bytes object;

    x->evidence = e;
    return request_evidence(x, request, "report", &object) && request_runtime(x, request, &e->runtime) &&
           request_init(x, request, &e->init) && snp_decode_object(x, object, e);
}

/* Text that begins an object, bare or in base64 ("eyJ", "ew0K" and the like). */
static struct bytes object_in(struct arena *a, struct bytes file)
{
    struct bytes text = bytes_without_mark(bytes_trim_end(file)), decoded;

    if (bytes_begin(text, "{"))
        return text;
    if (bytes_begin(text, "e") && base64_decode(a, text, &decoded, NULL) && bytes_begin(decoded, "{"))
        return decoded;
    return BYTES_NONE;
}

bool snp_decode_file(struct exam *x, struct bytes file, struct bytes certificates, const struct request_data *runtime,
                     const struct request_data *init)
{
    struct snp_evidence *e = ARENA_NEW(x->arena, struct snp_evidence);
    struct bytes object = object_in(x->arena, file);

    x->evidence = e;
    e->report_bytes = file;
    if (!request_given(x, file, runtime, init, &e->runtime, &e->init))
        return false;
    if (!(object.n ? read_object(x, object, e) : check_that(x, SNP_REQUEST, true)))
        return false;
    if (!e->certificates.n)
        e->certificates = certificates;
    return decode_parts(x, e);
}

/* snp-cvm.md 2.3: the tail belongs to the binding, so it is looked at only with runtime data. */
static bool caller_data(struct exam *x, const struct snp_evidence *e)
{
    if (!request_data_bound(x, CHECK_SNP_RUNTIME_DATA, &e->runtime, e->report.report_data,
                            "no runtime data was given") ||
        !request_data_bound(x, CHECK_SNP_INIT_DATA, &e->init, e->report.host_data, "no init-time data was given"))
        return false;
    if (e->runtime.type != DATA_ABSENT)
        return check_that(x, SNP_REPORT_DATA_TAIL, bytes_all_zero(bytes_after(e->report.report_data, SHA256_SIZE)));
    check_skip(x, SNP_REPORT_DATA_TAIL, "no runtime data was given");
    return !x->trace->failed;
}

bool snp_verify_report(struct exam *x, struct snp_evidence *e, bool *absent)
{
    if (!snp_report_verify(x, &e->report, e->certificates, &e->basis, absent))
        return false;
    struct platform_identity *remembered = ARENA_NEW(x->arena, struct platform_identity);
    *remembered = platform_of_amd(e->basis.product, e->report.chip_id, &e->basis.reported);
    x->platform = remembered;
    return true;
}

bool snp_verify(struct exam *x)
{
    struct snp_evidence *e = x->evidence;
    bool absent;

    if (!snp_verify_report(x, e, &absent))
        return absent;
    if (!caller_data(x, e) || !uvm_verify(x, &e->uvm, e->report.measurement))
        return false;
    snp_claims(x, e);
    return true;
}

const struct attester snp_attester = {
    .path = "SevSnpVm",
    .type = "sevsnpvm",
    .default_policy = default_policy,
    .required = snp_required,
    .decode = decode,
    .verify = snp_verify,
};
