/* Capabilities: what a process may although its user may not. */
#ifndef ASSAY_CORE_PRIVILEGES_H
#define ASSAY_CORE_PRIVILEGES_H

#include <stdint.h>

#include "base/fault.h"

/* Of `which` (bits, 1 << CAP_... of linux/capability.h), those that this process has in force. */
uint64_t privileges_held(uint64_t which);
/* Keep those of `kept` that this process has and no other. What it starts has those of `inherited` at most, whatever its user or its file:
 * the bounding set is emptied where that is allowed; without new privileges (PR_SET_NO_NEW_PRIVS) it gives nothing anyway. */
bool privileges_keep(uint64_t kept, uint64_t inherited, struct fault *fault);
/* Become this user, with its groups; nothing to do where this process is it already. A user that is not there is a fault. */
bool privileges_become(const char *user, struct fault *fault);

#endif
