/* assay policy check: whether a policy text is valid, and where it is not. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/policy_file.h"
#include "cli/terminal.h"

static struct json *error_object(struct arena *a, const struct policy_error *e)
{
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_SET(o, "line", json_new_integer(a, e->line));
    JSON_SET(o, "column", json_new_integer(a, (int64_t)e->column + 1));
    JSON_SET(o, "symbol", json_new_text(a, bytes_text(e->symbol)));
    JSON_SET(o, "message", json_new_text(a, bytes_text(e->message)));
    JSON_SET(o, "rule", json_new_text(a, bytes_text(e->rule)));
    return o;
}

static enum status check_run(struct cli *cli, int argc, char **argv)
{
    struct options o;
    struct bytes text;
    const struct policy *policy;
    struct policy_error error = {0};
    enum status status;
    const char *path;
    bool json = false, ok;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        json = json || id == 'j';
    if (options_done(&o, 1, 1, &status))
        return status;
    path = options_operand(&o, 0);
    if (!policy_file_read(cli, path, &text))
        return STATUS_MISUSE;
    ok = policy_parse(cli->arena, text, &policy, &error);
    if (!ok)
        policy_file_error(path, &error);
    if (json) {
        struct json *object = json_new(cli->arena, JSON_OBJECT);

        JSON_SET(object, "verdict", json_new_text(cli->arena, bytes_text(ok ? "accepted" : "rejected")));
        JSON_SET(object, "error", ok ? json_new(cli->arena, JSON_NULL) : error_object(cli->arena, &error));
        put_json(cli->arena, object);
    } else if (ok) {
        printf("%s: %sa valid policy%s\n", path, ink(stdout, INK_GOOD), ink(stdout, INK_NONE));
    }
    return ok ? STATUS_DONE : STATUS_REFUSED;
}

const struct command policy_check_command = {
    .name = "policy check",
    .summary = "say whether a policy text is valid, and where it is not",
    .usage = "FILE [--json]",
    .about = "Parses FILE (- for standard input) as the service does. A refusal is one line, FILE:line:column: reason.",
    .options = (const struct option_row[]){OPTION_JSON, OPTION_END},
    .examples = "  assay policy check policy.txt\n",
    .run = check_run,
};
