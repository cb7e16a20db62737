/* A file with a secret of 32 bytes in it, as text that says itself how the secret is kept:
 *
 *     assay-key 1
 *     holds root
 *     sealer tpm2
 *     pcrs sha256:0,2,4,7
 *     …                               what this sealer must know: NAME and a value to the end of the line
 *     sealed 5f1c…                    the secret
 *
 * Under all sealers but "file" the last line is AES-256-GCM under a key that the sealer alone gives back, and every byte above it is
 * authenticated with it: nothing of the file can be changed, moved to another or taken for another purpose. With "file" it is the
 * secret itself. */
#ifndef ASSAY_CORE_KEY_ENVELOPE_H
#define ASSAY_CORE_KEY_ENVELOPE_H

#include "base/arena.h"
#include "base/fault.h"
#include "core/state_key.h"

enum {
    KEY_ENVELOPE_MAX = 16 * 1024, /* bytes; a sealed object of a TPM is the longest: below a kilobyte, in hex two */
    KEY_ENVELOPE_FIELDS = 8,      /* besides holds, sealer and the secret; no sealer has more than four */
};

#define KEY_HOLDS_ROOT  "root"  /* of a deployment */
#define KEY_HOLDS_OFFER "offer" /* what opens the grant that is waited for (core/hand_over.h) */

struct key_field {
    struct bytes name, value;
};
struct key_envelope {
    struct bytes holds, sealer;
    struct key_field fields[KEY_ENVELOPE_FIELDS];
    size_t count;
    struct bytes head;   /* all lines above the last */
    struct bytes sealed; /* bytes, no longer hex */
};

/* Parts of `text` and of the arena. 64 hexadecimal digits alone, as the first versions wrote them, are the root under "file". */
bool key_envelope_read(struct arena *a, struct bytes text, struct key_envelope *out, struct fault *fault);
/* A field that must be there, as it is and from hex. */
bool key_envelope_field(const struct key_envelope *e, const char *name, struct bytes *out, struct fault *fault);
bool key_envelope_hex(struct arena *a, const struct key_envelope *e, const char *name, struct bytes *out,
                      struct fault *fault);

/* The reverse: text whose secret lies open; or is sealed under `key`, for which the fields say how it is come by. */
struct bytes key_envelope_plain(struct arena *a, const char *holds, const uint8_t secret[ROOT_KEY_SIZE]);
bool key_envelope_seal(struct arena *a, const char *holds, const char *sealer, const struct key_field *fields,
                       size_t count, const uint8_t key[ROOT_KEY_SIZE], const uint8_t secret[ROOT_KEY_SIZE],
                       struct bytes *text, struct fault *fault);
/* Opens both; key is NULL for what lies open. False where another sealed it, or a bit was changed. */
bool key_envelope_open(struct arena *a, const struct key_envelope *e, const uint8_t *key, uint8_t secret[ROOT_KEY_SIZE],
                       struct fault *fault);

#endif
