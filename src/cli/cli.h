/* The command line `assay`: what its subcommands share. One file per subcommand, each with one `const struct command`
 * from which the help page and the parsing of its options come (DESIGN 12). */
#ifndef ASSAY_CLI_CLI_H
#define ASSAY_CLI_CLI_H

#include "base/json.h"

/* Exit statuses, stable (DESIGN 12). */
enum status {
    STATUS_DONE = 0,    /* accepted, or done */
    STATUS_MISUSE = 1,  /* wrong use, or a file or server that cannot be reached */
    STATUS_REFUSED = 2, /* evidence, token or policy refused; the reason is on standard error */
};

struct option_row {
    int id;               /* a letter for a short form too, else above 255 */
    const char *name;     /* long form without dashes; NULL ends the table */
    const char *argument; /* what it takes, for the help page; NULL: nothing */
    const char *help;
};
/* Ids of options that have no short form. */
#define OPTION_BASE 256
#define OPTION_JSON                                                   \
    {                                                                 \
        'j', "json", NULL, "print one JSON object on standard output" \
    }
#define OPTION_END          \
    {                       \
        0, NULL, NULL, NULL \
    }
#define OPTION_AT(what)                                                          \
    {                                                                            \
        't', "at", "TIME", what " (2026-01-31T12:00:00Z, or seconds since 1970)" \
    }

struct cli;
struct command {
    const char *name;    /* "verify", "token show" */
    const char *summary; /* one line */
    const char *usage;   /* what follows the name */
    const char *about;   /* paragraphs; NULL: none */
    const struct option_row *options;
    const char *examples; /* NULL: none */
    enum status (*run)(struct cli *cli, int argc, char **argv);
};

extern const struct command verify_command, inspect_command, attest_command, token_show_command, token_verify_command,
    policy_check_command, policy_hash_command, policy_eval_command, policy_format_command, policy_test_command,
    policy_get_command, policy_set_command, policy_reset_command, policy_history_command, policy_diff_command,
    policy_shadow_command, provider_create_command, provider_list_command, provider_show_command,
    provider_update_command, provider_delete_command, provider_list_default_command, provider_keys_command,
    provider_rotate_key_command, provider_revoke_key_command, simulate_command, login_command, admin_migrate_command,
    audit_verify_command, collateral_show_command, collateral_key_command, collateral_export_command,
    collateral_import_command, collateral_forecast_command, collateral_fetch_command, agent_command, log_prove_command,
    log_verify_command, log_consistency_command, log_show_command, trust_command, release_announce_command,
    release_list_command, release_show_command, replay_command, log_inputs_command, provider_keep_inputs_command;

struct cli {
    struct arena *arena;
    const struct command *command;
};

/* "assay verify: …" on standard error. */
void cli_error(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_warn(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with a line that names the help page; returns STATUS_MISUSE. */
enum status cli_misuse(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Options in any place among the operands, "--" ends them. */
struct options {
    const struct cli *cli;
    int argc;
    char **argv;
    const char *value; /* of the option read last */
    bool failed;       /* an option was wrong; it has been reported */
    bool helped;       /* the help page was asked for and printed */
};
enum { OPTIONS_MAX = 48 }; /* rows of one command */

void options_open(struct options *o, const struct cli *cli, int argc, char **argv);
/* The next option's id, or 0 when there are none left (or one was wrong, or help was printed: test options_done). */
int options_next(struct options *o);
/* After the last: true when the command must end now, with *status. Operands must number between least and most. */
bool options_done(struct options *o, int least, int most, enum status *status);
/* Operand i, counted from 0, after the last option; NULL when there are fewer. */
const char *options_operand(const struct options *o, int i);

void help_command(const struct command *c);
void help_overview(const struct command *const *commands, size_t count);
/* The word of the list that is most likely meant, or NULL when none is near. */
const char *nearest_word(const char *word, const char *const *words, size_t count);

#endif
