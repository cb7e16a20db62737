/* The appraisal of `assay verify`: files to endorsements and exam, then the pipeline of the service without its frame. */
#include "base/limits.h"
#include "cli/anchor.h"
#include "cli/terminal.h"
#include "cli/verify.h"
#include "crypto/pem.h"
#include "collateral/bundle.h"
#include "crypto/pem.h"
#include "evidence/azure_guest.h"
#include "evidence/hcl.h"
#include "evidence/logs.h"
#include "evidence/parts/hcl_report.h"
#include "evidence/sgx.h"
#include "evidence/snp.h"
#include "evidence/tdx.h"
#include "evidence/tpm.h"
#include "evidence/tpm_file.h"

/* One file: an endorsement, or a bundle of them. */
static void add_endorsement(struct verification *v, struct endorsements *e, const char *path, struct bytes text)
{
    struct arena *a = v->cli->arena;
    struct folder_entry *parts;
    struct fault fault = {0};
    size_t count;

    if (!bundle_parts(a, path, text, &parts, &count, &fault)) {
        cli_warn(v->cli, "left out: %s: %s", path, fault.text);
        digest_set_add(&v->contents, a, text);
    }
    for (size_t i = 0; i < count; i++) {
        struct fault reason = {0};

        digest_set_add(&v->contents, a, parts[i].content);
        if (!endorsements_add(e, parts[i].name, parts[i].content, &reason))
            cli_warn(v->cli, "left out: %s", reason.text);
    }
}

static bool add_file(struct verification *v, struct endorsements *e, const char *path)
{
    struct fault fault = {0};
    struct bytes text;

    progress("reading %s", path);
    bool ok = input_file(v->cli->arena, path, LIMIT_BUNDLE, &text, &fault) || fault.code != FAULT_SYSTEM;
    progress(NULL);
    if (!ok)
        cli_error(v->cli, "%s", fault.text);
    else if (fault.code != FAULT_NONE)
        cli_warn(v->cli, "left out: %s", fault.text);
    else
        add_endorsement(v, e, path, text);
    return ok;
}

static bool add_folder(struct verification *v, struct endorsements *e, const char *path, struct fault *fault)
{
    struct arena *a = v->cli->arena;
    const struct folder_file *files;
    struct folder f;
    size_t count;

    if (!folder_open(&f, path, FOLDER_READ, fault))
        return false;
    bool ok = folder_list(&f, a, &files, &count, fault);
    for (size_t i = 0; ok && i < count; i++) {
        struct bytes text;
        const char *name = arena_printf(a, "%s/%s", path, files[i].name);

        progress("reading %s", name);
        if (files[i].size > LIMIT_BUNDLE)
            cli_warn(v->cli, "left out: %s: larger than any endorsement", name);
        else if ((ok = folder_read(&f, a, files[i].name, LIMIT_BUNDLE, &text, fault)))
            add_endorsement(v, e, name, text);
    }
    progress(NULL);
    folder_close(&f);
    return ok;
}

static bool add_anchor(struct verification *v, struct endorsements *e, const char *path)
{
    struct anchor_file file;

    if (!anchor_read(v->cli, "--anchor", path, &file))
        return false;
    for (size_t i = 0; i < file.count; i++)
        endorsements_add_anchor(e, file.spki[i], file.simulated[i]);
    return true;
}

bool verify_gather_endorsements(struct verification *v)
{
    struct endorsements *e = endorsements_new(LIMIT_TOOL_MEMORY);
    struct fault fault = {0};

    v->endorsements = e;
    for (size_t i = 0; i < v->collateral.n; i++) {
        const char *path = v->collateral.v[i];

        if (!input_is_folder(path)) {
            if (!add_file(v, e, path))
                return false;
        } else if (!add_folder(v, e, path, &fault)) {
            cli_error(v->cli, "%s", fault.text);
            return false;
        }
    }
    for (size_t i = 0; i < v->anchors.n; i++)
        if (!add_anchor(v, e, v->anchors.v[i]))
            return false;
    return true;
}

