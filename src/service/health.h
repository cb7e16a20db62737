/* What operators and their machines ask: /healthz, /readyz, /metrics. */
#ifndef ASSAY_SERVICE_HEALTH_H
#define ASSAY_SERVICE_HEALTH_H

#include "service/routes.h"

/* False when the path is none of these, or this caller is not to know of it. */
bool health_routes(struct service *s, struct exchange *e);

#endif
