/* Why a policy decided as it did, rule by rule, for people. */
#ifndef ASSAY_CLI_POLICY_EXPLAIN_H
#define ASSAY_CLI_POLICY_EXPLAIN_H

#include "cli/cli.h"
#include "policy/policy.h"

/* The rules that were run, each with its conditions, calls and what it made. path names the file in front of the line. */
void policy_explain(struct arena *a, const char *path, const struct policy_run *run);

#endif
