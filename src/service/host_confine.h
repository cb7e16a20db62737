/* Who assayd is (DESIGN 5): the keeper of the core, forked before anything is opened, as the user of the core; and what the rest, the host,
 * gives up once its listeners are open: root, capabilities, calls that it never makes. The pairs give up far more, on their own
 * (core/confine.h). */
#ifndef ASSAY_SERVICE_HOST_CONFINE_H
#define ASSAY_SERVICE_HOST_CONFINE_H

#include "core/keeper.h"
#include "service/config.h"

/* Before anything is opened: whether this kernel can confine the pairs as the configuration wants it, and, for root, what user to become. */
bool host_check(const struct config *c, bool development, struct fault *fault);
/* Whether the users that are named are there, and host and core apart. */
bool host_users(const struct config *c, struct fault *fault);
/* What the pairs are for. Those that serve never adopt, but in development. */
enum keeper_purpose { KEEPER_FOR_SERVICE, KEEPER_FOR_DEVELOPMENT, KEEPER_FOR_ADOPTION };
/* The keeper, with all that its pairs will need. *out is to be ended in either case. */
bool host_keeper(const struct config *c, enum keeper_purpose purpose, struct keeper **out, struct fault *fault);
/* For commands that touch the host's files: what is left to them is what is left to the host. Root becomes its user, where one is named. Once
 * everything of the core is started. */
bool host_become(const struct config *c, struct fault *fault);
/* Become the user of the configuration; no capability is left, but root, where it stays that, may still open files of others. What is
 * opened from here on, now and when the configuration is read again, is opened as that user. Before there are threads. Logs once how
 * verifier, signer and host are confined. */
bool host_confine(const struct config *c, bool development, struct fault *fault);

#endif
