/* assay attest: send evidence to a service, print its token or its reason. */
#include <signal.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/recognise.h"
#include "cli/remote.h"
#include "cli/self.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "crypto/pem.h"
#include "crypto/x509.h"

enum {
    OPTION_TYPE = OPTION_BASE,
    OPTION_RUNTIME_DATA,
    OPTION_RUNTIME_TYPE,
    OPTION_INIT_DATA,
    OPTION_INIT_TYPE,
    OPTION_NONCE,
    OPTION_DRAFT_POLICY,
    OPTION_API_VERSION,
    OPTION_CERTS,
    OPTION_TRUST,
    OPTION_BEARER,
    OPTION_SHOW,
    OPTION_SELF,
};

struct sending {
    struct cli *cli;
    struct remote remote;
    const char *file;
    const char *type, *runtime_data, *runtime_type, *init_data, *init_type, *nonce, *draft_policy, *api_version, *certs;
    bool show, is_self, self_used;
    struct self self;
    const char *path; /* "SgxEnclave" */
    const char *evidence_member;
};

static bool read_file(struct sending *s, const char *path, struct bytes *out)
{
    struct fault fault = {0};

    if (input_file(s->cli->arena, path, LIMIT_TOOL_FILE, out, &fault))
        return true;
    cli_error(s->cli, "%s", fault.text);
    return false;
}

static bool add_data(struct sending *s, struct json *body, const char *member, const char *path, const char *type)
{
    struct arena *a = s->cli->arena;
    struct json *o = json_new(a, JSON_OBJECT);
    struct bytes data;

    if (!path)
        return true;
    if (!read_file(s, path, &data))
        return false;
    show_text(a, o, "data", base64url_encode(a, data));
    show_string(a, o, "dataType", type);
    show_tree(body, member, o);
    return true;
}

/* The certificates of a file as PEM, whatever their form. */
static bool read_certificates(struct sending *s, struct bytes *pem)
{
    struct arena *a = s->cli->arena;
    struct writer w = wr_open(a);
    const struct certificate *c;
    struct fault fault = {0};
    struct bytes text;
    size_t count;

    if (!read_file(s, s->certs, &text))
        return false;
    if (!certificates_decode(a, text, &c, &count, &fault)) {
        cli_error(s->cli, "--certs %s: %s", s->certs, fault.text);
        return false;
    }
    for (; c; c = c->next)
        wr_pem(&w, "CERTIFICATE", c->der);
    *pem = wr_done(&w);
    return true;
}

/* A SEV-SNP report travels in an object, with its certificates; a file that is such an object goes as it is. */
static bool wrap_report(struct sending *s, struct bytes *evidence)
{
    struct arena *a = s->cli->arena;
    struct json *o = json_new(a, JSON_OBJECT);
    struct bytes pem;

    if (!bytes_equal(bytes_text(s->path), BYTES_LIT("SevSnpVm")) || bytes_begin(bytes_without_mark(*evidence), "{")) {
        if (s->certs)
            cli_misuse(s->cli, "--certs is for a bare SEV-SNP report");
        return !s->certs;
    }
    show_text(a, o, "SnpReport", base64url_encode(a, *evidence));
    if (s->certs) {
        if (!read_certificates(s, &pem))
            return false;
        show_text(a, o, "VcekCertChain", base64url_encode(a, pem));
    }
    *evidence = json_print(a, o, JSON_IN_ORDER);
    return true;
}

/* Evidence that is a whole request goes as it is, with what options add. */
static bool add_evidence(struct sending *s, struct json *o, struct bytes evidence)
{
    struct arena *a = s->cli->arena;
    const struct json *request;
    struct fault fault = {0};

    if (s->evidence_member) {
        if (!wrap_report(s, &evidence))
            return false;
        show_text(a, o, s->evidence_member, base64url_encode(a, evidence));
        return true;
    }
    if (s->certs || s->runtime_data || s->init_data) {
        cli_misuse(s->cli, "--certs, --runtime-data, --init-data: a request to %s has its own", s->path);
        return false;
    }
    if (!json_parse(a, bytes_without_mark(bytes_trim_end(evidence)), NULL, &request, &fault)) {
        cli_error(s->cli, "%s: %s", s->file, fault.text);
        return false;
    }
    if (request->kind != JSON_OBJECT) {
        cli_error(s->cli, "%s: JSON, but no object", s->file);
        return false;
    }
    JSON_EACH (member, request)
        if (!(s->nonce && bytes_is_nocase(member->name, "nonce")) &&
            !(s->draft_policy && bytes_is_nocase(member->name, "draftPolicyForAttestation")))
            json_set(o, member->name, json_link(a, member));
    return true;
}

static bool build(struct sending *s, struct bytes evidence, struct bytes *body)
{
    struct arena *a = s->cli->arena;
    struct json *o = json_new(a, JSON_OBJECT);
    struct bytes policy;

    if (!add_evidence(s, o, evidence))
        return false;
    if (!add_data(s, o, "runtimeData", s->runtime_data, s->runtime_type) ||
        !add_data(s, o, "initTimeData", s->init_data, s->init_type))
        return false;
    if (s->nonce)
        show_string(a, o, "nonce", s->nonce);
    if (s->draft_policy) {
        if (!read_file(s, s->draft_policy, &policy))
            return false;
        show_text(a, o, "draftPolicyForAttestation", policy);
    }
    *body = json_print(a, o, JSON_IN_ORDER);
    return true;
}

