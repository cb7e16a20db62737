/* assay policy get | set | reset | shadow: the policies that a service holds. */
#include <stdio.h>

#include "base/text.h"
#include "cli/policy_upload.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "policy/policy.h"

static struct json *text_or_null(struct arena *a, struct bytes text)
{
    return text.n ? json_new_text(a, text) : json_new(a, JSON_NULL);
}

static struct json *hash_or_null(struct arena *a, struct bytes text)
{
    return text.n ? json_new_text(a, policy_hash(a, text)) : json_new(a, JSON_NULL);
}

static struct json *signer_or_null(struct arena *a, const struct policy_held *held)
{
    return held->is_signed ? json_new_text(a, policy_held_signer(a, held)) : json_new(a, JSON_NULL);
}

enum status policy_get_do(struct policy_call *c)
{
    struct arena *a = c->remote.cli->arena;
    struct json *o = json_new(a, JSON_OBJECT);
    struct policy_held held;
    enum status status;

    if (!policy_held_now(c, !c->jws || c->remote.json, &held, &status))
        return status;
    if (c->remote.json) {
        JSON_SET(o, "policy", text_or_null(a, text_clean(a, held.text)));
        JSON_SET(o, "policyHash", hash_or_null(a, held.text));
        JSON_SET(o, "signer", signer_or_null(a, &held));
        show_text(a, o, "jws", held.jws);
        put_json(a, o);
    } else if (c->jws) {
        put_safe(stdout, held.jws);
        putchar('\n');
    } else if (held.text.n) {
        policy_held_describe(a, &held);
        put_remote_text(held.text, false);
    } else {
        cli_warn(c->remote.cli, "there is no %spolicy for %s", c->shadow ? "shadow " : "", c->type);
    }
    return STATUS_DONE;
}

/* Sends an upload. The service must say that it did what was asked, and tell the hash of what was sent, where there is one. */
static bool change(struct policy_call *c, const struct remote_request *request, const char *expected,
                   enum status *status)
{
    struct arena *a = c->remote.cli->arena;
    const struct json *payload;
    struct bytes hash = BYTES_NONE, result = BYTES_NONE;
    const char *wrong = NULL;

    if (policy_call_token(c, request, &payload, status)) {
        bool hashed = request->method != NULL;

        json_text(json_member(payload, "x-ms-policy-result"), &result);
        json_text(json_member(payload, "x-ms-policy-token-hash"), &hash);
        if (!bytes_is(result, expected))
            wrong = arena_printf(a, "x-ms-policy-result is not %s", expected);
        else if (hashed && !bytes_equal(hash, policy_held_hash(a, request->body)))
            wrong = "x-ms-policy-token-hash is not that of what was sent";
        if (!wrong)
            return true;
        *status = STATUS_REFUSED;
        cli_error(c->remote.cli, "the service's answer is refused: %s", wrong);
    }
    if (!c->refused)
        cli_warn(c->remote.cli, "whether the change was made is not known; `assay policy get` and `history` tell");
    return false;
}

/* What became of it, and what is different now. */
static void report(const struct policy_call *c, const char *result, const struct policy_held *sent,
                   const struct policy_held *before, const struct policy_held *now)
{
    struct arena *a = c->remote.cli->arena;
    struct json *o = json_new(a, JSON_OBJECT);
    bool removed = sent->text.n == 0;

    show_string(a, o, "result", result);
    JSON_SET(o, "tokenHash", removed ? json_new(a, JSON_NULL) : json_new_text(a, policy_held_hash(a, sent->jws)));
    JSON_SET(o, "signer", signer_or_null(a, sent));
    JSON_SET(o, "policyHash", hash_or_null(a, now->text));
    JSON_SET(o, "previousPolicyHash", hash_or_null(a, before->text));
    if (c->remote.json) {
        put_json(a, o);
        return;
    }
    put_tree(stdout, o, 0);
    if (!put_policy_diff(a, BYTES_LIT("before"), before->text, BYTES_LIT("now"), now->text))
        puts("the text is the same as before");
}

/* What is in force before a change, to show what is different afterwards. One that cannot be read must not keep a better one
 * out. */
static bool read_before(struct policy_call *c, struct policy_held *before, enum status *status)
{
    struct policy_held held;

    if (!policy_held_now(c, false, before, status))
        return false;
    if (policy_held_read(c, "the service's policy", before->jws, &held, status))
        *before = held;
    else
        cli_warn(c->remote.cli, "what is in force cannot be read, so it counts as empty in what changes");
    return true;
}

