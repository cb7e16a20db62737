/* Landlock: a process gives up rights over files, TCP ports and other processes that its user has. Raw system calls: the C library has
 * none for it. */
#ifndef ASSAY_CORE_LANDLOCK_H
#define ASSAY_CORE_LANDLOCK_H

#include "base/fault.h"

/* Version of the kernel's interface, 0 when it has none or it is switched off. */
int landlock_version(void);
/* Of all that this kernel's Landlock knows, nothing is left: no file is opened, made, or changed, no port bound or connected to, no
 * signal sent outside. For the calling thread and what it starts. True where there is no Landlock. */
bool landlock_deny_all(struct fault *fault);

#endif
