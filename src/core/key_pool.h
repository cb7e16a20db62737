/* Signing keys made ahead: to find the primes of an RSA key takes a quarter of a second, for which a new provider, or one whose
 * key rotates, need not wait. A signer makes some while it is idle, in a thread that runs only when nothing else would.
 *
 * Of one process, and used by one thread of it. Keys of the pool are never outside of this process, and gone with it. */
#ifndef ASSAY_CORE_KEY_POOL_H
#define ASSAY_CORE_KEY_POOL_H

#include "crypto/sign.h"

enum { KEY_POOL_SIZE = 4 };

/* Make the thread; it waits. Before the process gives up the right to make one. On return the thread's priority is the lowest there
 * is. False with a fault when there is none: keys are then made when they are asked for. */
bool key_pool_start(struct fault *fault);
/* From now on keep it full. The first call is not at the start of the process, which has better to do. */
void key_pool_fill(void);
/* A key made ahead, the caller's now; NULL: there is none at the moment. Never waits for one. */
struct signing_key *key_pool_take(void);
size_t key_pool_count(void);
/* Ends the thread, also in the middle of a key, and wipes what is left. */
void key_pool_stop(void);

#endif
