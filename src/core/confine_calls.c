#include "core/confine_calls.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/time.h>

#define WHOLE           UINT64_MAX
#define IS(place, what) place, WHOLE, (uint64_t)(what)
/* Nothing but these bits may be set. */
#define WITHIN(place, bits)   place, ~(uint64_t)(bits), 0
#define OF(place, mask, bits) place, mask, bits
#define TABLE(rows)           rows, sizeof rows / sizeof *rows

enum { VERIFIER_HOST = 3, VERIFIER_SIGNER = 4, SIGNER_VERIFIER = 3 };

#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define ALLOW(name, why)    \
    {                       \
        name, why, {{0}}, 0 \
    }
#define ALLOW_WHERE(name, why, condition) \
    {                                     \
        name, why, {{condition}}, 0       \
    }
#define ALLOW_WHERE_BOTH(name, why, one, two) \
    {                                         \
        name, why, {{one}, {two}}, 0          \
    }
#define REFUSE(name, why)       \
    {                           \
        name, why, {{0}}, EPERM \
    }
#define REFUSE_WHERE(name, why, condition) \
    {                                      \
        name, why, {{condition}}, EPERM    \
    }

/* No file, no socket, no clock, no random numbers. Standard error is open still, for what a start that fails has to say; from here on nothing
 * is written there: the log is what an operator believes. */
static const struct call_row verifier_rows[] = {
    ALLOW_WHERE("read", "requests of the host", IS(0, VERIFIER_HOST)),
    ALLOW_WHERE("read", "what the signer made", IS(0, VERIFIER_SIGNER)),
    ALLOW_WHERE("writev", "answers to the host", IS(0, VERIFIER_HOST)),
    ALLOW_WHERE("writev", "messages to the signer", IS(0, VERIFIER_SIGNER)),
    ALLOW("brk", "malloc, small pieces"),
    ALLOW_WHERE_BOTH("mmap", "malloc, large pieces: no file, never executable", WITHIN(2, PROT_READ | PROT_WRITE),
                     IS(3, ANONYMOUS)),
    ALLOW("munmap", "free, large pieces"),
    ALLOW_WHERE("mremap", "realloc, large pieces", IS(3, MREMAP_MAYMOVE)),
    ALLOW_WHERE("futex", "libcrypto prepares an algorithm at its first use", IS(1, FUTEX_WAKE_PRIVATE)),
    ALLOW_WHERE_BOTH("setitimer", "the limit of CPU time, renewed; it does not tell the old one", IS(0, ITIMER_PROF),
                     IS(2, 0)),
    ALLOW("exit_group", "the end"),
};
const struct call_table verifier_calls = {TABLE(verifier_rows), false};

/* Two threads: one answers, one makes keys ahead. It has random numbers, and no file, no socket, no clock either but the one that the
 * kernel's pages tell. */
static const struct call_row signer_rows[] = {
    ALLOW_WHERE("read", "messages of the verifier", IS(0, SIGNER_VERIFIER)),
    ALLOW_WHERE("writev", "what was made, to the verifier", IS(0, SIGNER_VERIFIER)),
    ALLOW("getrandom", "keys are made here; signing is blinded"),
    ALLOW("getpid", "libcrypto's generator asks whether it was forked"),
    REFUSE("clock_gettime", "the same asks for the time where the kernel's pages do not tell it, and goes without"),
    REFUSE("gettimeofday", "the same"),
    ALLOW("brk", "malloc, small pieces"),
    ALLOW_WHERE_BOTH("mmap", "malloc, large pieces and those of the thread: no file, never executable",
                     WITHIN(2, PROT_READ | PROT_WRITE), OF(3, ~(uint64_t)MAP_NORESERVE, ANONYMOUS)),
    ALLOW_WHERE("mprotect", "malloc, of the thread that makes keys: never executable",
                WITHIN(2, PROT_READ | PROT_WRITE)),
    ALLOW("munmap", "free, large pieces"),
    ALLOW_WHERE("mremap", "realloc, large pieces", IS(3, MREMAP_MAYMOVE)),
    ALLOW_WHERE("futex", "the threads wake each other", IS(1, FUTEX_WAKE_PRIVATE)),
    ALLOW_WHERE_BOTH("futex", "the threads wait for a lock, without a time", IS(1, FUTEX_WAIT_PRIVATE), IS(3, 0)),
    ALLOW_WHERE_BOTH("futex", "the thread that makes keys waits for work, without a time",
                     OF(1, ~(uint64_t)FUTEX_CLOCK_REALTIME, FUTEX_WAIT_BITSET_PRIVATE), IS(3, 0)),
    ALLOW_WHERE_BOTH("setitimer", "the limit of CPU time, renewed; it does not tell the old one", IS(0, ITIMER_PROF),
                     IS(2, 0)),
    ALLOW("exit_group", "the end"),
};
const struct call_table signer_calls = {TABLE(signer_rows), false};

