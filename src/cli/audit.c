/* assay audit verify: is an audit log whole? */
#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/terminal.h"
#include "crypto/log_chain.h"

enum { EXPECT = OPTION_BASE, PIECE = 64 * 1024 };

static const struct option_row option_rows[] = {
    {EXPECT, "expect", "HASH", "a chain value that was kept elsewhere, and must be in the log"},
    OPTION_JSON,
    OPTION_END,
};

enum outcome { WHOLE, BROKEN, UNREADABLE };

static enum outcome walk_file(struct log_walk *walk, const char *path, struct fault *fault)
{
    static uint8_t piece[PIECE];
    enum outcome outcome = WHOLE;
    FILE *f = fopen(path, "rb");
    size_t n;

    if (!f) {
        fault_set(fault, FAULT_SYSTEM, "%s: %s", path, strerror(errno));
        return UNREADABLE;
    }
    if (!log_walk_file(walk, fault))
        outcome = BROKEN;
    while (outcome == WHOLE && (n = fread(piece, 1, sizeof piece, f)) > 0)
        if (!log_walk_bytes(walk, bytes_make(piece, n), fault))
            outcome = BROKEN;
    if (outcome == WHOLE && ferror(f)) {
        fault_set(fault, FAULT_SYSTEM, "%s: %s", path, strerror(errno));
        outcome = UNREADABLE;
    }
    fclose(f);
    return outcome;
}

static enum outcome walk_all(struct log_walk *walk, const struct options *o, struct fault *fault)
{
    const char *path;

    for (int i = 0; (path = options_operand(o, i)) != NULL; i++) {
        enum outcome outcome = walk_file(walk, path, fault);

        if (outcome != WHOLE)
            return outcome;
    }
    if (!log_walk_end(walk, fault))
        return BROKEN;
    if (*walk->wanted.hex && !walk->met) {
        fault_set(fault, FAULT_SYNTAX,
                  "the chain value %s is not in the log: its end was cut off, or it is another log", walk->wanted.hex);
        return BROKEN;
    }
    return WHOLE;
}

static void print_json(struct arena *a, const struct log_walk *w, const char *file, const struct fault *fault)
{
    struct json *o = json_new(a, JSON_OBJECT);

    JSON_SET(o, "whole", json_new_boolean(a, !fault));
    JSON_SET(o, "files", json_new_integer(a, (int64_t)w->file));
    JSON_SET(o, "records", json_new_integer(a, (int64_t)w->records));
    JSON_SET(o, "recovered", json_new_integer(a, (int64_t)w->recoveries));
    JSON_SET(o, "after", json_new_text(a, bytes_text(w->from.hex)));
    JSON_SET(o, "last", json_new_text(a, bytes_text(w->value.hex)));
    if (w->met)
        JSON_SET(o, "sinceExpected", json_new_integer(a, (int64_t)(w->records - w->met_at)));
    if (fault)
        JSON_SET(o, "reason", json_new_text(a, bytes_text(fault->text)));
    if (fault && w->bad_line) {
        JSON_SET(o, "file", json_new_text(a, bytes_text(file)));
        JSON_SET(o, "line", json_new_integer(a, (int64_t)w->bad_line));
    }
    put_json(a, o);
}

static void print_whole(const struct log_walk *w)
{
    bool begun = strcmp(w->from.hex, LOG_CHAIN_START) == 0;

    printf("%swhole%s: %llu records in %zu file%s", ink(stdout, INK_GOOD), ink(stdout, INK_NONE),
           (unsigned long long)w->records, w->file, w->file == 1 ? "" : "s");
    if (w->recoveries)
        printf(", going on behind torn lines %llu time%s", (unsigned long long)w->recoveries,
               w->recoveries == 1 ? "" : "s");
    printf("\nbegins   %s\n", begun ? "with the log" : w->from.hex);
    if (w->met)
        printf("expected %s, %llu records before the end\n", w->wanted.hex,
               (unsigned long long)(w->records - w->met_at));
    printf("last     %s\n", w->value.hex);
}

static void report_broken(const struct cli *cli, const struct log_walk *w, const char *file, const struct fault *fault)
{
    if (w->bad_line)
        cli_error(cli, "%s, line %llu: %s", file, (unsigned long long)w->bad_line, fault->text);
    else
        cli_error(cli, "%s", fault->text);
}

static enum status judge(const struct cli *cli, const struct options *o, struct log_walk *walk, bool json)
{
    struct fault fault = {0};
    enum outcome outcome = walk_all(walk, o, &fault);
    const char *file = walk->bad_file ? options_operand(o, (int)walk->bad_file - 1) : "";

    if (outcome == UNREADABLE) {
        cli_error(cli, "%s", fault.text);
        return STATUS_MISUSE;
    }
    if (json)
        print_json(cli->arena, walk, file, outcome == BROKEN ? &fault : NULL);
    else if (outcome == WHOLE)
        print_whole(walk);
    if (outcome == WHOLE)
        return STATUS_DONE;
    report_broken(cli, walk, file, &fault);
    return STATUS_REFUSED;
}

static enum status verify_run(struct cli *cli, int argc, char **argv)
{
    static struct log_walk walk;
    const char *expected = NULL;
    struct options o;
    enum status status;
    bool json = false;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (id == EXPECT)
            expected = o.value;
        else
            json = true;
    if (options_done(&o, 1, LIMIT_TOOL_FILES, &status))
        return status;
    if (!log_walk_open(&walk, expected))
        return cli_misuse(cli, "--expect needs a chain value: %d hexadecimal digits, in lower case", LOG_CHAIN_HEX);
    status = judge(cli, &o, &walk, json);
    log_walk_free(&walk);
    return status;
}

const struct command audit_verify_command = {
    .name = "audit verify",
    .summary = "is an audit log whole, as the service wrote it?",
    .usage = "FILE...",
    .about =
        "Follows the hash chain through the records of one file, or of several that a rotation made, oldest first, and "
        "names "
        "the first line that was changed, dropped, added or moved. A log whose end was cut off looks whole: keep the "
        "last chain value elsewhere, and give it with --expect.",
    .options = option_rows,
    .examples = "  assay audit verify /var/log/assay/audit.log.1 /var/log/assay/audit.log\n"
                "  assay audit verify --expect \"$(cat kept)\" /var/log/assay/audit.log\n",
    .run = verify_run,
};
