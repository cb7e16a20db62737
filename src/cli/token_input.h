/* Where the token subcommands get their token from. */
#ifndef ASSAY_CLI_TOKEN_INPUT_H
#define ASSAY_CLI_TOKEN_INPUT_H

#include "base/fault.h"
#include "cli/cli.h"

/* operand is a compact token itself, or a file ("-": standard input) that holds one, bare or as the member "token" of a
 * service's answer. */
bool token_input(struct cli *cli, const char *operand, struct bytes *token);

#endif
