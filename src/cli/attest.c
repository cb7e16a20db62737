/* assay attest: send evidence to a service, print its token or its reason. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/recognise.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "net/http.h"

enum {
    OPTION_TYPE = OPTION_BASE,
    OPTION_RUNTIME_DATA,
    OPTION_RUNTIME_TYPE,
    OPTION_INIT_DATA,
    OPTION_INIT_TYPE,
    OPTION_NONCE,
    OPTION_DRAFT_POLICY,
    OPTION_API_VERSION,
    OPTION_CA,
    OPTION_BEARER,
    OPTION_SHOW,
};

struct sending {
    struct cli *cli;
    const char *url, *file;
    const char *type, *runtime_data, *runtime_type, *init_data, *init_type, *nonce, *draft_policy, *api_version,
        *ca_file;
    bool show, json;
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

static bool build(struct sending *s, struct bytes evidence, struct bytes *body)
{
    struct arena *a = s->cli->arena;
    struct json *o = json_new(a, JSON_OBJECT);
    struct bytes policy;

    show_text(a, o, s->evidence_member, base64url_encode(a, evidence));
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

/* What the service refused with: {"error":{"code","message"}}. */
static enum status refused(struct sending *s, const struct http_answer *answer)
{
    const struct json *root = NULL, *error = NULL;
    struct bytes code, message;

    if (json_parse(s->cli->arena, answer->body, NULL, &root, NULL))
        error = json_member(root, "error");
    if (s->json && root)
        put_json(s->cli->arena, root);
    fflush(stdout);
    fprintf(stderr, "%srefused%s by the service with status %d", ink(stderr, INK_BAD), ink(stderr, INK_NONE),
            answer->status);
    if (json_text(json_member(error, "code"), &code)) {
        fputs(", ", stderr);
        put_safe(stderr, code);
    }
    if (json_text(json_member(error, "message"), &message)) {
        fputs("\n", stderr);
        put_safe(stderr, message);
    }
    fputc('\n', stderr);
    return STATUS_REFUSED;
}

static enum status print_token(struct sending *s, const struct http_answer *answer)
{
    struct token_parts parts;
    struct fault fault = {0};
    const struct json *root;
    struct bytes token;

    if (!json_parse(s->cli->arena, answer->body, NULL, &root, &fault) ||
        !json_text(json_member(root, "token"), &token)) {
        cli_error(s->cli, "the service's answer holds no token");
        return STATUS_MISUSE;
    }
    if (!s->show && !s->json) {
        put_safe(stdout, token);
        putchar('\n');
        return STATUS_DONE;
    }
    if (!token_split(s->cli->arena, token, &parts, &fault)) {
        cli_error(s->cli, "the service's token cannot be read: %s", fault.text);
        return STATUS_MISUSE;
    }
    if (s->json) {
        struct json *o = show_token(s->cli->arena, &parts, false);

        show_text(s->cli->arena, o, "token", token);
        put_json(s->cli->arena, o);
    } else {
        put_tree(stdout, show_token(s->cli->arena, &parts, true), 0);
    }
    return STATUS_DONE;
}

/* Without the slashes at its end. */
static const char *base_url(struct arena *a, const char *url)
{
    struct bytes b = bytes_text(url);

    while (b.n && b.p[b.n - 1] == '/')
        b.n--;
    return arena_string(a, b);
}

/* The token of the environment goes to the service that ASSAY_URL names, and to no other that somebody happens to ask. */
static const char *bearer_line(struct arena *a, const char *base)
{
    const char *token = getenv("ASSAY_TOKEN"), *owner = getenv("ASSAY_URL");

    if (!token || !*token || (owner && strcmp(base_url(a, owner), base) != 0))
        return NULL;
    return arena_printf(a, "Authorization: Bearer %s", token);
}

static enum status send(struct sending *s, struct bytes body)
{
    struct arena *a = s->cli->arena;
    const char *base = base_url(a, s->url);
    const char *headers[] = {"Accept: application/json", bearer_line(a, base), NULL};
    struct http_request request = {.url = arena_printf(a, "%s/attest/%s?api-version=%s", base, s->path, s->api_version),
                                   .body = body,
                                   .content_type = "application/json",
                                   .headers = headers,
                                   .ca_file = s->ca_file,
                                   .extra_ca_file = getenv("NODE_EXTRA_CA_CERTS")};
    struct http_answer answer;
    struct fault fault = {0};

