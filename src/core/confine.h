/* What a process of the core gives up before it reads its first frame (DESIGN 5). The order of a start:
 *
 *     confine_start        before a secret is read
 *     (files are read, sealers opened)
 *     confine_process      limits, no new privilege
 *     confine_reach        no privilege, no file, no network
 *     (threads are made, where the process has any: none can be made later)
 *     confine_calls        for all threads: no system call but those of its table in confine_calls.c
 *
 * Builds with the address sanitizer keep the limits that it can live with; it needs files and calls that no table has. So what is
 * denied is tested with release builds. */
#ifndef ASSAY_CORE_CONFINE_H
#define ASSAY_CORE_CONFINE_H

#include "base/fault.h"
#include "core/confine_calls.h"

#include <linux/capability.h>
#include <stddef.h>

/* Address space of a signer: the arena of one message, open keys, libraries, stacks, what libc reserves for a thread. All of it is locked. */
enum { CONFINE_SIGNER_MEMORY = 512 * 1024 * 1024 };
#define CONFINE_LOCKING \
    (UINT64_C(1) << CAP_IPC_LOCK) /* the privilege to lock more than the limit: a signer may keep it */

/* What this kernel and this build can do. */
struct confinement {
    bool built;   /* not with the address sanitizer */
    bool calls;   /* filters of system calls */
    int landlock; /* version of its interface; 0: none */
};
struct confinement confine_support(void);

/* No core dump and no debugger: first of all, before a secret is read. */
bool confine_memory_dumps(struct fault *fault);
/* The same for a program of the core, and libcrypto without the configuration file of the system, which could name code to load. */
bool confine_start(struct fault *fault);
/* Raise what a process may lock to `memory` bytes, or as far as it is allowed; whether that is enough, or a privilege takes its place.
 * What is started from here inherits the limit. */
bool confine_lockable(size_t memory);
/* The whole memory of this process stays out of the swap, what comes later too; it is at most `memory` bytes. Where the system does not
 * allow that, at least the secret does. Before the secret is read. */
void confine_lock_memory(size_t memory, const void *secret, size_t n);
/* No new privileges, at most `memory` bytes of address space, end when the parent ends, and no descriptor open but 0 to `last_fd`. */
bool confine_process(size_t memory, int last_fd, struct fault *fault);
/* No privilege that is left (but to lock memory, where all of it is), and by Landlock, where the kernel has it, no file, no TCP port, no
 * signal to others. Of this thread, and those that it makes later. */
bool confine_reach(struct fault *fault);
/* From now on only the calls of the table, in every thread. A denied one ends the process with SIGSYS, or is refused with an error
 * where the table says so. Fails where the kernel has no filters, unless the environment says that it may. */
bool confine_calls(const struct call_table *table, struct fault *fault);
/* For the host and the keeper, which go on opening files and starting programs: become the user (NULL: nobody else), keep of the privileges
 * those of `kept` and no other, for what it starts those of `inherited` at most, and gain none; then only the calls of the table. Before there
 * are threads. Builds with the address sanitizer become the user. */
bool confine_user(const char *user, uint64_t kept, uint64_t inherited, const struct call_table *table,
                  struct fault *fault);
/* Take the clock away: the pages that tell the time without a system call, and the processor's counter. To read a clock is the end
 * of the process from here on. Between confine_start and confine_process, and not where libcrypto's generator is used: it asks for the
 * time. */
bool confine_clock(struct fault *fault);
/* From now on at most so many seconds of CPU time, then SIGPROF ends the process. The host's deadline is the first limit of a
 * request; this one holds when the host itself is stuck. */
void confine_cpu(unsigned seconds);

#endif