bool verify_load_endorsements(struct verification *v)
{
    bool ok = verify_gather_endorsements(v);

    if (ok)
        endorsements_seal(v->endorsements);
    return ok;
}

/* The data that an option named, as a request would carry them. States the check when they are not of the form. */
static bool read_data(struct verification *v, const char *path, bool is_json, enum check_id id,
                      struct request_data *out)
{
    struct arena *a = v->cli->arena;
    struct trace *trace = v->appraisal.exam.trace;
    struct fault fault = {0};

    if (!path)
        return true;
    if (!input_file(a, path, LIMIT_TOOL_FILE, &out->data, &fault)) {
        cli_error(v->cli, "%s", fault.text);
        return false;
    }
    struct hcl_report report;
    if (bytes_begin(out->data, "HCLA") && hcl_report_read(out->data, &report, NULL)) {
        out->data = report.claims; /* of the paravisor's report, what it binds */
        is_json = true;
    }
    out->type = is_json ? DATA_JSON : DATA_BINARY;
    bool ok = out->data.n <= LIMIT_RUNTIME_DATA;
    if (ok && is_json)
        ok = json_parse(a, bytes_trim_nul(out->data), NULL, &out->json, &fault) && out->json->kind == JSON_OBJECT;
    if (!ok) {
        check_record(trace, id, false, CHECK_NO_VALUE, CHECK_NO_VALUE);
        check_note(trace, "%s: %s", path, fault.code ? fault.text : is_json ? "no JSON object" : "too large");
    }
    return true;
}

/* The certificates that were named, joined as PEM: what comes with evidence that brings none of its own. What is no certificate
 * has been warned about as an endorsement. */
static struct bytes joined_certificates(struct verification *v)
{
    struct writer w = wr_open(v->cli->arena);

    for (size_t i = 0; i < v->certs.n; i++) {
        const struct certificate *c;
        struct fault fault = {0};
        struct bytes text;

        if (input_file(v->cli->arena, v->certs.v[i], LIMIT_TOOL_FILE, &text, &fault) &&
            tpm_certificates_decode(v->cli->arena, text, &c, &fault))
            for (; c; c = c->next)
                wr_pem(&w, "CERTIFICATE", c->der);
    }
    return wr_done(&w);
}

static bool decode_snp(struct verification *v, const struct request_data *runtime, const struct request_data *init)
{
    return snp_decode_file(&v->appraisal.exam, v->evidence, joined_certificates(v), runtime, init);
}

static bool decode_sgx(struct verification *v, const struct request_data *runtime, const struct request_data *init)
{
    return sgx_decode_quote(&v->appraisal.exam, v->evidence, runtime, init);
}

static bool decode_oe(struct verification *v, const struct request_data *runtime, const struct request_data *init)
{
    return oe_decode_file(&v->appraisal.exam, v->evidence, runtime, init);
}

static bool decode_tdx(struct verification *v, const struct request_data *runtime, const struct request_data *init)
{
    return tdx_decode_file(&v->appraisal.exam, v->evidence, runtime, init);
}

static bool decode_guest(struct verification *v, const struct request_data *runtime, const struct request_data *init)
{
    (void)runtime, (void)init; /* a whole request, which brings what its hardware binds */
    return guest_decode_file(&v->appraisal.exam, v->evidence);
}

static bool decode_hcl(struct verification *v, const struct request_data *runtime, const struct request_data *init)
{
    (void)runtime, (void)init; /* it brings its own */
    return hcl_decode_file(&v->appraisal.exam, v->evidence, joined_certificates(v));
}

static bool decode_event_log(struct verification *v, const struct request_data *runtime,
                             const struct request_data *init)
{
    (void)runtime, (void)init; /* a log binds nothing */
    return event_log_decode_file(&v->appraisal.exam, v->evidence);
}

static bool decode_ima(struct verification *v, const struct request_data *runtime, const struct request_data *init)
{
    (void)runtime, (void)init;
    return ima_decode_file(&v->appraisal.exam, v->evidence);
}

