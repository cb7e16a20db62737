#include "cli/policy_file.h"

#include <stdio.h>

#include "base/limits.h"
#include "cli/input.h"
#include "cli/terminal.h"

bool policy_file_read(struct cli *cli, const char *path, struct bytes *text)
{
    struct fault fault = {0};

    /* More than a policy may have, so that the parser is who refuses it, with its own words. */
    if (input_file(cli->arena, path, LIMIT_TOOL_FILE, text, &fault))
        return true;
    cli_error(cli, "%s", fault.text);
    return false;
}

void policy_file_error(const char *path, const struct policy_error *e)
{
    fflush(stdout);
    fprintf(stderr, "%s%s:%u:%u:%s %s", ink(stderr, INK_STRONG), path, e->line, e->column + 1, ink(stderr, INK_NONE),
            ink(stderr, INK_BAD));
    put_safe(stderr, bytes_text(e->message));
    fputs(ink(stderr, INK_NONE), stderr);
    if (e->rule[0])
        fprintf(stderr, " (in %s)", e->rule);
    fputc('\n', stderr);
}
