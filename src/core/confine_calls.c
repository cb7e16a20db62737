#include "core/confine_calls.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

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

/* No file, no socket, no clock, no random numbers. */
static const struct call_row verifier_rows[] = {
    ALLOW_WHERE("read", "requests of the host", IS(0, VERIFIER_HOST)),
    ALLOW_WHERE("read", "what the signer made", IS(0, VERIFIER_SIGNER)),
    ALLOW_WHERE("writev", "answers to the host", IS(0, VERIFIER_HOST)),
    ALLOW_WHERE("writev", "messages to the signer", IS(0, VERIFIER_SIGNER)),
    ALLOW_WHERE("write", "last words on standard error", IS(0, STDERR_FILENO)),
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
    ALLOW_WHERE("write", "last words on standard error", IS(0, STDERR_FILENO)),
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
