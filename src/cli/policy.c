/* assay policy hash | eval: what a policy text means, without a service. */
#include "policy/policy.h"

#include <stdio.h>

#include "base/limits.h"
#include "claims/claims_json.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/policy_explain.h"
#include "cli/policy_file.h"
#include "cli/terminal.h"

static enum status hash_run(struct cli *cli, int argc, char **argv)
{
    struct options o;
    struct bytes text, hash;
    enum status status;

    options_open(&o, cli, argc, argv);
    while (options_next(&o))
        ;
    if (options_done(&o, 1, 1, &status))
        return status;
    if (!policy_file_read(cli, options_operand(&o, 0), &text))
        return STATUS_MISUSE;
    hash = policy_hash(cli->arena, text);
    printf("%.*s\n", (int)hash.n, (const char *)hash.p);
    return STATUS_DONE;
}

const struct command policy_hash_command = {
    .name = "policy hash",
    .summary = "print the x-ms-policy-hash of a policy text",
    .usage = "FILE",
    .about =
        "Prints the hash that tokens carry in x-ms-policy-hash when the service holds exactly these bytes as policy. "
        "The text is not parsed, nor changed: line ends and blanks count.",
    .options = (const struct option_row[]){OPTION_END},
    .examples = "  assay policy hash policy.txt\n",
    .run = hash_run,
};

/* What `assay verify --json` prints, or a bare object of names and values: claims of the service. Objects and arrays are no
 * claims that a policy can see. */
static bool add_claims_by_name(struct claims *claims, const struct json *object)
{
    const struct json *inner = json_member(object, "claims");

    JSON_EACH (item, inner && inner->kind == JSON_OBJECT ? inner : object) {
        struct claim claim = {.type = item->name, .issuer = ISSUER_SERVICE, .flags = CLAIM_POLICY};

        if (item->kind == JSON_STRING)
            claim.value = (struct claim_value){.kind = CLAIM_STRING, .text = item->text};
        else if (item->kind == JSON_INTEGER)
            claim.value = (struct claim_value){.kind = CLAIM_INTEGER, .integer = item->integer};
        else if (item->kind == JSON_TRUE || item->kind == JSON_FALSE)
            claim.value = (struct claim_value){.kind = CLAIM_BOOLEAN, .integer = item->kind == JSON_TRUE};
        else if (item->kind == JSON_ARRAY || item->kind == JSON_OBJECT)
            continue;
        else
            return false;
        claims_add(claims, claim);
    }
    return true;
}

static bool read_claims(struct cli *cli, const char *path, struct claims *claims)
{
    const struct json *root;
    struct fault fault = {0};
    struct bytes text;

    claims_init(claims, cli->arena);
    if (!input_file(cli->arena, path, LIMIT_TOOL_FILE, &text, &fault)) {
        cli_error(cli, "--claims %s", fault.text);
        return false;
    }
    if (json_parse(cli->arena, text, NULL, &root, &fault)) {
        if (root->kind == JSON_OBJECT && add_claims_by_name(claims, root))
            return true;
        if (claims_from_json(claims, root, &fault))
            return true;
    }
    cli_error(cli, "--claims %s: %s", path, fault.text);
    return false;
}

static struct json *evaluation_object(struct arena *a, struct policy_run *run)
{
    struct json *o = json_new(a, JSON_OBJECT);
    bool permitted = run->decision == POLICY_PERMIT;

    JSON_SET(o, "decision", json_new_text(a, bytes_text(policy_decision_name(run->decision))));
    JSON_SET(o, "issued", permitted ? claims_object(a, &run->outgoing, 0) : json_new(a, JSON_OBJECT));
    JSON_SET(o, "properties", claims_object_last(a, &run->properties));
    JSON_SET(o, "trace", policy_trace_json(a, run));
    return o;
}

static void print_evaluation(const struct json *o)
{
    struct bytes decision = json_member(o, "decision")->text;
    bool good = bytes_is(decision, "permit");

    printf("%s%.*s%s\n", ink(stdout, good ? INK_GOOD : INK_BAD), (int)decision.n, (const char *)decision.p,
           ink(stdout, INK_NONE));
    if (json_member(o, "issued")->count) {
        printf("issued\n");
        put_tree(stdout, json_member(o, "issued"), 2);
    }
    if (json_member(o, "properties")->count) {
        printf("properties\n");
        put_tree(stdout, json_member(o, "properties"), 2);
    }
}

static void print_reason(const struct policy_run *run)
{
    fflush(stdout);
    switch (run->decision) {
    case POLICY_PERMIT: return;
    case POLICY_NO_PERMIT: fputs("no rule of authorizationrules permitted\n", stderr); return;
    case POLICY_DENY:
        fputs("denied by the rule ", stderr);
        put_safe(stderr, run->deciding_rule);
        break;
    case POLICY_ERROR:
        fputs("evaluation error: ", stderr);
        put_safe(stderr, run->error);
        break;
    }
    fputc('\n', stderr);
}

static enum status evaluate(struct cli *cli, const char *path, struct claims *claims, bool json, bool explain)
{
    struct policy_error error = {0};
    const struct policy *policy;
    struct policy_run run = {0};
    struct bytes text;
    struct json *o;

    if (!policy_file_read(cli, path, &text))
        return STATUS_MISUSE;
    if (policy_parse(cli->arena, text, &policy, &error)) {
        policy_start(&run, policy, cli->arena, claims);
        run.explain = true;
        if (policy_configure(&run))
            policy_decide(&run);
    } else {
        policy_file_error(path, &error);
        run.decision = POLICY_ERROR;
    }
    o = evaluation_object(cli->arena, &run);
    if (json)
        put_json(cli->arena, o);
    else if (!error.message[0])
        print_evaluation(o);
    if (explain && !json)
        policy_explain(cli->arena, path, &run);
    if (!error.message[0])
        print_reason(&run);
    return run.decision == POLICY_PERMIT ? STATUS_DONE : STATUS_REFUSED;
}

static enum status eval_run(struct cli *cli, int argc, char **argv)
{
    const char *claims_path = NULL;
    struct claims claims;
    enum status status;
    struct options o;
    bool json = false, explain = false;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;) {
        if (id == 'j')
            json = true;
        else if (id == 'e')
            explain = true;
        else
            claims_path = o.value;
    }
    if (options_done(&o, 1, 1, &status))
        return status;
    if (!claims_path)
        return cli_misuse(cli, "--claims is needed: what the evidence is to have proved");
    if (!read_claims(cli, claims_path, &claims))
        return STATUS_MISUSE;
    return evaluate(cli, options_operand(&o, 0), &claims, json, explain);
}

const struct command policy_eval_command = {
    .name = "policy eval",
    .summary = "run a policy over claims and say what it decides",
    .usage = "FILE --claims F [--explain] [--json]",
    .about =
        "Runs the policy in FILE over the claims in F, as the service does with the claims of verified evidence: a "
        "list of {\"type\", \"value\", \"issuer\", \"read_only\"} objects, or what `assay verify --json` printed. "
        "Without an issuer a claim is AttestationService's.",
    .options = (const struct option_row[]){{'c', "claims", "F", "JSON file with the incoming claims"},
                                           {'e', "explain", NULL, "say of every rule why it fired or did not"},
                                           OPTION_JSON,
                                           OPTION_END},
    .examples = "  assay policy eval policy.txt --claims claims.json --explain\n"
                "  assay verify quote.bin --collateral dir --json | assay policy eval policy.txt --claims -\n",
    .run = eval_run,
};