/* Of an Azure guest: its TPM alone can open it. */
static enum status print_sealed(struct sending *s, struct bytes token)
{
    struct arena *a = s->cli->arena;
    struct json *o = json_new(a, JSON_OBJECT);
    const struct json *envelope;
    struct bytes text;

    show_string(a, o, "kind", "sealed-token");
    if (base64_decode(a, token, &text, NULL) && json_parse(a, text, NULL, &envelope, NULL))
        show_tree(o, "envelope", json_link(a, envelope));
    show_text(a, o, "token", token);
    if (s->remote.json)
        put_json(a, o);
    else
        put_tree(stdout, o, 0);
    return STATUS_DONE;
}

static enum status print_token(struct sending *s, struct bytes token)
{
    struct token_parts parts;
    struct fault fault = {0};

    if (!s->show && !s->remote.json) {
        put_safe(stdout, token);
        putchar('\n');
        return STATUS_DONE;
    }
    if (!memchr(token.p, '.', token.n))
        return print_sealed(s, token);
    if (!token_split(s->cli->arena, token, &parts, &fault)) {
        cli_error(s->cli, "the service's token cannot be read: %s", fault.text);
        return STATUS_MISUSE;
    }
    if (s->remote.json) {
        struct json *o = show_token(s->cli->arena, &parts, false);

        show_text(s->cli->arena, o, "token", token);
        put_json(s->cli->arena, o);
    } else {
        put_tree(stdout, show_token(s->cli->arena, &parts, true), 0);
    }
    return STATUS_DONE;
}

static enum status send(struct sending *s, struct bytes body)
{
    struct remote_request request = {
        .path = arena_printf(s->cli->arena, "/attest/%s?api-version=%s", s->path, s->api_version),
        .body = body,
        .content_type = "application/json"};
    struct http_answer answer;
    struct bytes token;

    if (!remote_send(&s->remote, &request, &answer))
        return STATUS_MISUSE;
    if (answer.status != 200)
        return remote_refused(&s->remote, &request, &answer);
    return remote_token(&s->remote, &answer, &token) ? print_token(s, token) : STATUS_MISUSE;
}

/* Evidence of this machine itself. */
static enum status send_self(struct sending *s)
{
    struct agent_wish *wish = &s->self.wish;
    struct fault fault = {0};
    struct agent_outcome out;
    bool ok;

    if (s->draft_policy)
        return cli_misuse(s->cli, "--draft-policy is for evidence in a file");
    if ((s->runtime_data && !read_file(s, s->runtime_data, &wish->runtime_data)) ||
        (s->init_data && !read_file(s, s->init_data, &wish->init_data)) ||
        (s->certs && !read_certificates(s, &s->self.machine.certificates)) || !self_open(&s->self, s->type))
        return STATUS_MISUSE;
    wish->runtime_type = s->runtime_type;
    wish->init_type = s->init_type;
    wish->api_version = s->api_version;
    wish->nonce = s->nonce ? bytes_text(s->nonce) : BYTES_NONE;
    signal(SIGPIPE, SIG_IGN); /* as net/http.h asks */
    progress("attesting to %s", s->remote.base);
    ok = self_attest(&s->self, &s->remote, NULL, s->cli->arena, &out, &fault);
    progress(NULL);
    if (ok)
        return print_token(s, out.token);
    if (out.refused)
        return remote_refused(&s->remote, &(struct remote_request){0}, &out.answer);
    cli_error(s->cli, "%s", fault.text);
    return STATUS_MISUSE;
}

/* Which operation takes this evidence, in which member. */
static const struct operation {
    enum evidence_kind kind;
    const char *path, *member, *api_version; /* the one that SDKs send */
} operations[] = {{KIND_SGX, "SgxEnclave", "quote", "2022-08-01"},
                  {KIND_OE, "OpenEnclave", "report", "2022-08-01"},
                  {KIND_TDX, "TdxVm", "quote", "2025-06-01"},
                  {KIND_SNP, "SevSnpVm", "report", "2022-08-01"},
                  {KIND_AZURE_GUEST, "AzureGuest", NULL, "2020-10-01"}}; /* the file is the request */

static bool choose(struct sending *s, struct bytes evidence, enum status *status)
{
    enum evidence_kind kind = recognise_evidence(s->cli->arena, evidence);

    *status = STATUS_MISUSE;
    if (s->type && !evidence_kind_by_name(s->type, &kind)) {
        cli_misuse(s->cli, "--type %s: no kind of evidence", s->type);
        return false;
    }
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (operations[i].kind == kind) {
            s->path = operations[i].path;
            s->evidence_member = operations[i].member;
            s->api_version = s->api_version ? s->api_version : operations[i].api_version;
            return true;
        }
    *status = STATUS_REFUSED;
    cli_error(s->cli, "%s: %s", s->file,
              kind == KIND_UNKNOWN ? "not recognised as evidence; --type names its kind"
                                   : arena_printf(s->cli->arena, "evidence of kind %s, which this build does not send",
                                                  evidence_kind_name(kind)));
    return false;
}

