/* assayd backup | restore: the store of a configuration into one file, and back. */
#ifndef ASSAY_SERVICE_MAINTENANCE_H
#define ASSAY_SERVICE_MAINTENANCE_H

#include <stdbool.h>

/* Is this what the program is started for? */
bool is_maintenance(int argc, char **argv);
/* Does it, telling people on standard error, with the count of records on standard output; gives the exit status. */
int maintenance(int argc, char **argv);

#endif
