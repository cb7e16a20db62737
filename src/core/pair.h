/* Starting a pair of the core's processes: a verifier and its signer, joined by socket pairs (DESIGN 5). */
#ifndef ASSAY_CORE_PAIR_H
#define ASSAY_CORE_PAIR_H

#include <sys/types.h>

#include "base/fault.h"

struct pair_options {
    const char *folder;       /* where assay-verifier and assay-signer lie */
    const char *sealing_key;  /* file of the key under which providers' keys are kept; made when it is missing */
    size_t request_memory;    /* bytes */
    unsigned request_seconds; /* of CPU time */
};

struct pair {
    pid_t verifier, signer;
    int fd; /* to the verifier */
};

bool pair_start(const struct pair_options *options, struct pair *out, struct fault *fault);
/* Kill both and wait for them; for a pair that is of no use any more. */
void pair_kill(struct pair *p);
/* The folder of the running program, or the installed one when no helper lies beside it. */
bool pair_folder(char *out, size_t size, struct fault *fault);

#endif
