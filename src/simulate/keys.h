/* Keys and signatures of the simulated platform, all derived from one seed: the same seed makes the same evidence, byte for
 * byte, which libcrypto's random nonces would not. P-256 alone. Not for secrets: nothing here runs in constant time. */
#ifndef ASSAY_SIMULATE_KEYS_H
#define ASSAY_SIMULATE_KEYS_H

#include <openssl/evp.h>

#include "base/arena.h"

/* The key of this number below the seed; NULL when libcrypto failed. */
EVP_PKEY *key_derive(struct bytes seed, unsigned number);
/* r || s over the SHA-256 of a message, its nonce derived from key and message; empty when libcrypto failed. */
struct bytes key_sign(struct arena *a, EVP_PKEY *key, struct bytes message);
/* The same as ECDSA-Sig-Value in DER. */
struct bytes key_sign_der(struct arena *a, EVP_PKEY *key, struct bytes message);
/* x || y */
struct bytes key_point(struct arena *a, EVP_PKEY *key);

#endif
