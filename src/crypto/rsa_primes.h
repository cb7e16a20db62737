/* An RSA key out of its primes. */
#ifndef ASSAY_CRYPTO_RSA_PRIMES_H
#define ASSAY_CRYPTO_RSA_PRIMES_H

#include <openssl/evp.h>

#include "base/bytes.h"

/* Two different primes of the same size, big-endian, one behind the other; the exponent is 65537. Whether they are prime is not asked.
 * NULL when libcrypto failed or the size is none of a key. */
EVP_PKEY *rsa_from_primes(struct bytes primes);

#endif
