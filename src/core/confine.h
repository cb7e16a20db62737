/* What a process of the core gives up before it reads its first frame. */
#ifndef ASSAY_CORE_CONFINE_H
#define ASSAY_CORE_CONFINE_H

#include "base/fault.h"

#include <stddef.h>

/* No core dump and no debugger: first of all, before a secret is read. */
bool confine_memory_dumps(struct fault *fault);
/* No new privileges, at most `memory` bytes of address space, end when the parent ends, and no descriptor open but 0 to
 * `last_fd`. */
bool confine_process(size_t memory, int last_fd, struct fault *fault);
/* From now on at most so many seconds of CPU time, then SIGXCPU ends the process. The host's deadline is the first limit of a
 * request; this one holds when the host itself is stuck. */
void confine_cpu(unsigned seconds);

#endif
