/* RSA keys as libcrypto's objects; for the files of this floor. */
#ifndef ASSAY_CRYPTO_RSA_KEY_H
#define ASSAY_CRYPTO_RSA_KEY_H

#include <openssl/evp.h>

#include "crypto/verify.h"

/* Modulus and exponent of a key of kind KEY_RSA; the caller releases it. NULL when libcrypto failed. */
EVP_PKEY *rsa_public(const struct public_key *key);

#endif
