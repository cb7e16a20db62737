/* The appraisal of `assay verify`: files to endorsements and exam, then the pipeline of the service without its frame. */
#include "base/limits.h"
#include "cli/terminal.h"
#include "cli/verify.h"
#include "crypto/pem.h"
#include "evidence/sgx.h"
#include "evidence/snp.h"
#include "evidence/tdx.h"
#include "simulate/simulate.h"

static bool add_endorsement(struct verification *v, struct endorsements *e, const char *path)
{
    struct fault fault = {0};
    struct bytes text;

    progress("reading %s", path);
    if (!input_file(v->cli->arena, path, LIMIT_TOOL_FILE, &text, &fault) && fault.code == FAULT_SYSTEM) {
        progress(NULL);
        cli_error(v->cli, "%s", fault.text);
        return false;
    }
    if (fault.code == FAULT_NONE)
        endorsements_add(e, path, text, &fault);
    progress(NULL);
    if (fault.code != FAULT_NONE)
        cli_warn(v->cli, "left out: %s", fault.text);
    return true;
}

/* The keys of a file: of its certificates, or bare. */
static bool add_anchor(struct verification *v, struct endorsements *e, const char *path)
{
    struct arena *a = v->cli->arena;
    const struct certificate *c;
    struct public_key key;
    struct fault fault = {0};
    struct pem_block block;
    struct bytes text, der;
    uint8_t digest[SHA256_SIZE];
    size_t count;
    bool found;

    if (!input_file(a, path, LIMIT_TOOL_FILE, &text, &fault)) {
        cli_error(v->cli, "--anchor %s", fault.text);
        return false;
    }
    if (certificates_decode(a, text, &c, &count, &fault)) {
        for (; c; c = c->next)
            endorsements_add_anchor(e, c->spki_digest, simulated_certificate(c));
        return true;
    }
    der = text;
    if (pem_next(a, &text, &block, &found) && found)
        der = block.der;
    if (!public_key_decode(a, der, &key)) {
        cli_misuse(v->cli, "--anchor %s: neither a certificate nor a public key (%s)", path, fault.text);
        return false;
    }
    sha256(der, digest);
    endorsements_add_anchor(e, digest, false);
    return true;
}

bool verify_load_endorsements(struct verification *v)
{
    struct endorsements *e = endorsements_new(LIMIT_TOOL_MEMORY);
    struct path_list files = {0};
    struct fault fault = {0};

    v->endorsements = e;
    for (size_t i = 0; i < v->collateral.n; i++) {
        const char *path = v->collateral.v[i];

        if (!input_is_folder(path)) {
            path_list_add(v->cli->arena, &files, path);
        } else if (!input_folder(v->cli->arena, path, &files, &fault)) {
            cli_error(v->cli, "%s", fault.text);
            return false;
        }
    }
    for (size_t i = 0; i < files.n; i++)
        if (!add_endorsement(v, e, files.v[i]))
            return false;
    for (size_t i = 0; i < v->anchors.n; i++)
        if (!add_anchor(v, e, v->anchors.v[i]))
            return false;
    endorsements_seal(e);
    return true;
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
        size_t count;

        if (input_file(v->cli->arena, v->certs.v[i], LIMIT_TOOL_FILE, &text, &fault) &&
            certificates_decode(v->cli->arena, text, &c, &count, &fault))
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

/* The kinds that are judged here, and how their files are read. */
static const struct judged {
    enum evidence_kind kind;
    const struct attester *attester;
    bool (*decode)(struct verification *, const struct request_data *runtime, const struct request_data *init);
} judged[] = {{KIND_SGX, &sgx_attester, decode_sgx},
              {KIND_OE, &oe_attester, decode_oe},
              {KIND_TDX, &tdx_attester, decode_tdx},
              {KIND_SNP, &snp_attester, decode_snp}};

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
