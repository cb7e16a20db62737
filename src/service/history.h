/* Every change of a policy or of the policy signers, as the store kept it: GET /assay/v1/history/… */
#ifndef ASSAY_SERVICE_HISTORY_H
#define ASSAY_SERVICE_HISTORY_H

#include "service/submit.h"

/* False when the path is no history. */
bool history_routes(struct service *s, struct exchange *e, const struct tenant *t);

#endif