/* What would give a host that was taken over more than it has, and what none of its work needs. Opening files and sockets is its work. The
 * first rows are of the host alone: to start programs is the keeper's. */
enum { OF_THE_HOST_ALONE = 2 };
static const struct call_row host_rows[] = {
    REFUSE("execve", "other programs: the keeper starts those of the core"),
    REFUSE("execveat", "the same"),
    REFUSE("ptrace", "other processes, its signers among them"),
    REFUSE("process_vm_readv", "the same"),
    REFUSE("process_vm_writev", "the same"),
    REFUSE("pidfd_getfd", "the same: their descriptors"),
    REFUSE("kcmp", "the same"),
    REFUSE("process_madvise", "the same"),
    REFUSE("bpf", "code in the kernel"),
    REFUSE("perf_event_open", "what others execute"),
    REFUSE("userfaultfd", "a tool of attacks on the kernel"),
    REFUSE("io_uring_setup", "a way round filters of system calls"),
    REFUSE("init_module", "code in the kernel"),
    REFUSE("finit_module", "code in the kernel"),
    REFUSE("delete_module", "code in the kernel"),
    REFUSE("kexec_load", "another kernel"),
    REFUSE("kexec_file_load", "another kernel"),
    REFUSE("reboot", "the machine"),
    REFUSE("swapon", "where memory goes"),
    REFUSE("swapoff", "where memory goes"),
    REFUSE("mount", "the file system that others see"),
    REFUSE("umount2", "the same"),
    REFUSE("pivot_root", "the same"),
    REFUSE("chroot", "the same"),
    REFUSE("move_mount", "the same"),
    REFUSE("open_tree", "the same"),
    REFUSE("fsopen", "the same"),
    REFUSE("fsmount", "the same"),
    REFUSE("mount_setattr", "the same"),
    REFUSE("open_by_handle_at", "files round the folders above them"),
    REFUSE("fanotify_init", "what others open"),
    REFUSE("unshare", "a view of the system of its own, where it would be root"),
    REFUSE("setns", "the view of others"),
    REFUSE_WHERE("clone", "the same: a process in a view of its own", OF(0, CLONE_NEWUSER, CLONE_NEWUSER)),
    REFUSE_WHERE("clone", "the same", OF(0, CLONE_NEWNS, CLONE_NEWNS)),
    REFUSE_WHERE("clone", "the same", OF(0, CLONE_NEWPID, CLONE_NEWPID)),
    REFUSE_WHERE("clone", "the same", OF(0, CLONE_NEWNET, CLONE_NEWNET)),
    REFUSE_WHERE("clone", "the same", OF(0, CLONE_NEWIPC, CLONE_NEWIPC)),
    REFUSE_WHERE("clone", "the same", OF(0, CLONE_NEWUTS, CLONE_NEWUTS)),
    REFUSE_WHERE("clone", "the same", OF(0, CLONE_NEWCGROUP, CLONE_NEWCGROUP)),
    {"clone3", "its flags cannot be seen by a filter: libc makes threads by clone then", {{0}}, ENOSYS},
    REFUSE("keyctl", "keys of the kernel"),
    REFUSE("add_key", "the same"),
    REFUSE("request_key", "the same"),
    REFUSE("personality", "less protection for what it starts"),
    REFUSE("settimeofday", "the clock"),
    REFUSE("clock_settime", "the clock"),
    REFUSE("clock_adjtime", "the clock"),
    REFUSE("adjtimex", "the clock"),
    REFUSE("syslog", "the log of the kernel, which tells addresses"),
    REFUSE("acct", "accounts of all processes"),
    REFUSE("sethostname", "the name of the machine"),
    REFUSE("setdomainname", "the same"),
    REFUSE("ioperm", "devices"),
    REFUSE("iopl", "devices"),
};
const struct call_table host_calls = {TABLE(host_rows), true};
const struct call_table keeper_calls = {host_rows + OF_THE_HOST_ALONE,
                                        sizeof host_rows / sizeof *host_rows - OF_THE_HOST_ALONE, true};
