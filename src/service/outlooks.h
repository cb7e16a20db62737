/* What is known of the future of the platforms that this node accepted: counted by TEE and reason, kept by a hash alone. */
#ifndef ASSAY_SERVICE_OUTLOOKS_H
#define ASSAY_SERVICE_OUTLOOKS_H

#include "core/platforms.h"

struct outlooks;

struct outlooks *outlooks_new(void); /* NULL without memory */
void outlooks_free(struct outlooks *o);
/* The newest word about a platform; it replaces what was said before, by whichever pair. */
void outlooks_note(struct outlooks *o, const struct outlook *outlook);
/* NULL: none. */
size_t outlooks_count(const struct outlooks *o, enum platform_tee tee, enum tcb_gap_kind reason);

#endif
