/* The log of decisions as it is served: /log/checkpoint, /log/key, /log/tile/… (C2SP tlog-tiles), to everybody who may ask. */
#ifndef ASSAY_SERVICE_LOG_ROUTES_H
#define ASSAY_SERVICE_LOG_ROUTES_H

#include "service/routes.h"

/* False: the path is none of these, or no log is served. */
bool log_routes(struct service *s, struct exchange *e);

#endif
