/* The log of decisions as it is served: /log/checkpoint, /log/key, /log/tile/… (C2SP tlog-tiles), to everybody who may ask. */
#ifndef ASSAY_SERVICE_LOG_ROUTES_H
#define ASSAY_SERVICE_LOG_ROUTES_H

#include "service/routes.h"

/* Is the path below /log/, and is a log served? */
bool log_routes_take(const struct service *s, const struct exchange *e);
void log_routes(struct service *s, struct exchange *e);

#endif
