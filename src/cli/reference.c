#include "cli/reference.h"

#include "base/ini_file.h"

struct reading {
    struct arena *arena;
    struct reference_values *values;
};

static bool take(void *user, const struct ini_place *place, const char *section, const char *name, const char *value,
                 struct fault *fault)
{
    struct reading *r = user;

    if (strcmp(section, "reference") != 0)
        return true;
    const char *allowed = reference_set(r->arena, r->values, name, value);
    return !allowed || fault_set(fault, FAULT_USAGE, "%s:%d: %s = %s: allowed is %s", place->path, place->line, name,
                                 value, allowed);
}

static bool read_file(struct cli *cli, struct reference_values *values, const char *path)
{
    struct reading r = {.arena = cli->arena, .values = values};
    struct fault fault = {0};

    if (ini_read(path, take, &r, &fault))
        return true;
    cli_misuse(cli, "--reference %s", fault.text);
    return false;
}

bool reference_option(struct cli *cli, struct reference_values *values, const char *value)
{
    size_t n = strcspn(value, "= \t");
    const char *name = arena_string(cli->arena, bytes_make(value, n)), *allowed;

    if (value[n] != '=' || strchr(name, '/'))
        return read_file(cli, values, value);
    allowed = reference_set(cli->arena, values, name, value + n + 1);
    if (allowed)
        cli_misuse(cli, "--reference %s: allowed is %s", value, allowed);
    return !allowed;
}
