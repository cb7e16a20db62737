/* Requests that ended their verifier: one whose digest did so twice is refused unread for a while (DESIGN 5). Bounded; the
 * oldest are forgotten first. */
#ifndef ASSAY_SERVICE_POISON_H
#define ASSAY_SERVICE_POISON_H

#include "crypto/digest.h"

enum { POISON_ENTRIES = 256, POISON_KILLS = 2, POISON_SECONDS = 600 };

struct poison;

struct poison *poison_new(void);
void poison_free(struct poison *p);
void poison_note(struct poison *p, const uint8_t digest[SHA256_SIZE], int64_t now);
/* Nothing is refused: the usual case, in which nobody needs to hash a request. */
bool poison_empty(const struct poison *p);
bool poison_refuses(const struct poison *p, const uint8_t digest[SHA256_SIZE], int64_t now);

#endif
