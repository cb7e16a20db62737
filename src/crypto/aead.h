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

#endif
