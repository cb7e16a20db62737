/* `assayd --dev`: everything made under one folder, nothing to configure: a certificate authority and a server certificate for
 * localhost, one provider, a bearer token, and endorsements (of the corpus beside the project, or simulated ones). */
#ifndef ASSAY_SERVICE_DEVELOPMENT_H
#define ASSAY_SERVICE_DEVELOPMENT_H

#include "service/config.h"

/* Fill the configuration; what is missing under `state` is made. port < 0: 8443. A store that is named already stays. */
bool development_prepare(struct config *c, const char *state, int port, struct fault *fault);
/* The port is known: the provider's issuer. */
void development_provider(struct config *c, int port);
/* Write STATE/dev.env, whose presence says that the service is ready. */
bool development_ready(struct config *c, const char *state, int port, struct fault *fault);

#endif
