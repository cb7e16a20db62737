/* X25519 (RFC 7748): how two nodes agree on a secret over files that anybody may read. */
#ifndef ASSAY_CRYPTO_X25519_H
#define ASSAY_CRYPTO_X25519_H

#include "base/bytes.h"

enum { X25519_SIZE = 32 }; /* of a secret, its public half, and what is agreed on */

bool x25519_public(const uint8_t secret[X25519_SIZE], uint8_t out[X25519_SIZE]);
/* Derive from it what is used. False for a peer that makes it a constant (of small order). */
bool x25519_agree(const uint8_t secret[X25519_SIZE], const uint8_t peer[X25519_SIZE], uint8_t out[X25519_SIZE]);

#endif
