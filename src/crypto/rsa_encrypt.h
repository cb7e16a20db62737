/* Encryption to the holder of an RSA key. RSAES-PKCS1-v1_5 (RFC 8017, 7.2.1): how a key is sent to the guest whose TPM holds the
 * private half (snp-cvm.md 3.6). RSAES-OAEP: how a seed is sent to a TPM (tpm-vbs.md 2.5). */
#ifndef ASSAY_CRYPTO_RSA_ENCRYPT_H
#define ASSAY_CRYPTO_RSA_ENCRYPT_H

#include "crypto/verify.h"

enum { RSA_PKCS1_PADDING_LEAST = 8, RSA_PKCS1_OVERHEAD = 11 /* 00 02, that padding, 00 */ };

/* How many bytes of padding a message of n bytes takes under this key; 0: it is no RSA key, or the message is too long. */
size_t rsa_pkcs1_padding(const struct public_key *key, size_t n);
/* `padding` are that many random bytes, none of them zero: this module has no generator. False too when libcrypto fails. */
bool rsa_pkcs1_encrypt(const struct public_key *key, struct bytes message, struct bytes padding, struct arena *a,
                       struct bytes *out);
/* RSAES-OAEP (7.1.1) with MGF1 of the same digest. `label` with the NUL at its end, where the scheme has one; `seed` are
 * digest_size(alg) random bytes. */
bool rsa_oaep_encrypt(const struct public_key *key, enum digest_alg alg, struct bytes label, struct bytes message,
                      struct bytes seed, struct arena *a, struct bytes *out);

#endif
