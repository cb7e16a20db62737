/* Ed25519 (RFC 8032), where both ends are ours or follow a form that has nothing else: records of the store, checkpoints of
 * the decision log (signed notes). Evidence never comes with it. */
#ifndef ASSAY_CRYPTO_ED25519_H
#define ASSAY_CRYPTO_ED25519_H

#include "base/bytes.h"

enum { ED25519_SEED = 32, ED25519_PUBLIC = 32, ED25519_SIGNATURE = 64 };

/* The key of a seed, which is its private half. False when libcrypto fails. */
bool ed25519_public(const uint8_t seed[ED25519_SEED], uint8_t out[ED25519_PUBLIC]);
bool ed25519_sign(const uint8_t seed[ED25519_SEED], struct bytes message, uint8_t out[ED25519_SIGNATURE]);
/* False as well for a signature of another size. */
bool ed25519_verify(const uint8_t key[ED25519_PUBLIC], struct bytes message, struct bytes signature);

#endif
