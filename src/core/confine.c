#include "core/confine.h"

#include <errno.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/landlock.h"
#include "core/pair.h"
#include "core/privileges.h"

/* The address sanitizer reserves terabytes of address space for itself, and reads files to tell what it found. */
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

static bool all_locked; /* and what comes later must be too */

static bool has_filters(void)
{
    uint32_t action = SECCOMP_RET_KILL_PROCESS;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

struct confinement confine_support(void)
{
    return (struct confinement){.built = !SANITIZED, .calls = has_filters(), .landlock = landlock_version()};
}

bool confine_memory_dumps(struct fault *fault)
{
    struct rlimit none = {0, 0};

    return (setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0) ||
           fault_set(fault, FAULT_SYSTEM, "forbid core dumps: %s", strerror(errno));
}

bool confine_start(struct fault *fault)
{
    if (!confine_memory_dumps(fault))
        return false;
    return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1 ||
           fault_set(fault, FAULT_SYSTEM, "libcrypto does not start");
}

static bool raise_lock_limit(size_t memory)
{
    struct rlimit limit, all = {memory, memory};

    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return false;
    if (limit.rlim_max < memory && setrlimit(RLIMIT_MEMLOCK, &all) == 0)
        return true;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur >= memory;
}

bool confine_lockable(size_t memory)
{
    return raise_lock_limit(memory) || privileges_held(CONFINE_LOCKING) != 0;
}

/* Memory of a thread is never given back piece by piece: before it is, libc reads a file of the kernel's settings.
 * Over the limit, and without the privilege, an allocation would fail: all is locked, or the secret alone. */
void confine_lock_memory(size_t memory, const void *secret, size_t n)
{
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    if (SANITIZED || !confine_lockable(memory) || mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        (void)mlock(secret, n);
    else
        all_locked = true;
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

bool confine_reach(struct fault *fault)
{
    return privileges_keep(all_locked ? CONFINE_LOCKING : 0, 0, fault) && (SANITIZED || landlock_deny_all(fault));
}

/* One row into the filter: 0, or a negative error number. */
static int add(scmp_filter_ctx filter, const struct call_row *row)
{
    uint32_t action = row->refused ? SCMP_ACT_ERRNO((uint16_t)row->refused) : SCMP_ACT_ALLOW;
    struct scmp_arg_cmp conditions[2];
    unsigned n = 0;
    int call = seccomp_syscall_resolve_name(row->name);

    if (call == __NR_SCMP_ERROR)
        return -ENOSYS;
    for (size_t i = 0; i < 2; i++)
        if (row->where[i].mask)
            conditions[n++] =
                (struct scmp_arg_cmp){row->where[i].place, SCMP_CMP_MASKED_EQ, row->where[i].mask, row->where[i].value};
    return seccomp_rule_add_array(filter, action, call, n, conditions);
}

static int load(const struct call_table *table)
{
    scmp_filter_ctx filter = seccomp_init(table->others ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
    int bad = filter ? 0 : -ENOMEM;

    /* What is no call of this architecture ends the process in either case; all threads are meant. */
    if (!bad)
        bad = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (!bad)
        bad = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    for (unsigned i = 0; !bad && i < table->count; i++)
        bad = add(filter, &table->rows[i]);
    if (!bad)
        bad = seccomp_load(filter);
    seccomp_release(filter);
    return bad;
}

static bool may_go_without(void)
{
    const char *setting = getenv(PAIR_SANDBOX);

    return setting && strcmp(setting, PAIR_SANDBOX_AVAILABLE) == 0;
}

bool confine_calls(const struct call_table *table, struct fault *fault)
{
    if (SANITIZED || (!has_filters() && may_go_without()))
        return true;
    if (!has_filters())
        return fault_set(fault, FAULT_SYSTEM, "this kernel has no filters of system calls (seccomp)");
    int bad = load(table);
    return bad == 0 || fault_set(fault, FAULT_SYSTEM, "filter system calls: %s", strerror(-bad));
}

bool confine_user(const char *user, uint64_t kept, uint64_t inherited, const struct call_table *table,
                  struct fault *fault)
{
    const uint64_t changing = UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID;

    if (SANITIZED)
        return (!user || privileges_become(user, fault)) && confine_memory_dumps(fault);
    /* In two steps: the bounding set is emptied while that is allowed. Capabilities outlive the change of user that far. */
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fault_set(fault, FAULT_SYSTEM, "give up new privileges: %s", strerror(errno));
    return privileges_keep(changing | kept, inherited, fault) && (!user || privileges_become(user, fault)) &&
           privileges_keep(kept, inherited, fault) && confine_memory_dumps(fault) &&
           (!has_filters() || confine_calls(table, fault));
}

/* The pages that the kernel lends to tell the time, from the list of what is mapped. */
static bool unmap_clock(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    uintptr_t found[8][2];
    size_t n = 0;
    char line[512];

    while (maps && n < 8 && fgets(line, sizeof line, maps)) {
        unsigned long start, end;

        if ((strstr(line, "[vvar") || strstr(line, "[vdso]")) && sscanf(line, "%lx-%lx", &start, &end) == 2) {
            found[n][0] = start;
            found[n++][1] = end;
        }
    }
    bool ok = maps != NULL;
    for (size_t i = 0; i < n; i++)
        ok = munmap((void *)found[i][0], found[i][1] - found[i][0]) == 0 && ok;
    if (maps)
        fclose(maps);
    return ok;
}

bool confine_clock(struct fault *fault)
{
    if (SANITIZED)
        return true;
#ifdef __x86_64__
    if (prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) != 0)
        return fault_set(fault, FAULT_SYSTEM, "give up the processor's counter: %s", strerror(errno));
#endif
    return unmap_clock() || fault_set(fault, FAULT_SYSTEM, "give up the clock: %s", strerror(errno));
}

void confine_cpu(unsigned seconds)
{
    const struct itimerval limit = {.it_value = {.tv_sec = (time_t)seconds + 1}};

    setitimer(ITIMER_PROF, &limit, NULL);
}
