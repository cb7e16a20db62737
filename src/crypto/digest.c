#include "crypto/digest.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

static const struct {
    const char *name;
    size_t size;
} algorithms[] = {
    [DIGEST_SHA1] = {"SHA1", SHA1_SIZE},
    [DIGEST_SHA256] = {"SHA256", SHA256_SIZE},
    [DIGEST_SHA384] = {"SHA384", SHA384_SIZE},
    [DIGEST_SHA512] = {"SHA512", SHA512_SIZE},
};

static EVP_MD *fetched[sizeof algorithms / sizeof *algorithms];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch_all(void)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (!(fetched[i] = EVP_MD_fetch(NULL, algorithms[i].name, NULL)))
            abort(); /* a libcrypto without SHA cannot serve */
}

size_t digest_size(enum digest_alg alg)
{
    return algorithms[alg].size;
}

void digest_begin(struct digest_stream *d, enum digest_alg alg)
{
    pthread_once(&once, fetch_all);
    d->context = EVP_MD_CTX_new();
    if (!d->context || EVP_DigestInit_ex(d->context, fetched[alg], NULL) != 1)
        abort(); /* only without memory */
}

void digest_add(struct digest_stream *d, struct bytes b)
{
    if (b.n && EVP_DigestUpdate(d->context, b.p, b.n) != 1)
        abort();
}

void digest_end(struct digest_stream *d, uint8_t *out)
{
    if (EVP_DigestFinal_ex(d->context, out, NULL) != 1)
        abort();
    EVP_MD_CTX_free(d->context);
}

void digest_parts(enum digest_alg alg, const struct bytes *parts, size_t count, uint8_t *out)
{
    struct digest_stream d;

    digest_begin(&d, alg);
    for (size_t i = 0; i < count; i++)
        digest_add(&d, parts[i]);
    digest_end(&d, out);
}

void hmac_parts(enum digest_alg alg, struct bytes key, const struct bytes *parts, size_t count, uint8_t *out)
{
    enum { INNER = 0x36, OUTER = 0x5c, BLOCK_MOST = 128 };
    size_t block = alg == DIGEST_SHA384 || alg == DIGEST_SHA512 ? 128 : 64;
    uint8_t pad[BLOCK_MOST] = {0}, inner[DIGEST_MAX];
    struct digest_stream d;

    if (key.n > 64)
        abort(); /* no caller of ours has a longer one */
    memcpy(pad, key.p, key.n);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= INNER;
    digest_begin(&d, alg);
    digest_add(&d, bytes_make(pad, block));
    for (size_t i = 0; i < count; i++)
        digest_add(&d, parts[i]);
    digest_end(&d, inner);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= INNER ^ OUTER;
    struct bytes last[] = {bytes_make(pad, block), bytes_make(inner, algorithms[alg].size)};
    digest_parts(alg, last, 2, out);
    secret_wipe(pad, sizeof pad);
}

void sha256(struct bytes b, uint8_t out[SHA256_SIZE])
{
    digest_parts(DIGEST_SHA256, &b, 1, out); /* OpenSSL's own one-shot fetches the algorithm each time */
}

struct bytes digest(struct arena *a, enum digest_alg alg, struct bytes b)
{
    uint8_t *out = arena_alloc(a, algorithms[alg].size);

    digest_parts(alg, &b, 1, out);
    return bytes_make(out, algorithms[alg].size);
}

struct bytes sha256_of(struct arena *a, struct bytes b)
{
    return digest(a, DIGEST_SHA256, b);
}

bool secret_equal(struct bytes a, struct bytes b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void secret_wipe(void *p, size_t n)
{
    if (n)
        OPENSSL_cleanse(p, n);
}

bool random_bytes(uint8_t *out, size_t n)
{
    return n <= INT32_MAX && RAND_bytes(out, (int)n) == 1;
}
