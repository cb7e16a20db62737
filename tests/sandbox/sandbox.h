/* The confinement of each program, for programs that try what it denies. */
#ifndef TESTS_SANDBOX_SANDBOX_H
#define TESTS_SANDBOX_SANDBOX_H

#include "core/confine.h"

/* As the program of this name ("verifier", "signer", "host") does it, in the same order; "none" does nothing. Ends this process when it
 * fails. */
extern bool sandbox_makes_keys; /* start the signer's thread for it, where the program has one */
void sandbox_become(const char *name);

#endif
