/* Signing keys: made, kept and used by signers and tools only. Private parts never leave this module except sealed or
 * as PEM for a file that its owner alone can read. */
#ifndef ASSAY_CRYPTO_SIGN_H
#define ASSAY_CRYPTO_SIGN_H

#include <stdatomic.h>

#include "base/fault.h"
#include "crypto/verify.h"

struct signing_key;

enum { SIGNING_RSA_BITS = 2048, SIGNING_RSA_BITS_MOST = 4096 }; /* made, and accepted from a file */

struct signing_key *signing_key_generate(enum key_kind kind, struct fault *fault); /* KEY_RSA, KEY_P256, KEY_P384 */
/* The same for RSA, given up soon after *stop is true: for a thread that makes keys while others use them. */
struct signing_key *signing_key_generate_unless(const atomic_bool *stop, struct fault *fault);
struct signing_key *signing_key_read_pem(struct bytes pem, struct fault *fault);
/* PKCS#8 PEM; wipe it (secret_wipe) after use. */
bool signing_key_write_pem(const struct signing_key *k, struct arena *a, struct bytes *pem, struct fault *fault);
/* The same as PKCS#8 DER, which is read in a tenth of the time. */
struct signing_key *signing_key_read_der(struct bytes der, struct fault *fault);
/* The shortest that a key is made of again: the two primes of RSA, PKCS#8 of others. RSA-2048 takes 257 bytes of it instead of 1,217, and is
 * opened sooner. Wipe it after use. Read only what was written here: the primes are believed. */
bool signing_key_write_short(const struct signing_key *k, struct arena *a, struct bytes *out, struct fault *fault);
struct signing_key *signing_key_read_short(struct bytes b, struct fault *fault);
void signing_key_free(struct signing_key *k);
/* DER SubjectPublicKeyInfo. */
struct bytes signing_key_spki(const struct signing_key *k, struct arena *a);
enum key_kind signing_key_kind(const struct signing_key *k);
/* RSA: PKCS#1 v1.5 or PSS as alg says; EC: r || s. The signature goes into the arena. */
bool sign_message(const struct signing_key *k, enum signature_alg alg, struct bytes message, struct arena *a,
                  struct bytes *signature);

#endif
