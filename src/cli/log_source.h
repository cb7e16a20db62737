/* What the subcommands of `assay log` share: the log, in a folder or at a service, and its key. */
#ifndef ASSAY_CLI_LOG_SOURCE_H
#define ASSAY_CLI_LOG_SOURCE_H

#include "cli/cli.h"
#include "merkle/proof.h"
#include "merkle/tile.h"

#define OPTION_LOG(id)                                                                          \
    {                                                                                           \
        id, "log", "DIR|URL", "the log: a folder, or a service (default: the one of ASSAY_URL)" \
    }
#define OPTION_LOG_KEY(id)                                                                              \
    {                                                                                                   \
        id, "key", "KEY|F", "the log's key as NAME+ID+BASE64, or a file with it, from a trusted source" \
    }

#define OPTION_LOG_WITNESS(id, age_id)                                                                               \
    {id, "witness", "KEY|F",                                                                                         \
     "demand that the witness of this key, NAME+ID+BASE64 or a file with it, cosigned the checkpoint"},              \
    {                                                                                                                \
        age_id, "witness-age", "SECONDS",                                                                            \
            "refuse a cosignature that is older, or of a time to come (default: 3600; 0: any; for a proof that was " \
            "kept)"                                                                                                  \
    }

struct log_source {
    const struct cli *cli;
    const char *where, *ca_file; /* set by the caller; NULL: ASSAY_URL; the system's */
    struct log_reader reader;
};
/* False: it has been reported. */
bool log_source_open(struct log_source *s);
void log_source_close(struct log_source *s);
bool log_source_file(struct log_source *s, const char *path, size_t limit, struct bytes *out);
/* The key as it was given, or in the file that was. */
bool log_source_key(const struct cli *cli, const char *given, struct log_key *out);
/* The same for a witness's, of --witness; *out is NULL where none is given. */
bool log_source_witness(const struct cli *cli, const char *given, const struct log_key **out);

#endif
