/* The sealers that need more than a file: what protects the key under which a secret is sealed in its envelope
 * (core/key_envelope.h). One row each in sealers.c. */
#ifndef ASSAY_SEALER_SEALERS_H
#define ASSAY_SEALER_SEALERS_H

#include "core/root_key.h"

enum { SEALER_FIELDS_MAX = 4 };

struct key_sealer {
    const char *name;
    /* A key that this sealer gives back where the same machine, boot or token asks again, and the fields by which it will. */
    bool (*make)(const struct root_sealer *s, struct arena *a, uint8_t key[ROOT_KEY_SIZE],
                 struct key_field fields[SEALER_FIELDS_MAX], size_t *count, struct fault *fault);
    bool (*recover)(const struct root_sealer *s, const struct key_envelope *e, struct arena *a,
                    uint8_t key[ROOT_KEY_SIZE], struct fault *fault);
};
extern const struct key_sealer sealer_tpm2, sealer_snp, sealer_pkcs11;

/* Under the sealer of the settings, and by `sealer`, "file" included. An envelope of another is refused: an open key that somebody put in
 * the place of a sealed one is no key of this service. */
bool sealers_seal(const struct root_sealer *s, const char *holds, const uint8_t secret[ROOT_KEY_SIZE], struct arena *a,
                  struct bytes *text, struct fault *fault);
bool sealers_open(const struct root_sealer *s, struct bytes sealer, const char *holds, struct bytes text,
                  struct arena *a, uint8_t secret[ROOT_KEY_SIZE], struct fault *fault);

#endif
