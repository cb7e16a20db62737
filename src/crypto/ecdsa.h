/* The elliptic-curve back ends behind crypto/verify.h. P-256 is fastest with OpenSSL, P-384 with nettle: `./dev bench` measures
 * both, docs/decisions.md has the figures. ecdsa_verify is where one is chosen. */
#ifndef ASSAY_CRYPTO_ECDSA_H
#define ASSAY_CRYPTO_ECDSA_H

#include "crypto/verify.h"

/* x || y is a point of the curve (and so not the one at infinity). */
bool ecdsa_point_valid(enum key_kind curve, struct bytes point);
/* ecdsa_verify by one back end: P-256 and P-384; P-384 alone. */
bool ecdsa_verify_openssl(const struct public_key *key, struct bytes hash, struct bytes signature);
bool ecdsa_verify_nettle(const struct public_key *key, struct bytes hash, struct bytes signature);

#endif