static const char *hint(const struct policy_held *upload)
{
    return upload->is_signed ? NULL
                             : "What was sent is not signed: --sign-key and --sign-cert sign it, with a certificate "
                               "that the service trusts.";
}

enum status policy_set_do(struct policy_call *c)
{
    struct policy_held upload, before;
    struct remote_request request = {.method = "PUT", .path = policy_call_path(c, ""), .content_type = "text/plain"};
    enum status status;

    if (!policy_upload_set(c, policy_call_operand(c, 2), &upload, &status) || !read_before(c, &before, &status))
        return status;
    request.body = upload.jws;
    request.invalid_hint = hint(&upload);
    if (!change(c, &request, "Updated", &status))
        return status;
    report(c, "Updated", &upload, &before, &upload);
    return STATUS_DONE;
}

enum status policy_reset_do(struct policy_call *c)
{
    struct policy_held upload, before, now;
    struct remote_request request = {.path = policy_call_path(c, ":reset"), .content_type = "text/plain"};
    enum status status;

    if (!policy_upload_reset(c, policy_call_operand(c, 2), &upload, &status) || !read_before(c, &before, &status))
        return status;
    request.body = upload.jws;
    request.invalid_hint = hint(&upload);
    if (!change(c, &request, "Removed", &status))
        return status;
    if (!policy_held_now(c, true, &now, &status)) {
        cli_warn(c->remote.cli, "the policy was removed; what is in force now could not be read");
        return status;
    }
    report(c, "Removed", &upload, &before, &now);
    return STATUS_DONE;
}

/* The report's names as a person says them. */
static struct json *report_for_people(struct arena *a, const struct json *report)
{
    static const struct {
        const char *name, *said;
    } rows[] = {
        {"policyHash", "x-ms-policy-hash"},
        {"since", "since"},
        {"judged", "judged"},
        {"same", "decided the same"},
        {"wouldDeny", "would be denied"},
        {"wouldPermit", "would be permitted"},
        {"claimsDiffer", "other claims"},
        {"error", "not evaluated"},
        {"lastDifference", "last difference"},
    };
    struct json *o = json_new(a, JSON_OBJECT);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct json *v = json_member(report, rows[i].name);

        if (v)
            json_set(o, bytes_text(rows[i].said), json_link(a, v));
    }
    return o;
}

static enum status report_do(struct policy_call *c)
{
    const struct json *report;
    enum status status;
    int64_t judged;

    if (!policy_call_json(c, &(struct remote_request){.path = policy_call_path(c, ":report")}, &report, &status))
        return status;
    if (!json_integer(json_member(report, "judged"), &judged)) {
        cli_error(c->remote.cli, "the service's answer is no report");
        return STATUS_REFUSED;
    }
    if (c->remote.json)
        put_json(c->remote.cli->arena, report);
    else
        put_tree(stdout, report_for_people(c->remote.cli->arena, report), 0);
    return STATUS_DONE;
}

static enum status get_run(struct cli *cli, int argc, char **argv)
{
    struct policy_call c = {0};
    enum status status;

    return policy_call_read(&c, cli, argc, argv, 2, 2, &status) ? policy_get_do(&c) : status;
}

static enum status set_run(struct cli *cli, int argc, char **argv)
{
    struct policy_call c = {0};
    enum status status;

    return policy_call_read(&c, cli, argc, argv, 3, 3, &status) ? policy_set_do(&c) : status;
}

static enum status reset_run(struct cli *cli, int argc, char **argv)
{
    struct policy_call c = {0};
    enum status status;

    return policy_call_read(&c, cli, argc, argv, 2, 3, &status) ? policy_reset_do(&c) : status;
}

static const struct action {
    const char *name;
    int least, most; /* operands from URL on */
    bool reads, writes;
    enum status (*run)(struct policy_call *c);
} actions[] = {
    {"get", 2, 2, true, false, policy_get_do},
    {"set", 3, 3, false, true, policy_set_do},
    {"reset", 2, 3, false, true, policy_reset_do},
    {"report", 2, 2, false, false, report_do},
};
enum { ACTIONS = sizeof actions / sizeof *actions };

static const struct action *find_action(const struct cli *cli, const char *word)
{
    const char *names[ACTIONS], *near;

    for (size_t i = 0; i < ACTIONS; i++) {
        names[i] = actions[i].name;
        if (strcmp(word, names[i]) == 0)
            return &actions[i];
    }
    near = nearest_word(word, names, ACTIONS);
    cli_misuse(cli, "%s: get, set, reset or report is needed%s%s", word, near ? "; did you mean " : "",
               near ? near : "");
    return NULL;
}

