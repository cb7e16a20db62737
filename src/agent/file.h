/* Files of a guest: those of the kernel, whose size nothing tells, and those that programs wait for. */
#ifndef ASSAY_AGENT_FILE_H
#define ASSAY_AGENT_FILE_H

#include "base/arena.h"
#include "base/fault.h"

/* Read to its end, in a loop. FAULT_SYSTEM: it cannot be; FAULT_LIMIT: it has more than limit bytes. */
bool agent_read(struct arena *a, const char *path, size_t limit, struct bytes *out, struct fault *fault);
/* The same, but a file that is not there, or may not be read, is empty: *there says which. */
bool agent_read_if_there(struct arena *a, const char *path, size_t limit, struct bytes *out, bool *there,
                         struct fault *fault);
/* In one write, to a file that is there: attributes of configfs take no other. */
bool agent_write_attribute(const char *path, struct bytes content, struct fault *fault);
/* Whole or not at all, over what was there; its owner alone may read it (0600). */
bool agent_write_secret(struct arena *a, const char *path, struct bytes content, struct fault *fault);

#endif
