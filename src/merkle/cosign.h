/* Cosignatures: what a witness says of a checkpoint (C2SP tlog-cosignature, of Ed25519). That at a time, this was the largest tree it had
 * seen of the log, and each that it cosigned before leads to it. A checkpoint's further lines are signed too, and nothing is said of
 * them. The keys are those whose `cosigns` is set. */
#ifndef ASSAY_MERKLE_COSIGN_H
#define ASSAY_MERKLE_COSIGN_H

#include "merkle/note.h"

/* What is signed, of a note's text; the time in seconds since 1970, up to the year 9999. */
struct bytes cosign_text(struct arena *a, struct bytes text, int64_t time);
/* The line that goes behind a note's others. False when libcrypto fails, or the seed is not the key's. */
bool cosign(struct arena *a, struct bytes text, const struct log_key *witness, const uint8_t seed[ED25519_SEED],
            int64_t time, struct bytes *line);
/* The note, with lines behind its others that are not looked at; false: it would not be short enough, or `note` is none. */
bool cosign_add(struct arena *a, struct bytes note, struct bytes lines, struct bytes *out);
/* The line of the first signature under the name and id of this key, as it stands there: so that it alone is taken over from what a
 * answered. False: the note has none, or is none. */
bool cosign_line(struct arena *a, struct bytes note, const struct log_key *witness, struct bytes *line);
/* The note without any line under the name and id of this key. False: it is none. */
bool cosign_drop(struct arena *a, struct bytes note, const struct log_key *witness, struct bytes *out);
/* Is the note cosigned by this key, and when? By the first line under its name and id. */
bool cosign_verify(struct arena *a, struct bytes note, const struct log_key *witness, int64_t *time);

#endif
