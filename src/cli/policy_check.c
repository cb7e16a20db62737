/* assay policy check: whether a policy text is valid, where it is not, and what in it is hardly meant. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/policy_file.h"
#include "cli/terminal.h"
#include "policy/lint.h"
#include "policy/vocabulary.h"

enum { OPTION_TYPE = OPTION_BASE, OPTION_STRICT };

struct check {
    struct cli *cli;
    unsigned types;
    bool json, strict;
    const struct policy *policy; /* NULL: not valid, and error says why */
    struct policy_error error;
    struct policy_warnings warnings;
};

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

static struct json *warning_list(struct arena *a, const struct policy_warnings *warnings)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < warnings->n; i++) {
        const struct policy_warning *w = &warnings->v[i];
        struct json *o = json_new(a, JSON_OBJECT);

        JSON_SET(o, "line", json_new_integer(a, w->line));
        JSON_SET(o, "column", json_new_integer(a, (int64_t)w->column + 1));
        JSON_SET(o, "message", json_new_text(a, w->message));
        JSON_SET(o, "id", json_new_text(a, bytes_text(w->id)));
        json_append(list, o);
    }
    return list;
}

static void print_json(const struct check *c)
{
    struct arena *a = c->cli->arena;
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_SET(o, "verdict", json_new_text(a, bytes_text(c->policy ? "accepted" : "rejected")));
    JSON_SET(o, "error", c->policy ? json_new(a, JSON_NULL) : error_object(a, &c->error));
    JSON_SET(o, "warnings", warning_list(a, &c->warnings));
    put_json(a, o);
}

static void print_warnings(const char *path, const struct policy_warnings *warnings)
{
    fflush(stdout);
    for (size_t i = 0; i < warnings->n; i++) {
        const struct policy_warning *w = &warnings->v[i];

        fprintf(stderr, "%s%s:%u:%u:%s %swarning:%s ", ink(stderr, INK_STRONG), path, w->line, w->column + 1,
                ink(stderr, INK_NONE), ink(stderr, INK_WARNING), ink(stderr, INK_NONE));
        put_safe(stderr, w->message);
        fprintf(stderr, " [%s]\n", w->id);
    }
    if (warnings->more)
        fprintf(stderr, "%s: %zu more warnings are not shown\n", path, warnings->more);
}

static bool read_type(struct check *c, const char *value)
{
    const char *names[OPTIONS_MAX], *near;
    size_t n = 0;

    c->types = vocabulary_type(bytes_text(value));
    if (c->types)
        return true;
    while (n < OPTIONS_MAX && vocabulary_type_name(n)) {
        names[n] = vocabulary_type_name(n);
        n++;
    }
    near = nearest_word(value, names, n);
    if (near)
        cli_misuse(c->cli, "--type %s: no attestation type; did you mean %s?", value, near);
    else
        cli_misuse(c->cli, "--type %s: no attestation type", value);
    return false;
}

static enum status check_text(struct check *c, const char *path, struct bytes text)
{
    bool ok = policy_parse(c->cli->arena, text, &c->policy, &c->error);

    if (ok)
        policy_lint(c->cli->arena, c->policy, c->types, &c->warnings);
    else
        policy_file_error(path, &c->error);
    print_warnings(path, &c->warnings);
    if (c->json)
        print_json(c);
    else if (ok)
        printf("%s: %sa valid policy%s\n", path, ink(stdout, INK_GOOD), ink(stdout, INK_NONE));
    return !ok || (c->strict && c->warnings.n) ? STATUS_REFUSED : STATUS_DONE;
}

static enum status check_run(struct cli *cli, int argc, char **argv)
{
    struct check c = {.cli = cli, .types = TYPE_ALL};
    struct options o;
    struct bytes text;
    enum status status;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;) {
        if (id == OPTION_TYPE && !read_type(&c, o.value))
            return STATUS_MISUSE;
        c.json = c.json || id == 'j';
        c.strict = c.strict || id == OPTION_STRICT;
    }
    if (options_done(&o, 1, 1, &status))
        return status;
    if (!policy_file_read(cli, options_operand(&o, 0), &text))
        return STATUS_MISUSE;
    return check_text(&c, options_operand(&o, 0), text);
}

const struct command policy_check_command = {
    .name = "policy check",
    .summary = "say whether a policy text is valid, and what in it is hardly meant",
    .usage = "FILE [--type TYPE] [--strict] [--json]",
    .about =
        "Parses FILE (- for standard input) as the service does. A refusal is one line, FILE:line:column: reason. What "
        "is "
        "valid but hardly meant is a warning with an id in brackets: never-fires, always-holds (comparisons that "
        "contradict "
        "themselves or each other), never-added, unknown-claim (nothing makes such a claim), value-type, no-permit, "
        "always-denied, overridden (the service sets the member itself), unused-name, unknown-property, "
        "property-section, "
        "property-value. assay-policy(1) explains them.",
    .options =
        (const struct option_row[]){
            {OPTION_TYPE, "type", "TYPE",
             "what the policy is for: SgxEnclave, OpenEnclave, SevSnpVm, TdxVm, AzureGuest, Tpm or VbsEnclave "
             "(default: warn of what holds for all of them)"},
            {OPTION_STRICT, "strict", NULL, "exit with 2 when there is a warning"},
            OPTION_JSON,
            OPTION_END},
    .examples = "  assay policy check policy.txt\n"
                "  assay policy check policy.txt --type SgxEnclave --strict\n",
    .run = check_run,
};
