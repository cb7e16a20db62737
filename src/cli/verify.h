/* What `assay verify` is asked, and what it found: between its parts. */
#ifndef ASSAY_CLI_VERIFY_H
#define ASSAY_CLI_VERIFY_H

#include "cli/cli.h"
#include "cli/input.h"
#include "cli/recognise.h"
#include "core/core.h"
#include "core/decision.h"
#include "evidence/sgx.h"

struct verification {
    struct cli *cli;
    /* asked */
    const char *file, *type, *runtime_data, *init_data, *policy_file, *nonce;
    bool runtime_json; /* the runtime data is sent as JSON */
    struct path_list collateral, anchors;
    struct path_list certs; /* among the collateral too */
    struct settings settings;
    struct reference_values *reference; /* of the options; NULL: the built-in ones */
    int64_t time;
    bool explain, json;
    /* found */
    enum evidence_kind kind;
    struct bytes evidence, nonce_bytes;
    struct bytes policy; /* text of the policy file */
    struct endorsements *endorsements;
    struct digest_set contents; /* of the collateral, as records of decisions have them */
    struct appraisal appraisal;
    bool accepted;
};

/* One option of verify_command, into what verify_open made. False for misuse, which has been reported. */
void verify_open(struct verification *v, struct cli *cli);
bool verify_option(struct verification *v, int id, const char *value);
/* --accept and --baseline, which other commands have too. */
bool verify_accept(struct verification *v, const char *value);
bool verify_baseline(struct verification *v, const char *value);
/* The evidence of v->file, and its kind. */
bool verify_read(struct verification *v);
/* Read the endorsements and anchors that were named into the set; what is no endorsement is named in a warning. */
bool verify_load_endorsements(struct verification *v);
/* The same, for somebody who seals the set. */
bool verify_gather_endorsements(struct verification *v);
/* The appraisal: fills it and accepted. False for misuse, which has been reported. With policy_file, v->policy runs too. */
bool verify_appraise(struct verification *v);
/* The same of evidence with its data at hand. */
void verify_judge(struct verification *v, const struct request_data *runtime, const struct request_data *init);
/* Verdict, trace, claims: on standard output, the reason of a refusal on standard error. */
void verify_print(struct verification *v);

#endif
