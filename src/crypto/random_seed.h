/* libcrypto's random numbers in a process that may not ask for any.
 *
 * To multiply a point libcrypto hides what it computes behind random numbers, also where nothing is secret: a signature that is verified.
 * Its generator asks the system for seeds, the time, and the number of the process, again and again. A verifier has no secret to hide and
 * may ask the system for nothing, so it takes one seed while it still may, and expands it. */
#ifndef ASSAY_CRYPTO_RANDOM_SEED_H
#define ASSAY_CRYPTO_RANDOM_SEED_H

#include <stdbool.h>

/* From now on, in this process, libcrypto's generator is SHA-256 over a seed of the system and a counter. For a process that makes
 * no key and forks no more. False: the system gives no seed. */
bool random_seed_once(void);

#endif
