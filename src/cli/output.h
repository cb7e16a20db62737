/* What subcommands write. */
#ifndef ASSAY_CLI_OUTPUT_H
#define ASSAY_CLI_OUTPUT_H

#include <sys/stat.h>

#include "cli/cli.h"

/* The whole file or none of it: beside its place, then renamed. False: reported. */
bool output_file(const struct cli *cli, const char *path, struct bytes text, mode_t mode);

#endif
