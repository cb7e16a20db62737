/* Certificates for --dev: a CA of our own and a server certificate under it. */
#ifndef ASSAY_SERVICE_DEVELOPMENT_TLS_H
#define ASSAY_SERVICE_DEVELOPMENT_TLS_H

#include "base/fault.h"

/* Make STATE/ca.pem and STATE/server.pem with their keys, unless they are there and in date for another week. */
bool development_certificates(const char *state, struct fault *fault);

#endif
