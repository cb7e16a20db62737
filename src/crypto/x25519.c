#include "crypto/x25519.h"

#include <openssl/evp.h>

bool x25519_public(const uint8_t secret[X25519_SIZE], uint8_t out[X25519_SIZE])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, X25519_SIZE);
    size_t n = X25519_SIZE;
    bool ok = key && EVP_PKEY_get_raw_public_key(key, out, &n) == 1 && n == X25519_SIZE;

    EVP_PKEY_free(key);
    return ok;
}

bool x25519_agree(const uint8_t secret[X25519_SIZE], const uint8_t peer[X25519_SIZE], uint8_t out[X25519_SIZE])
{
    EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, X25519_SIZE);
    EVP_PKEY *other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, X25519_SIZE);
    EVP_PKEY_CTX *context = own ? EVP_PKEY_CTX_new(own, NULL) : NULL;
    size_t n = X25519_SIZE;
    bool ok = context && other && EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, other) == 1 &&
              EVP_PKEY_derive(context, out, &n) == 1 && n == X25519_SIZE &&
              !bytes_all_zero(bytes_make(out, X25519_SIZE));

    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(own);
    EVP_PKEY_free(other);
    return ok;
}
