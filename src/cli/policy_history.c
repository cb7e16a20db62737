/* assay policy history: every policy that a service ever held. */
#include "cli/policy_history.h"

#include <stdio.h>

#include "cli/terminal.h"

enum {
    LIMIT_MOST = 1000, /* the service's */
    COLUMNS = 6,
    WIDTH_MOST = 64, /* a service must not fill the screen with blanks */
};

static const struct {
    const char *member, *title;
} columns[COLUMNS] = {{"version", "VERSION"},         {"time", "TIME"},     {"result", "RESULT"},
                      {"signerThumbprint", "SIGNER"}, {"caller", "CALLER"}, {"tokenHash", "HASH"}};

bool policy_version_ok(const char *given)
{
    uint64_t n;

    return decimal_parse(bytes_text(given), INT64_MAX, &n) && n > 0;
}

static bool number_ok(const struct policy_call *c, const char *option, const char *given)
{
    if (!given || policy_version_ok(given))
        return true;
    cli_misuse(c->remote.cli, "%s %s: a number from 1 on is needed", option, given);
    return false;
}

bool policy_history_list(struct policy_call *c, const char *query, const struct json **body, const struct json **rows,
                         enum status *status)
{
    struct arena *a = c->remote.cli->arena;
    const char *path =
        c->type ? arena_printf(a, "/assay/v1/history/%s/%s?%s", c->shadow ? "shadow" : "policies", c->type, query)
                : arena_printf(a, "/assay/v1/history/certificates?%s", query);

    if (!policy_call_json(c, &(struct remote_request){.path = path}, body, status))
        return false;
    *rows = json_member(*body, "history");
    if (*rows && (*rows)->kind == JSON_ARRAY)
        return true;
    cli_error(c->remote.cli, "the service's answer holds no history");
    *status = STATUS_REFUSED;
    return false;
}

static struct bytes cell(struct arena *a, const struct json *row, size_t column)
{
    const struct json *v = json_member(row, columns[column].member);
    struct bytes text;
    int64_t number;

    if (json_text(v, &text) && text.n)
        return text;
    return json_integer(v, &number) ? bytes_text(arena_printf(a, "%lld", (long long)number)) : BYTES_LIT("-");
}

static void put_cell(struct bytes text, size_t column, const size_t width[COLUMNS])
{
    put_safe(stdout, text);
    if (column + 1 < COLUMNS)
        printf("%*s", (text.n < width[column] ? (int)(width[column] - text.n) : 0) + 2, "");
}

static void put_table(struct arena *a, const struct json *rows)
{
    size_t width[COLUMNS];

    fputs(ink(stdout, INK_STRONG), stdout);
    for (size_t i = 0; i < COLUMNS; i++) {
        width[i] = strlen(columns[i].title);
        JSON_EACH (row, rows) {
            size_t n = bytes_first(cell(a, row, i), WIDTH_MOST).n;

            width[i] = n > width[i] ? n : width[i];
        }
        put_cell(bytes_text(columns[i].title), i, width);
    }
    printf("%s\n", ink(stdout, INK_NONE));
    JSON_EACH (row, rows) {
        for (size_t i = 0; i < COLUMNS; i++)
            put_cell(cell(a, row, i), i, width);
        putchar('\n');
    }
}

bool policy_history_stored(const struct policy_call *c, const struct json *row, struct bytes *stored,
                           enum status *status)
{
    struct arena *a = c->remote.cli->arena;
    struct bytes hash;

    *status = STATUS_REFUSED;
    if (!json_text(json_member(row, c->type ? "policy" : "certificates"), stored)) {
        cli_error(c->remote.cli, "the service's answer does not hold what was stored");
        return false;
    }
    if (!c->type || stored->n == 0)
        return true;
    if (json_text(json_member(row, "tokenHash"), &hash) && bytes_equal(hash, policy_held_hash(a, *stored)))
        return true;
    cli_error(c->remote.cli, "the service's answer is refused: tokenHash is not that of the policy beside it");
    return false;
}

/* A roll-back to another version than was asked for would be worse than none. */
bool policy_history_fetch(struct policy_call *c, const char *version, const struct json **row, enum status *status)
{
    const struct json *body, *rows;
    uint64_t wanted;
    int64_t found;

    decimal_parse(bytes_text(version), INT64_MAX, &wanted);
    if (!policy_history_list(c, arena_printf(c->remote.cli->arena, "version=%s", version), &body, &rows, status))
        return false;
    *row = json_element(rows, 0);
    if (json_integer(json_member(*row, "version"), &found) && (uint64_t)found == wanted)
        return true;
    cli_error(c->remote.cli, "the service answered with another version than %s", version);
    *status = STATUS_REFUSED;
    return false;
}

