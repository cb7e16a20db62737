#include "crypto/aead.h"

#include <openssl/evp.h>

#include "crypto/digest.h"

/* Lengths are OpenSSL's ints. */
static bool short_enough(struct bytes b)
{
    return b.n <= INT32_MAX - AEAD_TAG_SIZE;
}

bool aead_seal(const uint8_t key[AEAD_KEY_SIZE], const uint8_t iv[AEAD_IV_SIZE], struct bytes associated,
               struct bytes plain, struct arena *a, struct bytes *sealed)
{
    EVP_CIPHER_CTX *c = short_enough(plain) && short_enough(associated) ? EVP_CIPHER_CTX_new() : NULL;
    uint8_t *out = arena_alloc(a, plain.n + AEAD_TAG_SIZE);
    int n = 0, end = 0;
    bool ok = c && EVP_EncryptInit_ex2(c, EVP_aes_256_gcm(), key, iv, NULL) == 1 &&
              EVP_EncryptUpdate(c, NULL, &n, associated.p, (int)associated.n) == 1 &&
              EVP_EncryptUpdate(c, out, &n, plain.p, (int)plain.n) == 1 && EVP_EncryptFinal_ex(c, out + n, &end) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_SIZE, out + plain.n) == 1;

    EVP_CIPHER_CTX_free(c);
    *sealed = ok ? bytes_make(out, plain.n + AEAD_TAG_SIZE) : BYTES_NONE;
    return ok;
}

bool aead_open(const uint8_t key[AEAD_KEY_SIZE], const uint8_t iv[AEAD_IV_SIZE], struct bytes associated,
               struct bytes sealed, struct arena *a, struct bytes *plain)
{
    bool whole = sealed.n >= AEAD_TAG_SIZE && short_enough(sealed) && short_enough(associated);
    EVP_CIPHER_CTX *c = whole ? EVP_CIPHER_CTX_new() : NULL;
    size_t length = whole ? sealed.n - AEAD_TAG_SIZE : 0;
    uint8_t *out = arena_alloc(a, length);
    int n = 0, end = 0;
    bool ok =
        c && EVP_DecryptInit_ex2(c, EVP_aes_256_gcm(), key, iv, NULL) == 1 &&
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_SIZE, (void *)(uintptr_t)(sealed.p + length)) == 1 &&
        EVP_DecryptUpdate(c, NULL, &n, associated.p, (int)associated.n) == 1 &&
        EVP_DecryptUpdate(c, out, &n, sealed.p, (int)length) == 1 && EVP_DecryptFinal_ex(c, out + n, &end) == 1;

    EVP_CIPHER_CTX_free(c);
    if (!ok)
        secret_wipe(out, length); /* not authentic: nobody may see it */
    *plain = ok ? bytes_make(out, length) : BYTES_NONE;
    return ok;
}

bool cfb_encrypt(const uint8_t key[CFB_KEY_SIZE], struct bytes plain, uint8_t *out)
{
    const uint8_t iv[16] = {0};
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int n = 0;
    bool ok = context && plain.n <= INT32_MAX &&
              EVP_EncryptInit_ex(context, EVP_aes_128_cfb128(), NULL, key, iv) == 1 &&
              EVP_EncryptUpdate(context, out, &n, plain.p, (int)plain.n) == 1 && (size_t)n == plain.n;

    EVP_CIPHER_CTX_free(context);
    return ok;
}
