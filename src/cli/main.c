/* assay: the subcommand, and what surrounds it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/limits.h"
#include "cli/cli.h"

static const struct command *const commands[] = {
    &verify_command,
    &inspect_command,
    &attest_command,
    &agent_command,
    &token_show_command,
    &token_verify_command,
    &trust_command,
    &release_announce_command,
    &release_list_command,
    &release_show_command,
    &policy_check_command,
    &policy_format_command,
    &policy_hash_command,
    &policy_eval_command,
    &policy_test_command,
    &policy_get_command,
    &policy_set_command,
    &policy_reset_command,
    &policy_history_command,
    &policy_diff_command,
    &policy_shadow_command,
    &provider_create_command,
    &provider_list_command,
    &provider_show_command,
    &provider_update_command,
    &provider_delete_command,
    &provider_list_default_command,
    &provider_keys_command,
    &provider_rotate_key_command,
    &provider_revoke_key_command,
    &provider_keep_inputs_command,
    &simulate_command,
    &login_command,
    &admin_migrate_command,
    &audit_verify_command,
    &log_prove_command,
    &log_verify_command,
    &log_consistency_command,
    &log_show_command,
    &log_inputs_command,
    &replay_command,
    &collateral_fetch_command,
    &collateral_show_command,
    &collateral_key_command,
    &collateral_export_command,
    &collateral_import_command,
    &collateral_forecast_command,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void exhausted(struct arena *a) __attribute__((noreturn));
static void exhausted(struct arena *a)
{
    fprintf(stderr, "assay: out of memory (limit %zu bytes)\n", a->limit);
    exit(STATUS_MISUSE);
}

/* A group ("token") and its member ("show"), or a single word. *used counts the words. */
static const struct command *find(int argc, char **argv, int *used)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        const char *name = commands[i]->name, *blank = strchr(name, ' ');

        *used = blank ? 2 : 1;
        if (!blank && strcmp(argv[0], name) == 0)
            return commands[i];
        if (blank && argc > 1 && strlen(argv[0]) == (size_t)(blank - name) &&
            strncmp(argv[0], name, (size_t)(blank - name)) == 0 && strcmp(argv[1], blank + 1) == 0)
            return commands[i];
    }
    return NULL;
}

/* The members of a group, for `assay token` and `assay token --help`. */
static size_t group(const char *word, const struct command **out)
{
    size_t n = strlen(word), count = 0;

    for (size_t i = 0; i < COMMANDS; i++)
        if (strncmp(commands[i]->name, word, n) == 0 && commands[i]->name[n] == ' ')
            out[count++] = commands[i];
    return count;
}

static enum status unknown(const struct cli *cli, int argc, char **argv)
{
    const struct command *members[COMMANDS];
    const char *words[COMMANDS], *near, *given = argv[0];
    size_t count = group(given, members);

    if (count && argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        help_overview(members, count);
        return STATUS_DONE;
    }
    if (count && argc < 2)
        return cli_misuse(cli, "`%s` needs one more word, such as `assay %s`", given, members[0]->name);
    for (size_t i = 0; i < COMMANDS; i++)
        words[i] = commands[i]->name;
    if (count) {
        size_t skip = strlen(given) + 1;

        given = argv[1];
        for (size_t i = 0; i < count; i++)
            words[i] = members[i]->name + skip;
    }
    near = nearest_word(given, words, count ? count : COMMANDS);
    if (!near)
        return cli_misuse(cli, "unknown %s %s", given[0] == '-' ? "option" : "subcommand", given);
    return cli_misuse(cli, "unknown %s %s; did you mean `assay %s%s%s`?", given[0] == '-' ? "option" : "subcommand",
                      given, count ? argv[0] : "", count ? " " : "", near);
}

static enum status run(struct cli *cli, int argc, char **argv)
{
    int used = 0;

    if (argc < 2)
        return cli_misuse(cli, "a subcommand is needed, such as `assay verify`");
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("assay %s\n", ASSAY_VERSION);
        return STATUS_DONE;
    }
    if (strcmp(argv[1], "help") == 0 && argc > 2) {
        cli->command = find(argc - 2, argv + 2, &used);
        if (!cli->command)
            return unknown(cli, argc - 2, argv + 2);
        help_command(cli->command);
        return STATUS_DONE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        help_overview(commands, COMMANDS);
        return STATUS_DONE;
    }
    cli->command = find(argc - 1, argv + 1, &used);
    if (!cli->command)
        return unknown(cli, argc - 1, argv + 1);
    return cli->command->run(cli, argc - used, argv + used);
}

int main(int argc, char **argv)
{
    struct arena arena;
    struct cli cli = {.arena = &arena};
    enum status status;

#ifdef ASSAY_MUTATION
    if (!check_mutant_from_environment()) {
        fprintf(stderr, "assay: ASSAY_MUTANT names no check\n");
        return STATUS_MISUSE;
    }
#endif
    arena_init(&arena, LIMIT_TOOL_MEMORY);
    arena.exhausted = exhausted;
    status = run(&cli, argc, argv);
    arena_free(&arena);
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "assay: standard output cannot be written\n");
        return STATUS_MISUSE;
    }
    return (int)status;
}
