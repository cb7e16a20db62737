/* What `assay policy set` and `reset` send: a text, or the lack of one, as a JWS, signed here if that is asked for. */
#ifndef ASSAY_CLI_POLICY_UPLOAD_H
#define ASSAY_CLI_POLICY_UPLOAD_H

#include "cli/policy_remote.h"

/* The file's text, or what the compact JWS in it holds ("-": standard input); nothing is said yet about whether it parses. */
bool policy_upload_open(const struct policy_call *c, const char *path, struct policy_held *out, enum status *status);
/* What is to be put in force: the text parses, and is signed with --sign-key where that was given. A refusal of the text names
 * line and column. */
bool policy_upload_set(const struct policy_call *c, const char *path, struct policy_held *out, enum status *status);
/* What resets: the JWS in a file (NULL: none is needed) or one without payload, signed where that was asked for. */
bool policy_upload_reset(const struct policy_call *c, const char *path, struct policy_held *out, enum status *status);

#endif
