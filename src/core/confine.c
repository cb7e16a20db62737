#include "core/confine.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

bool confine_process(size_t memory, int last_fd, struct fault *fault)
{
    struct rlimit none = {0, 0}, space = {memory, memory};

    if (close_range((unsigned)last_fd + 1, ~0u, 0) != 0)
        return fault_set(fault, FAULT_SYSTEM, "close what was inherited: %s", strerror(errno));
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        return fault_set(fault, FAULT_SYSTEM, "forbid core dumps: %s", strerror(errno));
    if (memory && setrlimit(RLIMIT_AS, &space) != 0)
        return fault_set(fault, FAULT_SYSTEM, "limit memory: %s", strerror(errno));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fault_set(fault, FAULT_SYSTEM, "give up new privileges: %s", strerror(errno));
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() == 1)
        return fault_set(fault, FAULT_SYSTEM, "the parent is gone");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; the host ends its processes itself */
    return true;
}
