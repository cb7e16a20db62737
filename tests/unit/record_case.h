/* Records as the core seals them, under a root of the tests. */
#ifndef ASSAY_TESTS_RECORD_CASE_H
#define ASSAY_TESTS_RECORD_CASE_H

#include "core/record_seal.h"
#include "core/sealed_key.h"

static const uint8_t record_root[ROOT_KEY_SIZE] = {7, 7, 7};

static inline struct bytes record_seal(struct arena *a, const struct state_record *r)
{
    uint8_t *seal = arena_alloc(a, ED25519_SIGNATURE);

    return bytes_make(seal, state_sign(record_root, STATE_RECORD, record_message(a, r), seal) ? ED25519_SIGNATURE : 0);
}

static inline struct state_record record_made(struct arena *a, const char *issuer, const char *kind, uint64_t version,
                                              struct bytes body)
{
    struct state_record r = {.provider = bytes_text(issuer),
                             .kind = bytes_text(kind),
                             .version = version,
                             .time = 1000,
                             .body = body,
                             .caller = BYTES_LIT("who")};

    if (record_tells_model(&r))
        r.hash = BYTES_LIT(RECORD_OPEN);
    r.seal = record_seal(a, &r);
    return r;
}

static inline void record_public(uint8_t out[ED25519_PUBLIC])
{
    struct state_keys keys;

    state_keys_public(record_root, &keys);
    memcpy(out, keys.record, ED25519_PUBLIC);
}

#endif
