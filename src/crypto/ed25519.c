#include "crypto/ed25519.h"

#include <openssl/evp.h>

bool ed25519_public(const uint8_t seed[ED25519_SEED], uint8_t out[ED25519_PUBLIC])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED);
    size_t n = ED25519_PUBLIC;
    bool ok = key && EVP_PKEY_get_raw_public_key(key, out, &n) == 1 && n == ED25519_PUBLIC;

    EVP_PKEY_free(key);
    return ok;
}

bool ed25519_sign(const uint8_t seed[ED25519_SEED], struct bytes message, uint8_t out[ED25519_SIGNATURE])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t n = ED25519_SIGNATURE;
    bool ok = key && context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestSign(context, out, &n, message.p, message.n) == 1 && n == ED25519_SIGNATURE;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return ok;
}

bool ed25519_verify(const uint8_t key[ED25519_PUBLIC], struct bytes message, struct bytes signature)
{
    if (signature.n != ED25519_SIGNATURE)
        return false;
    EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, ED25519_PUBLIC);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = public && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) == 1 &&
              EVP_DigestVerify(context, signature.p, signature.n, message.p, message.n) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(public);
    return ok;
}
