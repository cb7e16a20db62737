#include "service/poison.h"

#include <stdlib.h>

struct culprit {
    uint8_t digest[SHA256_SIZE];
    int64_t last;
    unsigned kills;
};

struct poison {
    struct culprit v[POISON_ENTRIES];
    bool any;
};

struct poison *poison_new(void)
{
    return calloc(1, sizeof(struct poison));
}

void poison_free(struct poison *p)
{
    free(p);
}

void poison_note(struct poison *p, const uint8_t digest[SHA256_SIZE], int64_t now)
{
    struct culprit *place = &p->v[0];

    for (size_t i = 0; i < POISON_ENTRIES; i++) {
        if (p->v[i].kills && memcmp(p->v[i].digest, digest, SHA256_SIZE) == 0) {
            place = &p->v[i];
            break;
        }
        if (p->v[i].last < place->last)
            place = &p->v[i];
    }
    bool known = place->kills && memcmp(place->digest, digest, SHA256_SIZE) == 0 && now - place->last < POISON_SECONDS;
    memcpy(place->digest, digest, SHA256_SIZE);
    place->kills = known ? place->kills + 1 : 1;
    place->last = now;
    p->any = true;
}

bool poison_empty(const struct poison *p)
{
    return !p->any;
}

bool poison_refuses(const struct poison *p, const uint8_t digest[SHA256_SIZE], int64_t now)
{
    for (size_t i = 0; i < POISON_ENTRIES; i++)
        if (p->v[i].kills >= POISON_KILLS && memcmp(p->v[i].digest, digest, SHA256_SIZE) == 0)
            return now - p->v[i].last < POISON_SECONDS;
    return false;
}
