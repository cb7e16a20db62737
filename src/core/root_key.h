/* The root: the one secret that all signers of a deployment share, and where it is kept (setting sealing_key). Keys of providers
 * and of the core's own state lie under keys derived from it, so whoever has it has them all. */
#ifndef ASSAY_CORE_ROOT_KEY_H
#define ASSAY_CORE_ROOT_KEY_H

#include "base/fault.h"
#include "core/state_key.h"

/* The root out of its file, which is made where there is none: by whoever comes first, whole and durable before anybody sees its
 * name. The file must be a plain one that its owner alone can read. What is left of the secret lies in `root` alone. */
bool root_key_load(const char *path, struct arena *a, uint8_t root[ROOT_KEY_SIZE], struct fault *fault);

#endif
