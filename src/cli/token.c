/* assay token show: what a token says. */
#include <stdio.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "cli/token_input.h"

static bool looks_like_token(struct bytes text)
{
    size_t dots = 0;

    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];

        if (c == '/' || c < 0x21 || c > 0x7e)
            return false;
        dots += c == '.';
    }
    return dots == 2 && bytes_begin(text, "ey");
}

static struct bytes trimmed(struct bytes text)
{
    text = bytes_trim_end(text);
    while (text.n && (*text.p == ' ' || *text.p == '\n' || *text.p == '\r' || *text.p == '\t'))
        text = bytes_after(text, 1);
    return text;
}

bool token_input(struct cli *cli, const char *operand, struct bytes *token)
{
    const struct json *root;
    struct fault fault = {0};

    *token = bytes_text(operand);
    if (looks_like_token(*token))
        return true;
    if (!input_file(cli->arena, operand, LIMIT_TOKEN, token, &fault)) {
        cli_error(cli, "%s", fault.text);
        return false;
    }
    *token = trimmed(*token);
    if (token->n && (*token->p == '{' || *token->p == '"') && json_parse(cli->arena, *token, NULL, &root, NULL))
        json_text(root->kind == JSON_STRING ? root : json_member(root, "token"), token);
    return true;
}

static enum status show_run(struct cli *cli, int argc, char **argv)
{
    struct token_parts parts;
    struct fault fault = {0};
    struct options o;
    struct bytes token;
    enum status status;
    bool json = false;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        json = json || id == 'j';
    if (options_done(&o, 1, 1, &status))
        return status;
    if (!token_input(cli, options_operand(&o, 0), &token))
        return STATUS_MISUSE;
    if (!token_split(cli->arena, token, &parts, &fault)) {
        cli_error(cli, "not a token: %s", fault.text);
        return STATUS_REFUSED;
    }
    if (json) {
        put_json(cli->arena, show_token(cli->arena, &parts, false));
        return STATUS_DONE;
    }
    put_tree(stdout, show_token(cli->arena, &parts, true), 0);
    fflush(stdout);
    fprintf(stderr, "%sNothing was verified; `assay token verify` does that.%s\n", ink(stderr, INK_FAINT),
            ink(stderr, INK_NONE));
    return STATUS_DONE;
}

const struct command token_show_command = {
    .name = "token show",
    .summary = "print what a token says, without verifying it",
    .usage = "TOKEN|FILE [--json]",
    .about = "Decodes header and payload, prints times as dates and certificates in brief. Verifies nothing.",
    .options = (const struct option_row[]){OPTION_JSON, OPTION_END},
    .examples = "  assay token show token.jwt\n"
                "  assay attest https://attest.example quote.bin | assay token show -\n",
    .run = show_run,
};
