#include "core/mint_key.h"

static bool token_with_key(void *context, const struct provider *provider, enum token_form form,
                           struct bytes policy_hash, struct bytes payload, struct arena *a, struct bytes *token,
                           struct fault *fault)
{
    const struct token_head head = {form, provider->issuer, provider->kid,
                                    provider->certificate ? provider->certificate->der : BYTES_NONE};

    (void)policy_hash; /* for the signer's own record */
    return token_sign(a, context, &head, payload, token, fault);
}

struct mint mint_with_key(const struct signing_key *key)
{
    return (struct mint){.token = token_with_key, .context = (void *)(uintptr_t)key}; /* only read */
}
