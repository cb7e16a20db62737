/* Starting a pair of the core's processes: a verifier and its signer, joined by socket pairs (DESIGN 5). The keeper does it (core/keeper.h),
 * on behalf of the host. */
#ifndef ASSAY_CORE_PAIR_H
#define ASSAY_CORE_PAIR_H

#include <sys/types.h>

#include "base/fault.h"

/* The environment variable by which the host tells a process that a kernel without filters of system calls will do (the setting sandbox). */
#define PAIR_SANDBOX           "ASSAY_SANDBOX"
#define PAIR_SANDBOX_AVAILABLE "available"

struct pair_options {
    const char *folder;       /* where assay-verifier and assay-signer lie */
    const char *sealing_key;  /* file of the key under which providers' keys are kept; made when it is missing */
    char *const *sealer;      /* how it is kept: root_sealer_arguments(); NULL: as its own permissions keep it */
    size_t request_memory;    /* bytes */
    unsigned request_seconds; /* of CPU time */
    /* Which of how many pairs, from 0. Where they are as many as this process may use processors, each pair keeps to one of them: a verifier and its
     * signer never work at once, and to wake each other across processors costs as much as a verification. 0 of 0: anywhere. */
    size_t place, pairs;
    bool adopts;           /* seals what an operator vouches for, and does nothing else */
    bool sandbox_required; /* they may not run where the kernel has no filters of system calls */
};

struct pair {
    pid_t verifier, signer; /* the signer leads a process group, of itself and what it starts */
    int fd;                 /* to the verifier */
};

/* When it fails, errno tells why too. */
bool pair_start(const struct pair_options *options, struct pair *out, struct fault *fault);
/* Kill both and wait for them; for a pair that is of no use any more. */
void pair_kill(struct pair *p);
enum { PAIR_END_TEXT = 80 };
/* How a process ended, to stand behind "ended": a call that its sandbox denies, a signal, an exit status. Empty where it says nothing. */
void pair_end_text(int status, char text[PAIR_END_TEXT]);
/* End a verifier whose channel is closed: it has ended, or ends now. Gives its status; 0 when there is none. */
int pair_end_verifier(struct pair *p);
/* The folder of the running program, or the installed one when no helper lies beside it. */
bool pair_folder(char *out, size_t size, struct fault *fault);
/* assay-sealer, found the same way; a path. */
bool pair_sealer(char *out, size_t size, struct fault *fault);

#endif
