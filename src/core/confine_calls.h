/* The system calls of each program: one table each, the whole of what it may ask of the kernel once it is closed, and why (DESIGN 5).
 * The tables of the core are allow lists: whatever is not in them ends the process at once. They are short because they were measured: a
 * row that no test needs does not belong here, and SECURITY.md lists the same names (a test compares). The host has a deny list: it is
 * the one that opens files and sockets, and what it never does is refused with EPERM. The keeper, which starts the core's processes, is refused
 * the same but for that; they inherit it, so that it cannot be refused what an assay-sealer needs, the network of a token's module among it. */
#ifndef ASSAY_CORE_CONFINE_CALLS_H
#define ASSAY_CORE_CONFINE_CALLS_H

#include <stdbool.h>
#include <stdint.h>

/* A condition on one argument: (argument & mask) == value. All zero is none. */
struct call_argument {
    unsigned place; /* from 0 */
    uint64_t mask, value;
};

struct call_row {
    const char *name; /* as libseccomp has it, on every architecture */
    const char *why;
    struct call_argument where[2]; /* both must hold; several rows of one name: any of them */
    int refused;                   /* with this error number; 0: allowed */
};

struct call_table {
    const struct call_row *rows;
    unsigned count;
    bool others; /* what has no row is allowed; else it ends the process */
};

extern const struct call_table verifier_calls, signer_calls, host_calls, keeper_calls;

#endif
