/* AES-256-GCM: what leaves a signer is sealed with it, and answers to Azure guests (snp-cvm.md 3.6). */
#ifndef ASSAY_CRYPTO_AEAD_H
#define ASSAY_CRYPTO_AEAD_H

#include "base/arena.h"

enum { AEAD_KEY_SIZE = 32, AEAD_IV_SIZE = 12, AEAD_TAG_SIZE = 16 };

/* Ciphertext and tag into the arena. An IV must never come twice under one key. */
bool aead_seal(const uint8_t key[AEAD_KEY_SIZE], const uint8_t iv[AEAD_IV_SIZE], struct bytes associated,
               struct bytes plain, struct arena *a, struct bytes *sealed);
/* The reverse; false, with nothing given out, when any bit of key, IV, associated data or sealed text is another. */
bool aead_open(const uint8_t key[AEAD_KEY_SIZE], const uint8_t iv[AEAD_IV_SIZE], struct bytes associated,
               struct bytes sealed, struct arena *a, struct bytes *plain);
/* AES-128 in CFB mode of 128 bits with an IV of zeros, as TPMs wrap what they are sent: it keeps a secret and proves nothing, so
 * what is sealed goes under an HMAC. out has as many bytes as plain. */
enum { CFB_KEY_SIZE = 16 };
bool cfb_encrypt(const uint8_t key[CFB_KEY_SIZE], struct bytes plain, uint8_t *out);

#endif
