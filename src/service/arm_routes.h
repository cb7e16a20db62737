/* The control plane (api.md 7): what src/arm decides, with callers, registry and store around it. */
#ifndef ASSAY_SERVICE_ARM_ROUTES_H
#define ASSAY_SERVICE_ARM_ROUTES_H

#include "service/routes.h"

/* Is the request for the control plane? It answers at its own authority, below /subscriptions/ and /providers/. */
bool arm_routes_take(const struct service *s, const struct exchange *e);
void arm_routes(struct service *s, struct exchange *e);

#endif
