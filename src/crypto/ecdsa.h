/* The elliptic-curve back end behind crypto/verify.h; another one can take its place here. */
#ifndef ASSAY_CRYPTO_ECDSA_H
#define ASSAY_CRYPTO_ECDSA_H

#include "crypto/verify.h"

/* x || y is a point of the curve (and so not the one at infinity). */
bool ecdsa_point_valid(enum key_kind curve, struct bytes point);

#endif
