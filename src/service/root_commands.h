/* Commands about the root key, which the host must never see: assayd reads the configuration and becomes assay-sealer. */
#ifndef ASSAY_SERVICE_ROOT_COMMANDS_H
#define ASSAY_SERVICE_ROOT_COMMANDS_H

#include <stdbool.h>

/* "assayd reseal" */
bool is_root_command(int argc, char **argv);
/* Returns where it cannot become that program, having said why: the exit status. */
int root_command(int argc, char **argv);

#endif
