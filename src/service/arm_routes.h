/* The control plane (api.md 7): what src/arm decides, with callers, registry and store around it. */
#ifndef ASSAY_SERVICE_ARM_ROUTES_H
#define ASSAY_SERVICE_ARM_ROUTES_H

#include "arm/route.h"
#include "service/routes.h"

/* Is the request for the control plane? It answers on the administration listener where there is one, at its own authority, below /subscriptions/ and /providers/. */
bool arm_routes_take(const struct service *s, const struct exchange *e);
/* Which operation it is, by method and path as they were sent. */
enum arm_found arm_routes_find(const struct exchange *e, struct arm_route *out, const char **methods);
/* The region of a provider, by its host name NAME.CODE.DOMAIN; NULL when that is in none. */
const struct region *arm_routes_region(const struct regions *regions, struct bytes issuer);
void arm_routes(struct service *s, struct exchange *e);

#endif
