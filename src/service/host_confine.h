/* What assayd itself gives up once its listeners are open (DESIGN 5): root, capabilities, calls that it never makes. Its pairs give up far
 * more, on their own (core/confine.h). */
#ifndef ASSAY_SERVICE_HOST_CONFINE_H
#define ASSAY_SERVICE_HOST_CONFINE_H

#include "service/config.h"

/* Before anything is opened: whether this kernel can confine the pairs as the configuration wants it, and, for root, what user to become. */
bool host_check(const struct config *c, bool development, struct fault *fault);
/* Become the user of the configuration; no capability is left, but root, where it stays that, may still open files of others. What is
 * opened from here on, now and when the configuration is read again, is opened as that user. Before there are threads. Logs once how
 * verifier, signer and host are confined. */
bool host_confine(const struct config *c, struct fault *fault);

#endif
