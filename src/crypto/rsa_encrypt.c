#include "crypto/rsa_encrypt.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "crypto/rsa_key.h"

size_t rsa_pkcs1_padding(const struct public_key *key, size_t n)
{
    if (key->kind != KEY_RSA || key->modulus.n < RSA_PKCS1_OVERHEAD || n > key->modulus.n - RSA_PKCS1_OVERHEAD)
        return 0;
    return key->modulus.n - n - (RSA_PKCS1_OVERHEAD - RSA_PKCS1_PADDING_LEAST);
}

/* c = em ^ e mod n; em is as long as n, and below it since it begins with a zero byte. */
static bool raw_encrypt(const struct public_key *key, const uint8_t *em, uint8_t *out)
{
    EVP_PKEY *k = rsa_public(key);
    EVP_PKEY_CTX *context = k ? EVP_PKEY_CTX_new_from_pkey(NULL, k, NULL) : NULL;
    size_t n = key->modulus.n;
    bool ok = context && EVP_PKEY_encrypt_init(context) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1 &&
              EVP_PKEY_encrypt(context, out, &n, em, n) == 1 && n == key->modulus.n;

    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(k);
    return ok;
}

bool rsa_pkcs1_encrypt(const struct public_key *key, struct bytes message, struct bytes padding, struct arena *a,
                       struct bytes *out)
{
    size_t n = key->modulus.n, pad = rsa_pkcs1_padding(key, message.n);

    *out = BYTES_NONE;
    if (pad == 0 || padding.n != pad || memchr(padding.p, 0, pad))
        return false;
    uint8_t *em = arena_alloc(a, n), *c = arena_alloc(a, n);
    em[1] = 2;
    memcpy(em + 2, padding.p, pad);
    memcpy(em + n - message.n, message.p, message.n);
    bool ok = raw_encrypt(key, em, c);
    secret_wipe(em, n);
    if (ok)
        *out = bytes_make(c, n);
    return ok;
}

/* MGF1 (RFC 8017 B.2.1), laid over what is there. */
static void mask(uint8_t *p, size_t n, enum digest_alg alg, struct bytes seed)
{
    size_t size = digest_size(alg);

    for (uint32_t counter = 0; n; counter++) {
        const uint8_t be[] = {(uint8_t)(counter >> 24), (uint8_t)(counter >> 16), (uint8_t)(counter >> 8),
                              (uint8_t)counter};
        struct bytes parts[] = {seed, BYTES_OF(be)};
        uint8_t block[DIGEST_MAX];
        size_t part = n < size ? n : size;

        digest_parts(alg, parts, 2, block);
        for (size_t i = 0; i < part; i++)
            p[i] ^= block[i];
        p += part;
        n -= part;
    }
}

bool rsa_oaep_encrypt(const struct public_key *key, enum digest_alg alg, struct bytes label, struct bytes message,
                      struct bytes seed, struct arena *a, struct bytes *out)
{
    size_t n = key->modulus.n, h = digest_size(alg);

    *out = BYTES_NONE;
    if (key->kind != KEY_RSA || seed.n != h || n < 2 * h + 2 || message.n > n - 2 * h - 2)
        return false;
    uint8_t *em = arena_alloc(a, n), *c = arena_alloc(a, n), *db = em + 1 + h;
    memcpy(em + 1, seed.p, h);
    digest_parts(alg, &label, 1, db);
    em[n - message.n - 1] = 1;
    memcpy(em + n - message.n, message.p, message.n);
    mask(db, n - 1 - h, alg, seed);
    mask(em + 1, h, alg, bytes_make(db, n - 1 - h));
    bool ok = raw_encrypt(key, em, c);
    secret_wipe(em, n);
    if (ok)
        *out = bytes_make(c, n);
    return ok;
}