static bool decode_tpm(struct verification *v, const struct request_data *runtime, const struct request_data *init)
{
    (void)runtime, (void)init; /* the nonce is what it binds */
    return tpm_decode_file(&v->appraisal.exam, v->evidence, joined_certificates(v), v->nonce ? &v->nonce_bytes : NULL);
}

/* A request to /attest/Tpm; its certificates are in it. */
static bool decode_vbs(struct verification *v, const struct request_data *runtime, const struct request_data *init)
{
    (void)runtime, (void)init; /* it binds a challenge and keys of its own */
    return tpm_request_file(&v->appraisal.exam, v->evidence);
}

/* The kinds that are judged here, and how their files are read. */
static const struct judged {
    enum evidence_kind kind;
    const struct attester *attester;
    bool (*decode)(struct verification *, const struct request_data *runtime, const struct request_data *init);
} judged[] = {{KIND_SGX, &sgx_attester, decode_sgx},
              {KIND_OE, &oe_attester, decode_oe},
              {KIND_TDX, &tdx_attester, decode_tdx},
              {KIND_SNP, &snp_attester, decode_snp},
              {KIND_AZURE_GUEST, &guest_attester, decode_guest},
              {KIND_HCL, &hcl_attester, decode_hcl},
              {KIND_TPM, &tpm_file_attester, decode_tpm},
              {KIND_VBS, &tpm_attester, decode_vbs},
              {KIND_EVENTLOG, &event_log_attester, decode_event_log},
              {KIND_IMA, &ima_attester, decode_ima}};

static const struct judged *judged_kind(enum evidence_kind kind)
{
    for (size_t i = 0; i < sizeof judged / sizeof *judged; i++)
        if (judged[i].kind == kind)
            return &judged[i];
    return NULL;
}

static bool decode(struct verification *v, const struct request_data *runtime, const struct request_data *init)
{
    struct exam *x = &v->appraisal.exam;

    if (x->trace->failed)
        return false;
    const struct judged *kind = judged_kind(v->kind);

    if (!check_that(x, EVIDENCE_KIND, kind != NULL)) {
        check_note(x->trace, "%s is evidence of kind %s", v->file, evidence_kind_name(v->kind));
        return false;
    }
    return kind && kind->decode(v, runtime, init);
}

static void begin(struct verification *v)
{
    struct arena *a = v->cli->arena;
    const struct judged *kind = judged_kind(v->kind);

    v->appraisal = (struct appraisal){
        .exam = {.arena = a,
                 .trace = trace_new(a),
                 .endorsements = v->endorsements,
                 .settings = &v->settings,
                 .time = v->time},
        .attester = kind ? kind->attester : &sgx_attester, /* what is of no kind is refused before it matters */
        .policy_text = v->policy,
        .explain = v->explain,
        .draft = true}; /* the policy is the caller's own: its rules may be quoted */
    claims_init(&v->appraisal.exam.incoming, a);
    /* Which registers a quote must cover is a policy's to say; without one, what is quoted is told. */
    if (!v->policy_file)
        v->settings.required_pcrs = 0;
}

static void judge(struct verification *v, const struct request_data *runtime, const struct request_data *init)
{
    v->accepted = decode(v, runtime, init) && core_judge(&v->appraisal, v->policy_file != NULL);
}

bool verify_appraise(struct verification *v)
{
    struct request_data runtime = {0}, init = {0};

    begin(v);
    if (!read_data(v, v->runtime_data, v->runtime_json, CHECK_REQUEST_RUNTIME_DATA, &runtime) ||
        !read_data(v, v->init_data, false, CHECK_REQUEST_INIT_DATA, &init))
        return false;
    progress("verifying %s", v->file);
    judge(v, &runtime, &init);
    progress(NULL);
    return true;
}

void verify_judge(struct verification *v, const struct request_data *runtime, const struct request_data *init)
{
    begin(v);
    judge(v, runtime, init);
}
