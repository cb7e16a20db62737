#include "core/context_key.h"

#include "core/frame.h"
#include "core/state_key.h"

/* What a key is for, which also goes into what is sealed as associated data. */
static struct bytes purpose(struct arena *a, const struct sealing *s)
{
    struct writer w = wr_open(a);

    wr_text(&w, "assay service context 1");
    wr_field(&w, s->issuer);
    wr_u64le(&w, s->generation);
    return wr_done(&w);
}

bool context_seal(const uint8_t sealing[AEAD_KEY_SIZE], const struct sealing *s, struct arena *a, struct bytes *out)
{
    struct bytes info = purpose(a, s);
    uint8_t key[AEAD_KEY_SIZE];

    *out = BYTES_NONE;
    if (s->iv.n != AEAD_IV_SIZE || s->content.n > LIMIT_SEALED)
        return false;
    root_derive(sealing, info, key);
    bool ok = aead_seal(key, s->iv.p, info, s->content, a, out);
    secret_wipe(key, sizeof key);
    return ok;
}

bool context_open(const uint8_t sealing[AEAD_KEY_SIZE], const struct sealing *s, struct arena *a, struct bytes *out)
{
    struct bytes info = purpose(a, s);
    uint8_t key[AEAD_KEY_SIZE];

    *out = BYTES_NONE;
    if (s->iv.n != AEAD_IV_SIZE || s->content.n > LIMIT_SEALED + AEAD_TAG_SIZE)
        return false;
    root_derive(sealing, info, key);
    bool ok = aead_open(key, s->iv.p, info, s->content, a, out);
    secret_wipe(key, sizeof key);
    return ok;
}

static bool seal_here(void *sealing, const struct sealing *s, struct arena *a, struct bytes *out)
{
    return context_seal(sealing, s, a, out);
}

static bool open_here(void *sealing, const struct sealing *s, struct arena *a, struct bytes *out)
{
    return context_open(sealing, s, a, out);
}

struct sealer context_sealer(const uint8_t sealing[AEAD_KEY_SIZE])
{
    return (struct sealer){seal_here, open_here, (void *)(uintptr_t)sealing}; /* only read */
}
