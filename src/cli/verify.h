/* What `assay verify` is asked, and what it found: between its parts. */
#ifndef ASSAY_CLI_VERIFY_H
#define ASSAY_CLI_VERIFY_H

#include "cli/cli.h"
#include "cli/input.h"
#include "cli/recognise.h"
#include "core/core.h"

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
    struct endorsements *endorsements;
    struct appraisal appraisal;
    bool accepted;
};

/* Read the endorsements and anchors that were named into the set; what is no endorsement is named in a warning. */
bool verify_load_endorsements(struct verification *v);
/* The appraisal: fills it and accepted. False for misuse, which has been reported. */
bool verify_appraise(struct verification *v);
/* Verdict, trace, claims: on standard output, the reason of a refusal on standard error. */
void verify_print(struct verification *v);

#endif
