#include "sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "core/key_pool.h"
#include "crypto/random_seed.h"

enum { MEMORY = 1024 * 1024 * 1024, VERIFIER_LAST_FD = 4, SIGNER_LAST_FD = 3 };

bool sandbox_makes_keys;

static bool verifier(struct fault *fault)
{
    return confine_start(fault) && random_seed_once() && confine_clock(fault) &&
           confine_process(MEMORY, VERIFIER_LAST_FD, fault) && confine_calls(&verifier_calls, fault);
}

static bool signer(struct fault *fault)
{
    static char secret[32];

    confine_lock_memory(CONFINE_SIGNER_MEMORY, secret, sizeof secret);
    return confine_start(fault) && confine_process(CONFINE_SIGNER_MEMORY, SIGNER_LAST_FD, fault) &&
           key_pool_start(fault) && confine_calls(&signer_calls, fault);
}

void sandbox_become(const char *name)
{
    struct fault fault = {0};
    bool ok = strcmp(name, "verifier") == 0 ? verifier(&fault)
              : strcmp(name, "signer") == 0 ? signer(&fault)
                                            : strcmp(name, "none") == 0 && key_pool_start(&fault);

    sandbox_makes_keys = strcmp(name, "verifier") != 0;

    if (!ok) {
        fprintf(stderr, "cannot become %s: %s\n", name, fault.text);
        _Exit(EXIT_FAILURE);
    }
}
