/* Inputs of decisions that a provider chose to keep: GET /assay/v1/kept/INDEX, encrypted; /assay/v1/kept/settings/HEX and
 * /assay/v1/kept/endorsements/HEX, what of the service's own was in force. For whoever may read the provider's policies. */
#ifndef ASSAY_SERVICE_KEPT_ROUTES_H
#define ASSAY_SERVICE_KEPT_ROUTES_H

#include "service/routes.h"

/* False when the path is none of these. The caller was let in. */
bool kept_routes(struct service *s, struct exchange *e, const struct tenant *t);

#endif
