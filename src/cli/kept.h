/* What a service kept of its decisions: inputs that a provider chose to keep, and the settings and endorsements that were in force. */
#ifndef ASSAY_CLI_KEPT_H
#define ASSAY_CLI_KEPT_H

#include "cli/remote.h"
#include "cli/verify.h"

struct kept_place {
    struct remote remote; /* its cli, url, ca_file and token_file are set by the caller */
    const char *folder;   /* the log's; NULL: a service */
};
/* Each reports why not. */
bool kept_open(struct kept_place *p);
bool kept_inputs_fetch(const struct kept_place *p, uint64_t index, struct bytes *out, enum status *status);
/* Of the record's hash of settings. */
bool kept_settings(const struct kept_place *p, const uint8_t digest[SHA256_SIZE], struct bytes *out,
                   enum status *status);
/* Is that of this hash there? Always so of a service, which says itself what it has not. */
bool kept_has_endorsements(const struct kept_place *p, const uint8_t digest[SHA256_SIZE]);
/* All that had this hash together, into v->endorsements, which is new, and its contents. */
bool kept_endorsements(const struct kept_place *p, const uint8_t digest[SHA256_SIZE], struct verification *v,
                       enum status *status);

#endif
