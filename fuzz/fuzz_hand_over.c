/* Offers and grants: whatever the bytes, reading ends in a refusal, for nothing here vouches for any evidence; and a secret that is
 * not the offer's opens nothing. */
#include <stdlib.h>

#include "core/hand_over.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t secret[X25519_SIZE] = {7};
    struct endorsements *e = endorsements_new(1u << 24);
    struct settings settings = SETTINGS_DEFAULT;
    struct bytes text = bytes_make(data, size);
    struct hand_over_party party;
    struct hand_over_offer offer;
    struct hand_over_grant grant;
    uint8_t root[ROOT_KEY_SIZE];
    struct arena a;

    arena_init(&a, 1u << 28);
    endorsements_seal(e);
    struct hand_over_exam x = {&a, trace_new(&a), e, &settings, 1767225600};
    if (hand_over_read_offer(&x, text, &offer)) {
        must(offer.message.body.n < size);
        must(!hand_over_judge(&x, &offer.message, &party) && trace_failure(x.trace));
    }
    x.trace = trace_new(&a);
    if (hand_over_read_grant(&x, text, &grant)) {
        must(!hand_over_open(&x, &grant, text, secret, root));
        x.trace = trace_new(&a);
        must(!hand_over_judge(&x, &grant.message, &party));
    }
    endorsements_free(e);
    arena_free(&a);
    return 0;
}
