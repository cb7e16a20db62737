/* Commands about the root key, which the host must never see: assayd reads the configuration, and
 * assay-sealer does what is asked. */
#ifndef ASSAY_SERVICE_ROOT_COMMANDS_H
#define ASSAY_SERVICE_ROOT_COMMANDS_H

#include <stdbool.h>

/* "assayd reseal", "assayd hand-over" */
bool is_root_command(int argc, char **argv);
/* The exit status, if it comes back. */
int root_command(int argc, char **argv);

#endif
