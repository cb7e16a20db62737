/* The control plane (api.md 7): what src/arm decides, with callers, registry and store around it. */
#ifndef ASSAY_SERVICE_ARM_ROUTES_H
#define ASSAY_SERVICE_ARM_ROUTES_H

#include "service/routes.h"

/* False: the request is not for the control plane, which answers at its own authority below /subscriptions/ and /providers/. */
bool arm_routes(struct service *s, struct exchange *e);

#endif
