/* assay policy diff: what changed between two policies, at a service or in files. */
#include <stdio.h>

#include "cli/policy_history.h"
#include "cli/policy_upload.h"

enum side_kind { SIDE_NOTHING, SIDE_VERSION, SIDE_CURRENT, SIDE_FILE };

struct side {
    enum side_kind kind;
    const char *given; /* the version, or the file */
    bool shadow;       /* of SIDE_VERSION and SIDE_CURRENT */
    struct bytes name, text;
};

static struct side side_of(const struct policy_call *c, const char *operand)
{
    struct side side = {.kind = SIDE_FILE, .given = operand, .shadow = c->shadow};

    if (policy_version_ok(operand))
        side.kind = SIDE_VERSION;
    else if (strcmp(operand, "current") == 0)
        side.kind = SIDE_CURRENT;
    else if (strcmp(operand, "shadow") == 0)
        side = (struct side){.kind = SIDE_CURRENT, .shadow = true};
    return side;
}

/* The newest change and the one before it. */
static bool newest_two(struct policy_call *c, struct side sides[2], enum status *status)
{
    struct arena *a = c->remote.cli->arena;
    const struct json *body, *rows;
    uint64_t version;

    if (!policy_history_list(c, "limit=2", &body, &rows, status))
        return false;
    *status = STATUS_REFUSED;
    if (rows->count == 0) {
        cli_error(c->remote.cli, "no %spolicy for %s was ever set or removed", c->shadow ? "shadow " : "", c->type);
        return false;
    }
    sides[0] = (struct side){.kind = SIDE_NOTHING, .name = BYTES_LIT("nothing")};
    for (size_t i = 0; i < 2 && json_element(rows, i); i++) {
        if (!json_unsigned(json_member(json_element(rows, i), "version"), INT64_MAX, &version)) {
            cli_error(c->remote.cli, "the service's answer holds no version");
            return false;
        }
        sides[1 - i] = side_of(c, arena_printf(a, "%llu", (unsigned long long)version));
    }
    return true;
}

/* One operand: a file is what may come, a version what was. */
static bool choose(struct policy_call *c, struct side sides[2], enum status *status)
{
    const char *first = policy_call_operand(c, 2), *second = policy_call_operand(c, 3);

    if (!first)
        return newest_two(c, sides, status);
    sides[0] = side_of(c, first);
    sides[1] = side_of(c, second ? second : "current");
    if (!second && sides[0].kind == SIDE_FILE) {
        struct side file = sides[0];

        sides[0] = sides[1];
        sides[1] = file;
    }
    return true;
}

static bool read_version(struct policy_call *c, struct side *side, struct policy_held *held, enum status *status)
{
    struct arena *a = c->remote.cli->arena;
    const struct json *row;
    struct bytes stored, time = BYTES_NONE;

    if (!policy_history_fetch(c, side->given, &row, status) || !policy_history_stored(c, row, &stored, status))
        return false;
    json_text(json_member(row, "time"), &time);
    side->name = bytes_text(arena_printf(a, "%s%s version %s, %s%s", side->shadow ? "shadow " : "", c->type,
                                         side->given, arena_string(a, time), stored.n ? "" : " (removed)"));
    if (stored.n == 0)
        return true;
    return policy_held_read(c, arena_printf(a, "version %s", side->given), stored, held, status);
}

static bool read_side(struct policy_call *c, struct side *side, enum status *status)
{
    struct arena *a = c->remote.cli->arena;
    struct policy_held held = {0};
    bool ok = true;

    c->shadow = side->shadow;
    switch (side->kind) {
    case SIDE_NOTHING: break;
    case SIDE_VERSION: ok = read_version(c, side, &held, status); break;
    case SIDE_CURRENT:
        side->name = bytes_text(arena_printf(a, "%s%s", side->shadow ? "shadow " : "", c->type));
        ok = policy_held_now(c, true, &held, status);
        break;
    case SIDE_FILE:
        side->name = bytes_text(side->given);
        ok = policy_upload_open(c, side->given, &held, status);
        break;
    }
    side->text = held.text;
    return ok;
}

static enum status diff_run(struct cli *cli, int argc, char **argv)
{
    struct policy_call c = {0};
    struct side sides[2];
    enum status status;

    if (!policy_call_read(&c, cli, argc, argv, 2, 4, &status))
        return status;
    if (!choose(&c, sides, &status) || !read_side(&c, &sides[0], &status) || !read_side(&c, &sides[1], &status))
        return status;
    return put_policy_diff(cli->arena, sides[0].name, sides[0].text, sides[1].name, sides[1].text) ? STATUS_REFUSED
                                                                                                   : STATUS_DONE;
}

const struct command policy_diff_command = {
    .name = "policy diff",
    .summary = "show what changed between two policies, at a service or in files",
    .usage = "URL TYPE [A [B]] [OPTIONS]",
    .about =
        "Prints a unified diff from A to B. Each is a version as `assay policy history` numbers them, `current` for "
        "what "
        "is in force, `shadow` for the shadow policy, or a file (./3 for one of such a name). With one of them, a "
        "version is compared with what is in force, and what is in force with a file; with none, the newest version "
        "with the one before it. Exits with 0 when the texts are the same, with 2 when they differ.",
    .options = (const struct option_row[]){{REMOTE_SHADOW, "shadow", NULL,
                                            "versions and `current` are those of the shadow policy"},
                                           OPTIONS_REMOTE,
                                           OPTION_END},
    .examples = "  assay policy diff https://attest.example SgxEnclave\n"
                "  assay policy diff https://attest.example SgxEnclave policy.txt\n"
                "  assay policy diff https://attest.example SgxEnclave 3 7\n",
    .run = diff_run,
};
