/* What a process of the core gives up before it reads its first frame. */
#ifndef ASSAY_CORE_CONFINE_H
#define ASSAY_CORE_CONFINE_H

#include "base/fault.h"

#include <stddef.h>

/* No core dump, no debugger, no new privileges, at most `memory` bytes of address space (0: no limit), end when the parent
 * ends, and no descriptor open but 0 to `last_fd`. */
bool confine_process(size_t memory, int last_fd, struct fault *fault);

#endif
