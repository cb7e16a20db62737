#include "core/confine.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* The address sanitizer reserves terabytes of address space for itself. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

bool confine_memory_dumps(struct fault *fault)
{
    struct rlimit none = {0, 0};

    return (setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0) ||
           fault_set(fault, FAULT_SYSTEM, "forbid core dumps: %s", strerror(errno));
}

bool confine_process(size_t memory, int last_fd, struct fault *fault)
{
    struct rlimit space = {memory, memory};

    if (close_range((unsigned)last_fd + 1, ~0u, 0) != 0)
        return fault_set(fault, FAULT_SYSTEM, "close what was inherited: %s", strerror(errno));
    if (!SANITIZED && setrlimit(RLIMIT_AS, &space) != 0)
        return fault_set(fault, FAULT_SYSTEM, "limit memory: %s", strerror(errno));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fault_set(fault, FAULT_SYSTEM, "give up new privileges: %s", strerror(errno));
    /* A parent that ended before this line is seen too: its end of the socket pair is closed. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return fault_set(fault, FAULT_SYSTEM, "end with the parent: %s", strerror(errno));
    /* Ctrl-C reaches the whole group, and a service manager's SIGTERM too: the host ends its processes itself, after what is
     * under way. */
    static const int ignored[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    return true;
}

void confine_cpu(unsigned seconds)
{
    struct timespec used;
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0)
        limit.rlim_cur = (rlim_t)used.tv_sec + seconds + 1;
    setrlimit(RLIMIT_CPU, &limit);
}
