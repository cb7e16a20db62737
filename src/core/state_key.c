#include "core/state_key.h"

#include "crypto/digest.h"

void root_derive(const uint8_t root[ROOT_KEY_SIZE], struct bytes info, uint8_t out[ROOT_KEY_SIZE])
{
    static const uint8_t counter[] = {0, 0, 0, 1};
    const struct bytes parts[] = {BYTES_OF(counter), bytes_make(root, ROOT_KEY_SIZE), info};

    digest_parts(DIGEST_SHA256, parts, sizeof parts / sizeof *parts, out);
}

void root_name(const uint8_t root[ROOT_KEY_SIZE], struct root_name *out)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t derived[ROOT_KEY_SIZE];
    size_t digit = 0;

    root_derive(root, BYTES_LIT("assay root key name 1"), derived);
    for (size_t i = 0; i < sizeof out->text - 1; i++)
        if (i % 5 == 4)
            out->text[i] = '-';
        else {
            out->text[i] = hex[derived[digit / 2] >> 4 * (digit % 2) & 15];
            digit++;
        }
    out->text[sizeof out->text - 1] = 0;
    secret_wipe(derived, sizeof derived);
}

static void seed_of(const uint8_t root[ROOT_KEY_SIZE], enum state_key_use use, uint8_t seed[ED25519_SEED])
{
    static const char *const infos[STATE_KEY_USES] = {[STATE_RECORD] = "assay record key 1",
                                                      [STATE_CHECKPOINT] = "assay checkpoint key 1",
                                                      [STATE_STORE] = "assay store checkpoint key 1"};

    root_derive(root, bytes_text(infos[use]), seed);
}

static bool public_of(const uint8_t root[ROOT_KEY_SIZE], enum state_key_use use, uint8_t out[ED25519_PUBLIC])
{
    uint8_t seed[ED25519_SEED];

    seed_of(root, use, seed);
    bool ok = ed25519_public(seed, out);
    secret_wipe(seed, sizeof seed);
    return ok;
}

bool state_keys_public(const uint8_t root[ROOT_KEY_SIZE], struct state_keys *out)
{
    return public_of(root, STATE_RECORD, out->record) && public_of(root, STATE_CHECKPOINT, out->checkpoint) &&
           public_of(root, STATE_STORE, out->store);
}

bool state_sign(const uint8_t root[ROOT_KEY_SIZE], enum state_key_use use, struct bytes message,
                uint8_t out[ED25519_SIGNATURE])
{
    uint8_t seed[ED25519_SEED];

    seed_of(root, use, seed);
    bool ok = ed25519_sign(seed, message, out);
    secret_wipe(seed, sizeof seed);
    return ok;
}

struct bytes write_state_keys(struct arena *a, const struct state_keys *keys)
{
    struct writer w = wr_open(a);

    wr_put(&w, BYTES_OF(keys->record));
    wr_put(&w, BYTES_OF(keys->checkpoint));
    wr_put(&w, BYTES_OF(keys->store));
    return wr_done(&w);
}

bool read_state_keys(struct bytes body, struct state_keys *out)
{
    struct reader r = rd_open(body);
    struct bytes record = rd_take(&r, ED25519_PUBLIC), checkpoint = rd_take(&r, ED25519_PUBLIC),
                 store = rd_take(&r, ED25519_PUBLIC);

    if (!rd_end(&r))
        return false;
    memcpy(out->record, record.p, ED25519_PUBLIC);
    memcpy(out->checkpoint, checkpoint.p, ED25519_PUBLIC);
    memcpy(out->store, store.p, ED25519_PUBLIC);
    return true;
}

struct bytes write_state_sign(struct arena *a, enum state_key_use use, struct bytes message)
{
    struct writer w = wr_open(a);

    wr_u8(&w, (uint8_t)use);
    wr_put(&w, message);
    return wr_done(&w);
}

bool read_state_sign(struct bytes body, enum state_key_use *use, struct bytes *message)
{
    struct reader r = rd_open(body);
    uint8_t u = rd_u8(&r);

    *message = rd_rest(&r);
    *use = (enum state_key_use)u;
    return rd_end(&r) && u >= STATE_RECORD && u < STATE_KEY_USES;
}
