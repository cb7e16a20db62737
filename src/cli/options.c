/* Options from a command's table, and help pages from the same table. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/terminal.h"

enum { MESSAGE_MAX = 4096 };

static void say(const struct cli *cli, const char *kind, const char *format, va_list args)
{
    char text[MESSAGE_MAX];

    fflush(stdout);
    if (cli->command)
        fprintf(stderr, "assay %s: %s", cli->command->name, kind);
    else
        fprintf(stderr, "assay: %s", kind);
    /* A message may quote what a file, a certificate or a server said. */
    text_format(text, sizeof text, format, args);
    put_safe(stderr, bytes_text(text));
    fputc('\n', stderr);
}

void cli_error(const struct cli *cli, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(cli, "", format, args);
    va_end(args);
}

void cli_warn(const struct cli *cli, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(cli, "warning: ", format, args);
    va_end(args);
}

enum status cli_misuse(const struct cli *cli, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(cli, "", format, args);
    va_end(args);
    if (cli->command)
        fprintf(stderr, "See `assay %s --help`.\n", cli->command->name);
    else
        fprintf(stderr, "See `assay --help`.\n");
    return STATUS_MISUSE;
}

const char *nearest_word(const char *word, const char *const *words, size_t count)
{
    const char *best = NULL;
    size_t least = strlen(word) / 2 + 1; /* farther than half the word is a guess, not a hint */

    for (size_t i = 0; i < count; i++) {
        size_t d = text_distance(bytes_text(word), bytes_text(words[i]));

        if (d < least || (d <= least && !best && strncmp(word, words[i], strlen(word)) == 0)) {
            least = d;
            best = words[i];
        }
    }
    return best;
}

void options_open(struct options *o, const struct cli *cli, int argc, char **argv)
{
    *o = (struct options){.cli = cli, .argc = argc, .argv = argv};
    optind = 0; /* glibc: start afresh */
    opterr = 0; /* messages are ours */
}

static void report_unknown(struct options *o, const char *given)
{
    const char *names[OPTIONS_MAX], *near;
    size_t n = 0, length = strcspn(given, "=");
    char word[64];

    snprintf(word, sizeof word, "%.*s", (int)length, given);
    for (const struct option_row *row = o->cli->command->options; row->name && n < OPTIONS_MAX; row++)
        names[n++] = row->name;
    near = strncmp(word, "--", 2) == 0 ? nearest_word(word + 2, names, n) : NULL;
    if (near)
        cli_misuse(o->cli, "unknown option %s; did you mean --%s?", word, near);
    else
        cli_misuse(o->cli, "unknown option %s", word);
}

static void report(struct options *o, int result)
{
    const char *given = o->argv[optind - 1];
    char letter[3] = {'-', (char)optopt, 0};
    bool is_long = strncmp(given, "--", 2) == 0;

    o->failed = true;
    if (result == ':')
        cli_misuse(o->cli, "option %s needs a value", is_long ? given : letter);
    else if (is_long && strchr(given, '=') && optopt)
        cli_misuse(o->cli, "option %.*s takes no value", (int)strcspn(given, "="), given);
    else
        report_unknown(o, is_long ? given : letter);
}

int options_next(struct options *o)
{
    struct option table[OPTIONS_MAX + 2];
    char letters[3 * OPTIONS_MAX + 4] = ":h", *p = letters + 2;
    int n = 0, result;

    if (o->failed || o->helped)
        return 0;
    for (const struct option_row *row = o->cli->command->options; row->name && n < OPTIONS_MAX; row++, n++) {
        table[n] = (struct option){row->name, row->argument ? required_argument : no_argument, NULL, row->id};
        if (row->id < OPTION_BASE) {
            *p++ = (char)row->id;
            if (row->argument)
                *p++ = ':';
        }
    }
    *p = 0;
    table[n++] = (struct option){"help", no_argument, NULL, 'h'};
    table[n] = (struct option){0};
    result = getopt_long(o->argc, o->argv, letters, table, NULL);
    o->value = optarg;
    if (result == '?' || result == ':') {
        report(o, result);
        return 0;
    }
    if (result == 'h') {
        help_command(o->cli->command);
        o->helped = true;
        return 0;
    }
    return result == -1 ? 0 : result;
}

const char *options_operand(const struct options *o, int i)
{
    return optind + i < o->argc ? o->argv[optind + i] : NULL;
}

bool options_done(struct options *o, int least, int most, enum status *status)
{
    int count = o->argc - optind;

    *status = o->failed ? STATUS_MISUSE : STATUS_DONE;
    if (o->failed || o->helped)
        return true;
    if (count >= least && count <= most)
        return false;
    if (count < least)
        *status =
            cli_misuse(o->cli, "too few arguments; usage: assay %s %s", o->cli->command->name, o->cli->command->usage);
    else
        *status = cli_misuse(o->cli, "unexpected argument %s", options_operand(o, most));
    return true;
}

/* Text broken at blanks so that no line passes 96 columns; `indent` blanks before each line but the first. */
static void wrap(const char *text, int indent)
{
    int column = indent;

    while (*text) {
        int word = (int)strcspn(text, " \n");

        if (column > indent && column + word > 96) {
            printf("\n%*s", indent, "");
            column = indent;
        }
        printf("%.*s", word, text);
        column += word;
        text += word;
        if (*text == '\n') {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (*text) {
            putchar(' ');
            column++;
        }
        if (*text)
            text++;
    }
    putchar('\n');
}

void help_command(const struct command *c)
{
    printf("assay %s: %s\n\nUsage: assay %s %s\n", c->name, c->summary, c->name, c->usage);
    if (c->about) {
        putchar('\n');
        wrap(c->about, 0);
    }
    printf("\nOptions:\n");
    for (const struct option_row *row = c->options; row->name; row++) {
        char form[64];

        if (row->id < OPTION_BASE)
            snprintf(form, sizeof form, "-%c, --%s%s%s", row->id, row->name, row->argument ? " " : "",
                     row->argument ? row->argument : "");
        else
            snprintf(form, sizeof form, "    --%s%s%s", row->name, row->argument ? " " : "",
                     row->argument ? row->argument : "");
        printf("  %-30s ", form);
        if (strlen(form) > 30)
            printf("\n%33s", "");
        wrap(row->help, 33);
    }
    printf("  %-30s print this page\n", "-h, --help");
    if (c->examples)
        printf("\nExamples:\n%s", c->examples);
    printf("\nExit status: 0 accepted or done, 2 refused (reason on standard error), 1 misuse or I/O error.\n");
}

void help_overview(const struct command *const *commands, size_t count)
{
    printf("assay: remote attestation at the command line\n\nUsage: assay SUBCOMMAND [ARGUMENTS]\n\nSubcommands:\n");
    for (size_t i = 0; i < count; i++)
        printf("  %-21s %s\n", commands[i]->name, commands[i]->summary);
    printf("\n`assay SUBCOMMAND --help` tells its options and shows examples; `assay --version` prints the version.\n"
           "Exit status: 0 accepted or done, 2 refused (reason on standard error), 1 misuse or I/O error.\n");
}
