/* What an issuer of bearer tokens publishes (OpenID Connect Discovery 1.0, RFC 7517): its metadata and its keys. */
#ifndef ASSAY_IDENTITY_KEYS_H
#define ASSAY_IDENTITY_KEYS_H

#include "crypto/jose.h"

struct issuer_key {
    struct bytes kid; /* empty: it has none */
    struct public_key key;
};

struct issuer_keys {
    const struct issuer_key *v;
    size_t count;
};

/* The keys of a JWKS that can verify bearer tokens: RSA of 2048 to 4096 bits, P-256, P-384. Others are passed over and counted
 * in *skipped. False with FAULT_SYNTAX when the text is no key set or has no usable key, with FAULT_LIMIT when it is longer than
 * LIMIT_JWKS, has more values than LIMIT_JWKS_NODES or lists more keys than LIMIT_ISSUER_KEYS. Keys are views into the text and the arena. */
bool issuer_keys_decode(struct arena *a, struct bytes jwks, struct issuer_keys *out, size_t *skipped,
                        struct fault *fault);
/* The address of an issuer's keys from its metadata: the document must name this very issuer, and the address be https. The
 * address gets a NUL. */
bool issuer_metadata(struct arena *a, struct bytes document, struct bytes issuer, const char **jwks_uri,
                     struct fault *fault);
/* Where the metadata is: the issuer without a slash at its end, and "/.well-known/openid-configuration". */
const char *issuer_metadata_url(struct arena *a, struct bytes issuer);

#endif
