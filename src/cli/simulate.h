/* What `assay simulate` is asked, for it and for whoever takes its options elsewhere. */
#ifndef ASSAY_CLI_SIMULATE_H
#define ASSAY_CLI_SIMULATE_H

#include "cli/cli.h"
#include "simulate/simulate.h"

struct simulation {
    struct cli *cli;
    struct simulate_options options;
    const char *runtime_data, *challenge, *folder; /* paths, or NULL */
    bool list, evidence, request, software;
};

/* One option of simulate_command. False for misuse, which has been reported. */
bool simulation_option(struct simulation *s, int id, const char *value);
/* After the last: kind is "sgx", "oe", …. Reads the runtime data, then makes the platform. False for misuse, reported. */
bool simulation_make(struct simulation *s, const char *kind, struct simulated *out);

#endif
