/* What `assay verify` is asked, and what it found: between its parts. */
#ifndef ASSAY_CLI_VERIFY_H
#define ASSAY_CLI_VERIFY_H

#include "cli/cli.h"
#include "cli/input.h"
#include "cli/recognise.h"
#include "evidence/attester.h"
#include "policy/policy.h"

struct verification {
    struct cli *cli;
    /* asked */
    const char *file, *type, *runtime_data, *runtime_type, *init_data, *policy_file, *nonce;
    struct path_list collateral, anchors;
    struct settings settings;
    int64_t time;
    bool explain, json;
    /* found */
    enum evidence_kind kind;
    struct bytes evidence;
    struct exam exam;
    bool accepted;
    struct policy_error policy_error;
    struct policy_run run; /* when a policy was given and the evidence was accepted */
};

/* Read the endorsements and anchors that were named into the exam; what is no endorsement is named in a warning. */
bool verify_load_endorsements(struct verification *v);
/* The appraisal: fills exam, accepted and run. False for misuse, which has been reported. */
bool verify_appraise(struct verification *v);
/* Verdict, trace, claims: on standard output, the reason of a refusal on standard error. */
void verify_print(struct verification *v);

#endif
