/* Files of settings: sections, and a name = value on each line, as inih reads them. What is wrong is told with file and line. */
#ifndef ASSAY_BASE_INI_FILE_H
#define ASSAY_BASE_INI_FILE_H

#include "base/fault.h"

struct ini_place {
    const char *path;
    int line;
};
/* Takes one setting; false with a fault when it is not taken. The texts live until it returns. */
typedef bool ini_taker(void *user, const struct ini_place *place, const char *section, const char *name,
                       const char *value, struct fault *fault);

/* False with a fault that names path and line: the first setting that was not taken, a line that is none, a long one. */
bool ini_read(const char *path, ini_taker *take, void *user, struct fault *fault);

#endif
