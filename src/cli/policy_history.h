/* The changes of a policy that a service keeps. */
#ifndef ASSAY_CLI_POLICY_HISTORY_H
#define ASSAY_CLI_POLICY_HISTORY_H

#include "cli/policy_remote.h"

/* Decimal digits of a number from 1 on: what goes into a query. */
bool policy_version_ok(const char *given);
/* The list of one answer; `query` follows the question mark. False: the command ends with *status. */
bool policy_history_list(struct policy_call *c, const char *query, const struct json **body, const struct json **rows,
                         enum status *status);
/* One change whole: the version asked for, whose JWS has the hash that the row tells. False as above. */
bool policy_history_fetch(struct policy_call *c, const char *version, const struct json **row, enum status *status);
/* What it stored; empty where it removed the policy. False as above. */
bool policy_history_stored(const struct policy_call *c, const struct json *row, struct bytes *stored,
                           enum status *status);

#endif
