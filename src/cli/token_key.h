/* Which key of an issuer's key set signed a token. */
#ifndef ASSAY_CLI_TOKEN_KEY_H
#define ASSAY_CLI_TOKEN_KEY_H

#include "crypto/jose.h"

struct token_key {
    bool named;        /* the token names its key */
    struct bytes kid;  /* by this kid */
    const char *whose; /* "certificate of CN=…", or "bare key" */
    const char *step;  /* where it failed: "key" or "signature" */
};

/* keys: the array of a JWK set, each with x5c (whose first certificate then counts) or the key's own numbers. A token that names
 * no key is tried with each. False with out->step and the reason: none of them signed it, or the one named is not there. */
bool token_key_find(struct arena *a, const struct jws *jws, const struct json *keys, struct token_key *out,
                    struct fault *fault);

#endif
