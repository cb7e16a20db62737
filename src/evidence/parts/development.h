/* x-assay-development: evidence that rests on a simulated root, or a service that was started for development, says so in
 * every token (DESIGN 6, 12). */
#ifndef ASSAY_EVIDENCE_PARTS_DEVELOPMENT_H
#define ASSAY_EVIDENCE_PARTS_DEVELOPMENT_H

#include "endorsement/exam.h"

static inline void development_claim(struct exam *x)
{
    if (x->settings->claim_development && (x->development || x->settings->development))
        claims_boolean(&x->incoming, "x-assay-development", true, CLAIM_TOKEN);
}

#endif