    signal(SIGPIPE, SIG_IGN); /* as net/http.h asks */
    progress("sending %zu bytes to %s", body.n, request.url);
    bool ok = http_send(&request, a, &answer, &fault);
    progress(NULL);
    if (!ok) {
        cli_error(s->cli, "%s", fault.text);
        return STATUS_MISUSE;
    }
    return answer.status == 200 ? print_token(s, &answer) : refused(s, &answer);
}

/* Which operation takes this evidence. */
static bool choose(struct sending *s, struct bytes evidence, enum status *status)
{
    enum evidence_kind kind = recognise_evidence(s->cli->arena, evidence);

    *status = STATUS_MISUSE;
    if (s->type && !evidence_kind_by_name(s->type, &kind)) {
        cli_misuse(s->cli, "--type %s: no kind of evidence", s->type);
        return false;
    }
    if (kind == KIND_SGX) {
        s->path = "SgxEnclave";
        s->evidence_member = "quote";
    } else if (kind == KIND_OE) {
        s->path = "OpenEnclave";
        s->evidence_member = "report";
    } else {
        *status = STATUS_REFUSED;
        cli_error(s->cli, "%s: %s", s->file,
                  kind == KIND_UNKNOWN
                      ? "not recognised as evidence; --type names its kind"
                      : arena_printf(s->cli->arena, "evidence of kind %s, which this build does not send",
                                     evidence_kind_name(kind)));
        return false;
    }
    return true;
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
    case OPTION_CA: s->ca_file = value; break;
    case OPTION_SHOW: s->show = true; break;
    default: s->json = true;
    }
    return true;
}

static enum status attest_run(struct cli *cli, int argc, char **argv)
{
    struct sending s = {.cli = cli, .runtime_type = "Binary", .init_type = "Binary", .api_version = "2022-08-01"};
    struct bytes evidence, body;
    struct options o;
    enum status status;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!read_option(&s, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, 2, 2, &status))
        return status;
    s.url = options_operand(&o, 0);
    s.file = options_operand(&o, 1);
    if (!read_file(&s, s.file, &evidence))
        return STATUS_MISUSE;
    if (!choose(&s, evidence, &status))
        return status;
    if (!build(&s, evidence, &body))
        return STATUS_MISUSE;
    return send(&s, body);
}

const struct command attest_command = {
    .name = "attest",
    .summary = "send evidence to a service and print the token",
    .usage = "URL FILE [OPTIONS]",
    .about =
        "URL is the instance, https://name.region.domain[:port]. Prints the token alone, so that it can be piped; a "
        "refusal of the service is printed as it came, with exit status 2. The bearer token in the environment "
        "variable ASSAY_TOKEN is sent along, unless ASSAY_URL names another service.",
    .options =
        (const struct option_row[]){
            {OPTION_TYPE, "type", "KIND", "sgx or oe (default: recognised from the bytes)"},
            {OPTION_RUNTIME_DATA, "runtime-data", "F", "data whose hash is in the report data"},
            {OPTION_RUNTIME_TYPE, "runtime-type", "TYPE", "json or binary (default)"},
            {OPTION_INIT_DATA, "init-data", "F", "data whose hash is in the configuration id"},
            {OPTION_INIT_TYPE, "init-type", "TYPE", "json or binary (default)"},
            {OPTION_NONCE, "nonce", "TEXT", "comes back in the token"},
            {OPTION_DRAFT_POLICY, "draft-policy", "F", "judge by this policy; the token is then unsigned"},
            {OPTION_API_VERSION, "api-version", "VERSION", "default 2022-08-01"},
            {OPTION_CA, "ca", "F",
             "PEM: trust these certificates alone for the connection (default: the system's, and those of the file "
             "that "
             "NODE_EXTRA_CA_CERTS names)"},
            {OPTION_SHOW, "show", NULL, "print the token decoded"},
            OPTION_JSON,
            OPTION_END},
    .examples = "  assay attest https://attest.example quote.bin --runtime-data key.json --runtime-type json\n"
                "  assay attest https://localhost:8443 report.bin --ca state/ca.pem --show\n",
    .run = attest_run,
};
