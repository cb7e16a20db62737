/* Bearer tokens: from the text of an Authorization header to a caller (api.md 4; RFC 6750, 7519, 8725). Every step is a check
 * (DESIGN 1), and all of them must have been made. */
#ifndef ASSAY_IDENTITY_BEARER_H
#define ASSAY_IDENTITY_BEARER_H

#include "base/check.h"
#include "identity/identity.h"

enum {
    BEARER_SLACK_SECONDS = 300
}; /* that an issuer's clock and ours may differ; Microsoft's libraries allow the same */

struct bearer_exam {
    struct arena *arena;
    struct trace *trace;
    const struct issuers *issuers;
    enum plane plane; /* whose audiences count */
    int64_t time;
    const struct issuer *lacking; /* out: the issuer that lists no such key; asking it again may help */
};

/* True with the caller, whose texts are views into the header's text and the arena; false with the failed check in the trace. */
bool bearer_verify(struct bearer_exam *x, struct bytes authorization, struct caller *out);

/* What every issuer's tokens may have for their audience, and what a challenge names ("resource"). */
const char *bearer_audience(enum plane plane);

#endif
