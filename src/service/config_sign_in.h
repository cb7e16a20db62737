/* Of the configuration: the sections [issuer NAME] and [assignment NAME], which say who may do what (assayd.conf(5)). */
#ifndef ASSAY_SERVICE_CONFIG_SIGN_IN_H
#define ASSAY_SERVICE_CONFIG_SIGN_IN_H

#include "service/config.h"

bool config_sign_in_section(const char *section);
/* NULL when it was taken, else what is allowed. */
const char *config_sign_in_setting(struct config *c, const char *section, const char *name, const char *value);
bool config_sign_in_complete(const struct config *c, struct fault *fault);
/* Where a provider is; false when its names cannot stand in a scope. The parts are views into its texts. */
bool config_provider_scope(const struct provider_config *p, struct scope *out);

#endif
