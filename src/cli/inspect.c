/* assay inspect: every field of a file that attestation deals in. Judges nothing. */
#include <stdio.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/show_intel.h"
#include "cli/terminal.h"

static enum status inspect_run(struct cli *cli, int argc, char **argv)
{
    struct fault fault = {0};
    struct options o;
    struct bytes b;
    struct json *tree;
    enum status status;
    const char *path;
    bool json = false;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        json = json || id == 'j';
    if (options_done(&o, 1, 1, &status))
        return status;
    path = options_operand(&o, 0);
    if (!input_file(cli->arena, path, LIMIT_TOOL_FILE, &b, &fault)) {
        cli_error(cli, "%s", fault.text);
        return fault.code == FAULT_LIMIT ? STATUS_REFUSED : STATUS_MISUSE;
    }
    tree = show_file(cli->arena, b, !json, &fault);
    if (!tree) {
        cli_error(cli, "%s: %s", path, fault.text);
        return STATUS_REFUSED;
    }
    if (json)
        put_json(cli->arena, tree);
    else
        put_tree(stdout, tree, 0);
    return STATUS_DONE;
}

const struct command inspect_command = {
    .name = "inspect",
    .summary = "print every field of evidence, certificates, endorsements or tokens",
    .usage = "FILE [--json]",
    .about =
        "What FILE (- for standard input) is, is recognised from its bytes: SGX and TDX quotes, SEV-SNP "
        "reports, quotes, public areas and signatures of TPMs, Open Enclave reports, evidence and endorsements, "
        "certificates (with Intel's and AMD's extensions and "
        "embedded evidence), CRLs, TCB info, enclave identities, tokens and key sets. Nothing is verified; only what "
        "cannot be read is refused.",
    .options = (const struct option_row[]){OPTION_JSON, OPTION_END},
    .examples = "  assay inspect quote.bin\n  assay inspect --json tcbinfo.json\n",
    .run = inspect_run,
};