static bool data_type(struct cli *cli, const char *option, const char *value, const char **out)
{
    bool is_json = bytes_is_nocase(bytes_text(value), "json");

    *out = is_json ? "JSON" : "Binary";
    if (is_json || bytes_is_nocase(bytes_text(value), "binary"))
        return true;
    cli_misuse(cli, "%s %s: json or binary", option, value);
    return false;
}

static bool read_option(struct sending *s, int id, const char *value)
{
    switch (id) {
    case OPTION_TYPE: s->type = value; break;
    case OPTION_RUNTIME_DATA: s->runtime_data = value; break;
    case OPTION_RUNTIME_TYPE: return data_type(s->cli, "--runtime-type", value, &s->runtime_type);
    case OPTION_INIT_DATA: s->init_data = value; break;
    case OPTION_INIT_TYPE: return data_type(s->cli, "--init-type", value, &s->init_type);
    case OPTION_NONCE: s->nonce = value; break;
    case OPTION_DRAFT_POLICY: s->draft_policy = value; break;
    case OPTION_API_VERSION: s->api_version = value; break;
    case OPTION_CERTS: s->certs = value; break;
    case OPTION_TRUST: s->remote.ca_file = value; break;
    case OPTION_BEARER: s->remote.token_file = value; break;
    case OPTION_SHOW: s->show = true; break;
    case OPTION_SELF: s->is_self = true; break;
    case 'j': s->remote.json = true; break;
    default: s->self_used = true; return self_option(&s->self, id, value);
    }
    return true;
}

static enum status attest_run(struct cli *cli, int argc, char **argv)
{
    struct sending s = {.cli = cli,
                        .remote.cli = cli,
                        .self = {.cli = cli, .machine.metadata = AGENT_METADATA},
                        .runtime_type = "Binary",
                        .init_type = "Binary"};
    struct bytes evidence, body;
    struct options o;
    enum status status;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!read_option(&s, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, 1, s.is_self ? 1 : 2, &status))
        return status;
    s.remote.url = options_operand(&o, 0);
    s.file = options_operand(&o, 1);
    if (!s.is_self && !s.file)
        return cli_misuse(cli, "what evidence? FILE, or --self for that of this machine");
    if (!s.is_self && s.self_used)
        return cli_misuse(cli, "options about this machine go with --self");
    if (!remote_open(&s.remote) || (!s.is_self && !read_file(&s, s.file, &evidence)))
        return STATUS_MISUSE;
    if (s.is_self)
        return send_self(&s);
    if (!choose(&s, evidence, &status))
        return status;
    if (!build(&s, evidence, &body))
        return STATUS_MISUSE;
    return send(&s, body);
}

const struct command attest_command = {
    .name = "attest",
    .summary = "send evidence to a service and print the token",
    .usage = "URL FILE|--self [OPTIONS]",
    .about =
        "URL is the instance, https://name.region.domain[:port]. Prints the token alone, so that it can be piped; a "
        "refusal of the service is printed as it came, with exit status 2. The bearer token in the environment "
        "variable ASSAY_TOKEN is sent along, unless ASSAY_URL names another service.",
    .options =
        (const struct option_row[]){
            {OPTION_TYPE, "type", "KIND",
             "sgx, oe, tdx, snp or azure-guest (default: recognised from the bytes); with --self tpm, azure-guest, snp "
             "or tdx "
             "(default: by what the machine has)"},
            {OPTION_SELF, "self", NULL, "evidence of this machine: from its TPM, or its processor"},
            {OPTION_CERTS, "certs", "F", "certificates to send with a bare SEV-SNP report"},
            {OPTION_RUNTIME_DATA, "runtime-data", "F", "data whose hash is in the report data"},
            {OPTION_RUNTIME_TYPE, "runtime-type", "TYPE", "json or binary (default)"},
            {OPTION_INIT_DATA, "init-data", "F", "data whose hash is in the configuration id"},
            {OPTION_INIT_TYPE, "init-type", "TYPE", "json or binary (default)"},
            {OPTION_NONCE, "nonce", "TEXT", "comes back in the token"},
            {OPTION_DRAFT_POLICY, "draft-policy", "F", "judge by this policy; the token is then unsigned"},
            {OPTION_API_VERSION, "api-version", "VERSION", "default 2022-08-01; for tdx 2025-06-01"},
            OPTION_CA(OPTION_TRUST),
            OPTION_TOKEN_FILE(OPTION_BEARER),
            {OPTION_SHOW, "show", NULL, "print the token decoded"},
            OPTION_JSON,
            OPTIONS_SELF,
            OPTION_END},
    .examples = "  assay attest https://attest.example quote.bin --runtime-data key.json --runtime-type json\n"
                "  assay attest https://localhost:8443 report.bin --ca state/ca.pem --show\n"
                "  assay attest https://attest.example --self --type tpm --nonce abc --show\n",
    .run = attest_run,
};
