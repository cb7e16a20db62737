/* The file of the audit log: appended to with one write a record, each hashed over the one before (crypto/log_chain.h). It goes on
 * where it ended: behind a line that was cut short by kill -9 or a full disk, and in a new file after a rotation. */
#ifndef ASSAY_SERVICE_AUDIT_LOG_H
#define ASSAY_SERVICE_AUDIT_LOG_H

#include "base/arena.h"
#include "base/fault.h"

struct audit_log;

/* Made, with mode 0640, when it is not there. NULL with a fault: it cannot be opened, is no log, or is another process's. */
struct audit_log *audit_log_open(const char *path, struct fault *fault);
void audit_log_close(struct audit_log *l);
/* Append an object's text. `line`, in the arena: what was written, without its line end. `sync`: it is on the disk before this returns.
 * False: it is not in the log, or (FAULT_UNCERTAIN) may not be on the disk. The next call tries anew. */
bool audit_log_write(struct audit_log *l, struct arena *a, struct bytes object, bool sync, struct bytes *line,
                     struct fault *fault);
/* After a rotation: go on in the file that has the path now, which must be empty or not there. False: goes on in the old one. */
bool audit_log_reopen(struct audit_log *l, struct fault *fault);

#endif
