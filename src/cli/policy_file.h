/* Policy texts as the members of `assay policy` read and refuse them. */
#ifndef ASSAY_CLI_POLICY_FILE_H
#define ASSAY_CLI_POLICY_FILE_H

#include "cli/cli.h"
#include "policy/policy.h"

/* The whole text of a file, "-" for standard input. False when it cannot be read, which has been reported. */
bool policy_file_read(struct cli *cli, const char *path, struct bytes *text);
/* FILE:line:column: message on standard error, columns counted from 1 as compilers do. */
void policy_file_error(const char *path, const struct policy_error *e);

#endif