static enum status shadow_run(struct cli *cli, int argc, char **argv)
{
    struct policy_call c = {.first = 1};
    const struct action *action;
    enum status status;

    if (!policy_call_options(&c, cli, argc, argv, 3, 4, &status))
        return status;
    action = find_action(cli, options_operand(&c.options, 0));
    if (!action)
        return STATUS_MISUSE;
    if (action->most == 2 && policy_call_operand(&c, 2))
        return cli_misuse(cli, "unexpected argument %s", policy_call_operand(&c, 2));
    if (action->least == 3 && !policy_call_operand(&c, 2))
        return cli_misuse(cli, "%s needs a file with the policy", action->name);
    if ((c.jws && !action->reads) || ((c.sign_key || c.sign_cert) && !action->writes))
        return cli_misuse(cli, "%s takes no such option as %s", action->name, c.jws ? "--jws" : "--sign-key");
    c.shadow = true;
    return policy_call_target(&c) ? action->run(&c) : STATUS_MISUSE;
}

const struct command policy_get_command = {
    .name = "policy get",
    .summary = "print the policy that a service holds",
    .usage = "URL TYPE [OPTIONS]",
    .about =
        "Prints the text byte for byte, so that a file with it has the same x-ms-policy-hash; hash and signer are told "
        "on standard error. Where none was set it is the type's default. The service's answer counts only when it is "
        "signed by a key that the service lists.",
    .options = (const struct option_row[]){{REMOTE_JWS, "jws", NULL, "print the JWS that holds the text instead"},
                                           OPTIONS_REMOTE,
                                           OPTION_JSON,
                                           OPTION_END},
    .examples = "  assay policy get https://attest.example SgxEnclave > policy.txt\n",
    .run = get_run,
};

const struct command policy_set_command = {
    .name = "policy set",
    .summary = "put a policy in force at a service",
    .usage = "URL TYPE FILE [OPTIONS]",
    .about =
        "FILE (- for standard input) is a policy text, which is signed if --sign-key is given, or a compact JWS, which "
        "is sent as it stands: signed elsewhere, or an old one from `assay policy history --version N --jws`. A text "
        "that does not parse is refused without asking the service. Prints what the service answered and what changed. "
        "The answer counts only when it is signed by a key that the service lists and tells the hash of what was sent.",
    .options = (const struct option_row[]){OPTIONS_SIGN, OPTIONS_REMOTE, OPTION_JSON, OPTION_END},
    .examples =
        "  assay policy set https://attest.example SgxEnclave policy.txt\n"
        "  assay policy set https://attest.example SgxEnclave policy.txt --sign-key key.pem --sign-cert cert.pem\n"
        "  assay policy history https://attest.example SgxEnclave --version 3 --jws |\n"
        "      assay policy set https://attest.example SgxEnclave -\n",
    .run = set_run,
};

const struct command policy_reset_command = {
    .name = "policy reset",
    .summary = "remove a policy from a service; the type's default is in force then",
    .usage = "URL TYPE [FILE] [OPTIONS]",
    .about = "Sends a JWS without a payload, signed if --sign-key is given. FILE holds one that was signed elsewhere. "
             "Prints "
             "what changed.",
    .options = (const struct option_row[]){OPTIONS_SIGN, OPTIONS_REMOTE, OPTION_JSON, OPTION_END},
    .examples = "  assay policy reset https://attest.example SgxEnclave\n",
    .run = reset_run,
};

const struct command policy_shadow_command = {
    .name = "policy shadow",
    .summary = "try a policy on a service's live traffic before it decides",
    .usage = "get|set|reset|report URL TYPE [FILE] [OPTIONS]",
    .about =
        "get, set and reset do with the shadow policy what `assay policy get`, `set` and `reset` do with the one in "
        "force. report prints the counts of the service's node that answers, since its shadow policy was set or it was "
        "started: of the evidence that it judged, how much the shadow policy would have denied that was permitted, "
        "permitted that was denied, or given other claims.",
    .options =
        (const struct option_row[]){{REMOTE_JWS, "jws", NULL, "of get: print the JWS that holds the text instead"},
                                    OPTIONS_SIGN,
                                    OPTIONS_REMOTE,
                                    OPTION_JSON,
                                    OPTION_END},
    .examples = "  assay policy shadow set https://attest.example SgxEnclave policy.txt\n"
                "  assay policy shadow report https://attest.example SgxEnclave\n",
    .run = shadow_run,
};
