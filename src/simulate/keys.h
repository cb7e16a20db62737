/* Keys and signatures of simulated platforms, all derived from one seed: the same seed makes the same evidence, byte for
 * byte, which libcrypto's random nonces and salts would not. Not for secrets: nothing here runs in constant time. */
#ifndef ASSAY_SIMULATE_KEYS_H
#define ASSAY_SIMULATE_KEYS_H

#include <openssl/evp.h>

#include "crypto/verify.h"

/* The key of this number below the seed, on P-256 or P-384; NULL when libcrypto failed. */
EVP_PKEY *key_derive(enum key_kind curve, struct bytes seed, unsigned number);
/* r || s over the SHA-256 of a message, SHA-384 on P-384, its nonce derived from key and message; empty when libcrypto
 * failed. */
struct bytes key_sign(struct arena *a, EVP_PKEY *key, struct bytes message);
/* The same as ECDSA-Sig-Value in DER. */
struct bytes key_sign_der(struct arena *a, EVP_PKEY *key, struct bytes message);
/* x || y */
struct bytes key_point(struct arena *a, EVP_PKEY *key);

/* The same with RSA of 2048 bits and exponent 65537. Such a key takes some hundredths of a second: `known` ones, whose seed is no
 * secret, are remembered by this process, which must ask from one thread. */
EVP_PKEY *rsa_derive(struct bytes seed, unsigned number, bool known);
/* Its modulus, 256 bytes. */
bool rsa_modulus(struct arena *a, EVP_PKEY *key, struct bytes *out);
/* RS256 to PS512; the salt of PSS has the size of the digest and is derived from the message. */
struct bytes rsa_sign(struct arena *a, EVP_PKEY *key, enum signature_alg alg, struct bytes message);

#endif
