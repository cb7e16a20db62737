#include "base/ini_file.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

struct reading {
    struct ini_place place;
    FILE *file;
    ini_taker *take;
    void *user;
    struct fault *fault;
};

/* inih does not tell its handlers the line, takes an indented one for more of the value before, and cuts a long one in two. */
static char *next_line(char *out, int size, void *user)
{
    struct reading *r = user;
    char *got = fgets(out, size, r->file);

    r->place.line++;
    if (!got)
        return NULL;
    if (strlen(out) == (size_t)size - 1 && out[size - 2] != '\n') {
        fault_set(r->fault, FAULT_LIMIT, "%s:%d: longer than %d characters", r->place.path, r->place.line, size - 2);
        return NULL;
    }
    size_t blanks = strspn(out, " \t");
    memmove(out, out + blanks, strlen(out) - blanks + 1);
    return got;
}

static int take(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;

    return r->take(r->user, &r->place, section, name, value, r->fault);
}

bool ini_read(const char *path, ini_taker *taker, void *user, struct fault *fault)
{
    struct reading r = {.place = {.path = path}, .take = taker, .user = user, .fault = fault};

    r.file = fopen(path, "re");
    if (!r.file)
        return fault_set(fault, FAULT_SYSTEM, "cannot read %s: %s", path, strerror(errno));
    int result = ini_parse_stream(next_line, &r, take, &r);
    fclose(r.file);
    if (result != 0)
        return fault_set(fault, FAULT_SYNTAX, "%s:%d: neither [section] nor name = value", path, result);
    return fault->code == FAULT_NONE;
}
