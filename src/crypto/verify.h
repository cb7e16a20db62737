/* Verification of signatures, one entry per algorithm, so that a faster back end can be chosen and measured.
 *
 * Keys are plain data: no object has to be released, a decoded certificate can live in an arena or a cache. Only the
 * curves and sizes of DESIGN 5 are accepted: P-256, P-384, RSA of 2048 to 4096 bits with an odd exponent of at most
 * 32 bits, at least 3, and not one that can be factored for how it was made (ROCA). An EC point that is not on its curve
 * never makes a key. */
#ifndef ASSAY_CRYPTO_VERIFY_H
#define ASSAY_CRYPTO_VERIFY_H

#include "crypto/digest.h"

/* Signature algorithms by name, as certificates and JOSE use them. */
enum signature_alg {
    SIGNATURE_NONE,
    SIGNATURE_RS256,
    SIGNATURE_RS384,
    SIGNATURE_RS512,
    SIGNATURE_PS256,
    SIGNATURE_PS384,
    SIGNATURE_PS512,
    SIGNATURE_ES256, /* digest SHA-256; in JOSE on P-256 only, in X.509 on any curve */
    SIGNATURE_ES384,
    SIGNATURE_ES512, /* X.509 only: SHA-512 with P-256 or P-384 */
};

enum key_kind { KEY_NONE, KEY_P256, KEY_P384, KEY_RSA };

struct public_key {
    enum key_kind kind;
    struct bytes point;     /* EC: x || y, big endian, 64 or 96 bytes */
    struct bytes modulus;   /* RSA: big endian without leading zeros */
    struct bytes exponent;  /* RSA: the same */
    struct bytes spki;      /* DER SubjectPublicKeyInfo, where the key came from one */
    enum signature_alg alg; /* the only one it may be used with (a JWK's); SIGNATURE_NONE: any of its kind */
};

/* From DER SubjectPublicKeyInfo; trailing bytes, other algorithms and other sizes are refused. */
bool public_key_decode(struct arena *a, struct bytes spki, struct public_key *out);
/* The same, and RSA from 1024 bits: as signing keys of the original service were until 2021. Only for callers who say so to whoever
 * relies on them. */
bool public_key_decode_short(struct arena *a, struct bytes spki, struct public_key *out);
/* From x || y (64 bytes: P-256, 96: P-384); the point must be on the curve. The view is kept, not copied. */
bool public_key_from_point(struct bytes point, struct public_key *out);
/* From big-endian modulus and exponent without leading zeros (a JWK's); views are kept. */
bool public_key_from_rsa(struct bytes modulus, struct bytes exponent, struct public_key *out);
/* One and the same key, whatever form each came in; keys that are not accepted are nobody's. */
bool public_key_equal(const struct public_key *a, const struct public_key *b);
/* DER SubjectPublicKeyInfo of a key, built when it came without one. */
struct bytes public_key_spki(struct arena *a, const struct public_key *key);

/* Signature over a digest. ECDSA signatures are r || s, each of the curve's size (P1363); DER is turned into that by
 * ecdsa_from_der, strictly. r and s outside 1..n-1 are refused. */
bool ecdsa_verify(const struct public_key *key, struct bytes hash, struct bytes signature);
bool ecdsa_from_der(struct arena *a, enum key_kind curve, struct bytes der, struct bytes *out);
bool rsa_pkcs1_verify(const struct public_key *key, enum digest_alg alg, struct bytes hash, struct bytes signature);
/* RSASSA-PSS with MGF1 of the same digest; salt_size exactly, or SALT_ANY, as TPMs take different ones. */
#define SALT_ANY SIZE_MAX
bool rsa_pss_verify(const struct public_key *key, enum digest_alg alg, struct bytes hash, size_t salt_size,
                    struct bytes signature);

/* Verify over a message: hash it, check that the key fits the algorithm, verify. ECDSA signature as r || s. */
bool signature_verify(const struct public_key *key, enum signature_alg alg, struct bytes message,
                      struct bytes signature);

#endif
