#include "service/quota.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"

enum { SETS = 4096, WAYS = 4, SALT = 16 };

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

void address_take(const struct sockaddr *address, uint8_t out[ADDRESS_SIZE])
{
    memset(out, 0, ADDRESS_SIZE);
    if (address && address->sa_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, ADDRESS_SIZE);
    } else if (address && address->sa_family == AF_INET) {
        memcpy(out, mapped, sizeof mapped);
        memcpy(out + sizeof mapped, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    }
}

void address_key(const uint8_t address[ADDRESS_SIZE], uint8_t key[ADDRESS_SIZE])
{
    memset(key, 0, ADDRESS_SIZE);
    memcpy(key, address, memcmp(address, mapped, sizeof mapped) == 0 ? ADDRESS_SIZE : ADDRESS_SIZE / 2);
}

bool bucket_take(struct bucket *b, double per_second, double burst, int64_t now, double *wait)
{
    if (per_second <= 0)
        return true;
    b->used -= (double)(now - b->at) / 1e6 * per_second;
    if (b->used < 0)
        b->used = 0;
    b->at = now;
    if (b->used + 1 > burst) {
        *wait = (b->used + 1 - burst) / per_second;
        return false;
    }
    b->used++;
    return true;
}

struct place {
    uint8_t key[ADDRESS_SIZE];
    struct bucket bucket;
};

struct quotas {
    uint8_t salt[SALT]; /* which addresses share a set is not for them to choose */
    struct place places[SETS][WAYS];
};

struct quotas *quotas_new(void)
{
    struct quotas *q = calloc(1, sizeof *q);

    if (q && !random_bytes(q->salt, sizeof q->salt)) {
        free(q);
        return NULL;
    }
    return q;
}

void quotas_free(struct quotas *q)
{
    free(q);
}

static unsigned set_of(const struct quotas *q, const uint8_t key[ADDRESS_SIZE])
{
    const struct bytes parts[2] = {BYTES_OF(q->salt), bytes_make(key, ADDRESS_SIZE)};
    uint8_t digest[SHA256_SIZE];

    digest_parts(DIGEST_SHA256, parts, 2, digest);
    return (digest[0] | (unsigned)digest[1] << 8) % SETS;
}

struct bucket *quotas_of(struct quotas *q, const uint8_t address[ADDRESS_SIZE])
{
    uint8_t key[ADDRESS_SIZE];
    struct place *oldest;

    address_key(address, key);
    struct place *set = oldest = q->places[set_of(q, key)];
    for (unsigned i = 0; i < WAYS; i++) {
        if (memcmp(set[i].key, key, sizeof key) == 0)
            return &set[i].bucket;
        if (set[i].bucket.at < oldest->bucket.at)
            oldest = &set[i];
    }
    *oldest = (struct place){0};
    memcpy(oldest->key, key, sizeof key);
    return &oldest->bucket;
}
