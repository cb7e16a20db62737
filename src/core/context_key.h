/* Sealing what goes through a caller's hands and comes back, as the service context of a TPM's attestation does (tpm-vbs.md 1.2).
 * The keys are derived from the sealing key, one for each provider and generation: whoever can sign for a provider can open what
 * was sealed for it, in any region; nothing of them is stored, and none is used for long. */
#ifndef ASSAY_CORE_CONTEXT_KEY_H
#define ASSAY_CORE_CONTEXT_KEY_H

#include "crypto/aead.h"
#include "endorsement/exam.h"

bool context_seal(const uint8_t sealing[AEAD_KEY_SIZE], const struct sealing *s, struct arena *a, struct bytes *out);
/* False: it was sealed for another provider, in another generation, under another sealing key, or was changed. */
bool context_open(const uint8_t sealing[AEAD_KEY_SIZE], const struct sealing *s, struct arena *a, struct bytes *out);
/* A sealer over a sealing key at hand, for tools and tests; the key must outlive it. */
struct sealer context_sealer(const uint8_t sealing[AEAD_KEY_SIZE]);

#endif
