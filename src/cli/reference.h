/* Reference values as an option tells them, for commands that judge evidence. */
#ifndef ASSAY_CLI_REFERENCE_H
#define ASSAY_CLI_REFERENCE_H

#include "cli/cli.h"
#include "endorsement/reference.h"

/* "denied_chip=0011…", as a line of the section [reference] of assayd.conf(5) would say it; or a file, of which that section
 * counts and others are passed over, so that a service's own configuration will do. Into values, which begin as the built-in
 * ones. False for what assayd would refuse, which has been reported. */
bool reference_option(struct cli *cli, struct reference_values *values, const char *value);

#endif
