/* Names below localhost for --dev: NAME.REGION.localhost is this machine for curl and browsers (RFC 6761 6.3), but node asks the
 * system's resolver, which on a plain Debian machine does not know it. */
#ifndef ASSAY_SERVICE_DEVELOPMENT_NAMES_H
#define ASSAY_SERVICE_DEVELOPMENT_NAMES_H

#include "base/arena.h"
#include "base/fault.h"

/* subjectAltName of the server's certificate: localhost, and every provider of every published region. */
const char *development_alternative_names(struct arena *a);
/* A name that only the newest of these certificates has. */
#define DEVELOPMENT_NAME "any.eus.localhost"

/* What lies in STATE/localhost.cjs, which node loads when NODE_OPTIONS requires it. */
#define DEVELOPMENT_NODE "localhost.cjs"
extern const char development_node_script[];

#endif
