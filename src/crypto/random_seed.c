#define OPENSSL_SUPPRESS_DEPRECATED /* a method of one function; a provider of its own would be a hundred lines more in the core */

#include "crypto/random_seed.h"

#include <openssl/rand.h>

#include "crypto/digest.h"

static struct {
    uint8_t seed[SHA256_SIZE];
    uint64_t counter;
} stream;

static int expand(unsigned char *out, int n)
{
    const struct bytes all = bytes_make((const uint8_t *)&stream, sizeof stream);

    for (size_t left = n > 0 ? (size_t)n : 0; left;) {
        uint8_t block[SHA256_SIZE];
        size_t part = left < sizeof block ? left : sizeof block;

        stream.counter++;
        sha256(all, block);
        memcpy(out, block, part);
        out += part;
        left -= part;
    }
    return n >= 0;
}

static int ready(void)
{
    return 1;
}

bool random_seed_once(void)
{
    static const RAND_METHOD method = {.bytes = expand, .pseudorand = expand, .status = ready};

    return random_bytes(stream.seed, sizeof stream.seed) && RAND_set_rand_method(&method) == 1;
}
