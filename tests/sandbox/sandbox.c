#include "sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "core/key_pool.h"
#include "crypto/random_seed.h"

enum { NOT_BECOME = 200, MEMORY = 1024 * 1024 * 1024, VERIFIER_LAST_FD = 4, SIGNER_LAST_FD = 3 };

bool sandbox_makes_keys;

static bool threads(struct fault *fault)
{
    return !sandbox_makes_keys || key_pool_start(fault);
}

static bool host(struct fault *fault)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && confine_calls(&host_calls, fault) && threads(fault);
}

static bool verifier(struct fault *fault)
{
    return confine_start(fault) && random_seed_once() && confine_clock(fault) &&
           confine_process(MEMORY, VERIFIER_LAST_FD, fault) && confine_reach(fault) &&
           confine_calls(&verifier_calls, fault);
}

static bool signer(struct fault *fault)
{
    static char secret[32];

    confine_lock_memory(CONFINE_SIGNER_MEMORY, secret, sizeof secret);
    return confine_start(fault) && confine_process(CONFINE_SIGNER_MEMORY, SIGNER_LAST_FD, fault) &&
           confine_reach(fault) && threads(fault) && confine_calls(&signer_calls, fault);
}

void sandbox_become(const char *name)
{
    struct fault fault = {0};
    bool ok = strcmp(name, "verifier") == 0 ? verifier(&fault)
              : strcmp(name, "signer") == 0 ? signer(&fault)
              : strcmp(name, "host") == 0   ? host(&fault)
                                            : strcmp(name, "none") == 0 && threads(&fault);

    if (!ok) {
        fprintf(stderr, "cannot become %s: %s\n", name, fault.text);
        _Exit(NOT_BECOME);
    }
}
