/* What the subcommands of assay provider share: the options that say which provider, and the way to the control plane. */
#ifndef ASSAY_CLI_PROVIDER_H
#define ASSAY_CLI_PROVIDER_H

#include "cli/input.h"
#include "cli/remote.h"

#define API_VERSION "?api-version=2021-06-01"
#define SPACE       "/providers/Microsoft.Attestation"

enum {
    OPTION_URL = OPTION_BASE,
    OPTION_SIGNERS,
    OPTION_TAGS,
    OPTION_NO_TAGS,
    OPTION_NETWORK,
    OPTION_TPM,
    OPTION_CA_FILE,
    OPTION_TOKEN,
    OPTION_KID,
    OPTION_NOW,
};

struct provider_call {
    struct remote remote;
    struct options options;
    const char *subscription, *group, *name, *location;
    const char *network, *tpm, *kid;
    bool now;
    struct path_list signers;
    struct json *tags; /* NULL: not given */
};

/* What a subcommand needs beside address and subscription. */
enum needs {
    NEEDS_NOTHING = 0,
    NEEDS_GROUP = 1,
    NEEDS_NAME = 2,
    NEEDS_LOCATION = 4,
    NEEDS_PROVIDER = NEEDS_GROUP | NEEDS_NAME
};

/* Options into *c; false: the command ends with *status. A group of the environment is for commands that need one. */
bool provider_call(struct provider_call *c, struct cli *cli, int argc, char **argv, int needs, enum status *status);
/* Of the provider, or of what is below it: "", or "/signingKeys". */
const char *provider_path_below(const struct provider_call *c, const char *below);
/* True: the service said yes, with a body. */
bool provider_ask(const struct provider_call *c, const struct remote_request *request, struct http_answer *answer,
                  const struct json **body, enum status *status);
/* A text of an answer, "-" when it has none. */
struct bytes provider_text(const struct json *parent, const char *name);

#define OPTIONS_WHERE                                                                    \
    {OPTION_URL, "url", "URL", "address of the control plane (default: ASSAY_ARM_URL)"}, \
    {                                                                                    \
        's', "subscription", "S", "subscription (default: ASSAY_SUBSCRIPTION)"           \
    }
#define OPTION_GROUP(help)      \
    {                           \
        'g', "group", "G", help \
    }
#define OPTION_NAME                                 \
    {                                               \
        'n', "name", "NAME", "name of the provider" \
    }
#define OPTIONS_END    OPTION_CA(OPTION_CA_FILE), OPTION_TOKEN_FILE(OPTION_TOKEN), OPTION_JSON, OPTION_END
#define OF_ENVIRONMENT "resource group (default: ASSAY_RESOURCE_GROUP)"

#endif
