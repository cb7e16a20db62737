/* Digests, and what secrets need. Algorithms are fetched once per process (OpenSSL 3 makes fetching dear). */
#ifndef ASSAY_CRYPTO_DIGEST_H
#define ASSAY_CRYPTO_DIGEST_H

#include "base/arena.h"

enum { SHA1_SIZE = 20, SHA256_SIZE = 32, SHA384_SIZE = 48, SHA512_SIZE = 64, DIGEST_MAX = 64 };

enum digest_alg { DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };

size_t digest_size(enum digest_alg alg);
/* Digest of the parts joined; out has digest_size(alg) bytes. */
void digest_parts(enum digest_alg alg, const struct bytes *parts, size_t count, uint8_t *out);
void sha256(struct bytes b, uint8_t out[SHA256_SIZE]);
/* The same into an arena, as a view. */
struct bytes digest(struct arena *a, enum digest_alg alg, struct bytes b);
struct bytes sha256_of(struct arena *a, struct bytes b);

/* HMAC (RFC 2104) of the parts joined; out has digest_size(alg) bytes. The key is at most as long as a block: 64 bytes. */
void hmac_parts(enum digest_alg alg, struct bytes key, const struct bytes *parts, size_t count, uint8_t *out);

/* Digest of what comes piece by piece. Each begin needs its end, wanted or not. */
struct digest_stream {
    void *context;
};
void digest_begin(struct digest_stream *d, enum digest_alg alg);
void digest_add(struct digest_stream *d, struct bytes b);
void digest_end(struct digest_stream *d, uint8_t *out);

bool secret_equal(struct bytes a, struct bytes b); /* constant time for equal lengths */
void secret_wipe(void *p, size_t n);
/* Random bytes from the operating system; for hosts, signers and tools. The core has no generator (DESIGN 2). */
bool random_bytes(uint8_t *out, size_t n);

#endif