static enum status show_version(struct policy_call *c)
{
    struct arena *a = c->remote.cli->arena;
    struct policy_held held;
    const struct json *row;
    struct bytes stored;
    enum status status;

    if (!policy_history_fetch(c, c->version, &row, &status) || !policy_history_stored(c, row, &stored, &status))
        return status;
    if (c->remote.json) {
        put_json(a, row);
        return STATUS_DONE;
    }
    if (stored.n == 0) {
        cli_error(c->remote.cli, "version %s removed the policy; `assay policy reset` does so again", c->version);
        return STATUS_REFUSED;
    }
    if (c->jws || !c->type) {
        put_safe(stdout, stored);
        putchar('\n');
        return STATUS_DONE;
    }
    if (!policy_held_read(c, arena_printf(a, "version %s", c->version), stored, &held, &status))
        return status;
    policy_held_describe(a, &held);
    put_remote_text(held.text, false);
    return STATUS_DONE;
}

static enum status misuse(const struct policy_call *c)
{
    const struct cli *cli = c->remote.cli;
    uint64_t limit;

    if (c->version && (c->limit || c->before))
        return cli_misuse(cli, "--version names one change; --limit and --before are for lists");
    if (!c->type && (c->shadow || c->jws))
        return cli_misuse(cli, "certificates have no %s", c->shadow ? "--shadow" : "--jws");
    if (c->jws && !c->version)
        return cli_misuse(cli, "--jws is for one change: which --version?");
    if (!number_ok(c, "--version", c->version) || !number_ok(c, "--limit", c->limit) ||
        !number_ok(c, "--before", c->before))
        return STATUS_MISUSE;
    if (c->limit && !decimal_parse(bytes_text(c->limit), LIMIT_MOST, &limit))
        return cli_misuse(cli, "--limit %s: at most %d", c->limit, LIMIT_MOST);
    return STATUS_DONE;
}

static enum status history_run(struct cli *cli, int argc, char **argv)
{
    const struct json *body, *rows;
    struct policy_call c = {0};
    struct writer query = wr_open(cli->arena);
    enum status status;

    if (!policy_call_read(&c, cli, argc, argv, 2, 2, &status))
        return status;
    if (misuse(&c) != STATUS_DONE)
        return STATUS_MISUSE;
    if (c.version)
        return show_version(&c);
    if (c.limit)
        wr_printf(&query, "limit=%s&", c.limit);
    if (c.before)
        wr_printf(&query, "before=%s", c.before);
    if (!policy_history_list(&c, arena_string(cli->arena, wr_done(&query)), &body, &rows, &status))
        return status;
    if (c.remote.json)
        put_json(cli->arena, body);
    else
        put_table(cli->arena, rows);
    return STATUS_DONE;
}

const struct command policy_history_command = {
    .name = "policy history",
    .summary = "list the changes of a policy at a service, or print an old one",
    .usage = "URL TYPE|certificates [OPTIONS]",
    .about =
        "The changes of the type's policy, or of the certificates that may sign policies, newest first: version, time, "
        "result, thumbprint of the certificate that signed, caller, hash of the JWS. --version prints what one change "
        "stored; with --jws so that `assay policy set` takes it: that is a roll-back.",
    .options =
        (const struct option_row[]){
            {REMOTE_SHADOW, "shadow", NULL, "of the shadow policy, instead of the one in force"},
            {REMOTE_VERSION, "version", "N", "print the policy of this version (of certificates: their JWK set)"},
            {REMOTE_JWS, "jws", NULL, "print the JWS that holds it instead"},
            {REMOTE_LIMIT, "limit", "N", "list at most so many, up to 1000 (default 100)"},
            {REMOTE_BEFORE, "before", "N", "list those before this version"},
            OPTIONS_REMOTE,
            OPTION_JSON,
            OPTION_END},
    .examples = "  assay policy history https://attest.example SgxEnclave --limit 10\n"
                "  assay policy history https://attest.example SgxEnclave --version 3 --jws |\n"
                "      assay policy set https://attest.example SgxEnclave -\n",
    .run = history_run,
};
