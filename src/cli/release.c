/* assay release list, show: what was announced, and what of it may run now. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/input.h"
#include "cli/release.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "trust/measurement.h"

enum { OPTION_RELEASE_KEY = OPTION_BASE, OPTION_CA };

static const char *state_of(struct arena *a, const struct record *r, int64_t time)
{
    char at[32];

    if (time < r->usable_from) {
        time_format(r->usable_from, at);
        return arena_printf(a, "usable from %s", at);
    }
    if (r->retired_after == RECORD_NEVER)
        return "in use";
    time_format(r->retired_after, at);
    return arena_printf(a, "%s %s", time < r->retired_after ? "in use until" : "retired since", at);
}

void release_print_record(const struct cli *cli, const struct record *r, int64_t time)
{
    struct arena *a = cli->arena;

    put_safe(stdout,
             bytes_text(arena_printf(a, "%s %s  %s  %s", arena_string(a, r->component), arena_string(a, r->version),
                                     tee_kind_name(r->values.tee), state_of(a, r, time))));
    putchar('\n');
}

struct listing {
    struct cli *cli;
    const char *release_key, *ca_file, *version; /* version: show this one whole */
    bool json;
    int64_t time;
};

static bool read_option(struct listing *x, int id, const char *value)
{
    switch (id) {
    case OPTION_RELEASE_KEY: x->release_key = value; return true;
    case OPTION_CA: x->ca_file = value; return true;
    case 't':
        if (input_time(value, &x->time))
            return true;
        cli_misuse(x->cli, "--at %s: no time", value);
        return false;
    default: x->json = true; return true;
    }
}

static bool wanted(const struct listing *x, const struct record *r)
{
    return !x->version || bytes_is(r->version, x->version);
}

static size_t print(struct listing *x, const struct records *list)
{
    struct arena *a = x->cli->arena;
    struct json *o = json_new(a, JSON_OBJECT), *items = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < list->count; i++) {
        const struct record *r = &list->v[i];

        if (!wanted(x, r))
            continue;
        struct json *one = record_json(a, r);
        show_string(a, one, "state", state_of(a, r, x->time));
        if (!x->json && x->version)
            put_tree(stdout, one, 0);
        else if (!x->json)
            release_print_record(x->cli, r, x->time);
        json_append(items, one);
    }
    if (x->json) {
        show_time(a, o, "issued", list->issued);
        JSON_SET(o, "measurements", items);
        put_json(a, o);
    }
    return items->count;
}

static enum status list_run(struct cli *cli, int argc, char **argv)
{
    struct arena *a = cli->arena;
    bool one = strcmp(cli->command->name, "release show") == 0;
    struct listing x = {.cli = cli, .time = input_now()};
    const struct records_exam exam = {.arena = a, .trace = trace_new(a)};
    struct public_key key;
    struct records list;
    struct bytes text;
    struct options o;
    enum status status;

    options_open(&o, cli, argc, argv);
    for (int id; (id = options_next(&o)) != 0;)
        if (!read_option(&x, id, o.value))
            return STATUS_MISUSE;
    if (options_done(&o, one ? 2 : 1, one ? 2 : 1, &status))
        return status;
    x.version = one ? options_operand(&o, 1) : NULL;
    if ((x.release_key && !release_key_read(cli, x.release_key, &key)) ||
        !release_list_read(cli, options_operand(&o, 0), x.ca_file, &text))
        return STATUS_MISUSE;
    if (!records_read(&exam, text, x.release_key ? &key : NULL, &list)) {
        cli_error(cli, "%s", arena_string(a, trace_message(exam.trace, a)));
        return STATUS_REFUSED;
    }
    if (print(&x, &list))
        return STATUS_DONE;
    cli_error(cli, "no record of version %s", x.version);
    return STATUS_REFUSED;
}

#define LIST_OPTIONS                                                                                                  \
    (const struct option_row[])                                                                                       \
    {                                                                                                                 \
        {OPTION_RELEASE_KEY, "release-key", "F", "public key in PEM that the list must be signed with"},              \
            OPTION_AT("tell what may run at this time"),                                                              \
            {OPTION_CA, "ca", "F", "PEM: trust these certificates alone for the connection"}, OPTION_JSON, OPTION_END \
    }

const struct command release_list_command = {
    .name = "release list",
    .summary = "list announced releases, and which may run",
    .usage = "FILE|URL [--release-key F] [--at TIME] [--json]",
    .about =
        "Verifies the list's signature and schedule, and prints a line for each release. A list without a signature is "
        "read too, when no key is named.",
    .options = LIST_OPTIONS,
    .examples =
        "  assay release list https://attest.example/.well-known/assay-measurements --release-key release.pem.pub\n",
    .run = list_run,
};

const struct command release_show_command = {
    .name = "release show",
    .summary = "show the measurements of one release",
    .usage = "FILE|URL VERSION [--release-key F] [--at TIME] [--json]",
    .about = "Verifies the list as `assay release list` does, and prints every record of this version whole.",
    .options = LIST_OPTIONS,
    .examples = "  assay release show measurements.jws 1.2.0 --release-key release.pem.pub\n",
    .run = list_run,
};
