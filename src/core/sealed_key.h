/* Signing keys outside of their signer: sealed under a key that only signers hold, and bound to the provider they sign for
 * (DESIGN 8). Whoever owns the database can withhold a key, not read it, and not give it to another provider. */
#ifndef ASSAY_CORE_SEALED_KEY_H
#define ASSAY_CORE_SEALED_KEY_H

#include "crypto/aead.h"
#include "token/token.h"

/* A provider's key as it is stored: what everybody may know, and the sealed private half. */
struct provider_key {
    struct bytes kid;         /* api.md 5.2 */
    struct bytes certificate; /* DER, self-signed (api.md 5.3) */
    struct bytes sealed;
    int64_t since; /* it is in this record, in seconds since 1970; 0: not told, as in records of an earlier release */
};
/* Body of the records "key" and "next" (core/key_life.h). */
struct bytes write_provider_key(struct arena *a, const struct provider_key *key);
bool read_provider_key(struct bytes body, struct provider_key *out);

/* Keys that sign no more and are listed until the last token they signed has expired; body of the record "retired". */
enum {
    RETIRED_KEYS_MAX = 16,
    /* How long a key is listed after another one took its place. In the hour that is added, a node that the store cannot be reached from
     * still signs with it. */
    RETIRED_SECONDS = TOKEN_ATTEST_LIFETIME + 3600,
};
struct retired_key {
    struct bytes kid, certificate;
    int64_t until;
};
struct bytes write_retired_keys(struct arena *a, const struct retired_key *keys, size_t count);
bool read_retired_keys(struct bytes body, struct retired_key out[RETIRED_KEYS_MAX], size_t *count);

/* By setting all providers of a region have one key, each with a certificate of its own, as the original's have (api.md 5.1). It is made
 * for, and bound to, the region's name in place of an issuer: that of its providers, with an asterisk for the first label. Such a key
 * opens for every provider of its region, and one that was made for a provider for that one alone, whatever the setting is. */
struct bytes key_region(struct arena *a, struct bytes issuer); /* empty: it is in no region */
bool key_is_region(struct bytes issuer);                       /* is it such a name? */
bool sealed_key_is_regional(struct bytes sealed);              /* as its first byte says, which its seal holds too */

/* A new RSA-2048 key for this provider, or region. */
bool sealed_key_make(const uint8_t sealing[AEAD_KEY_SIZE], struct bytes issuer, struct arena *a,
                     struct provider_key *out, struct fault *fault);
/* The same of a key at hand. */
bool sealed_key_of(const uint8_t sealing[AEAD_KEY_SIZE], struct bytes issuer, const struct signing_key *key,
                   struct arena *a, struct provider_key *out, struct fault *fault);
/* Its sealed form alone. */
bool sealed_key_write(const uint8_t sealing[AEAD_KEY_SIZE], struct bytes issuer, const struct signing_key *key,
                      struct arena *a, struct bytes *sealed, struct fault *fault);
/* NULL with a fault when it was sealed under another key, for another provider, or was changed. */
struct signing_key *sealed_key_open(const uint8_t sealing[AEAD_KEY_SIZE], struct bytes issuer, struct bytes sealed,
                                    struct arena *a, struct fault *fault);

#endif
