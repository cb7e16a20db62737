#include "cli/input.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"

static bool read_all(FILE *f, const char *path, size_t limit, struct writer *w, struct fault *fault)
{
    static uint8_t buffer[64 * 1024];
    size_t n;

    while ((n = fread(buffer, 1, sizeof buffer, f)) > 0) {
        wr_put(w, bytes_make(buffer, n));
        if (w->n > limit)
            return fault_set(fault, FAULT_LIMIT, "%s: larger than %zu bytes", path, limit);
    }
    if (ferror(f))
        return fault_set(fault, FAULT_SYSTEM, "%s: %s", path, strerror(errno));
    return true;
}

bool input_file(struct arena *a, const char *path, size_t limit, struct bytes *out, struct fault *fault)
{
    bool from_stdin = strcmp(path, "-") == 0, ok;
    struct writer w = wr_open(a);
    FILE *f = from_stdin ? stdin : fopen(path, "rb");

    if (!f)
        return fault_set(fault, FAULT_SYSTEM, "%s: %s", path, strerror(errno));
    ok = read_all(f, path, limit, &w, fault);
    if (!from_stdin)
        fclose(f);
    *out = wr_done(&w);
    return ok;
}

bool input_is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

void path_list_add(struct arena *a, struct path_list *list, const char *path)
{
    list->v = ARENA_ROOM(a, list->v, list->n, &list->cap);
    list->v[list->n++] = path;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool input_folder(struct arena *a, const char *path, struct path_list *out, struct fault *fault)
{
    DIR *d = opendir(path);
    struct path_list found = {0};

    if (!d)
        return fault_set(fault, FAULT_SYSTEM, "%s: %s", path, strerror(errno));
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        const char *name = arena_printf(a, "%s/%s", path, e->d_name);
        struct stat st;

        if (e->d_name[0] == '.' || stat(name, &st) || !S_ISREG(st.st_mode))
            continue;
        path_list_add(a, &found, name);
        if (found.n > LIMIT_TOOL_FILES)
            break;
    }
    closedir(d);
    if (found.n > LIMIT_TOOL_FILES)
        return fault_set(fault, FAULT_LIMIT, "%s: more than %d files", path, LIMIT_TOOL_FILES);
    if (found.n)
        qsort(found.v, found.n, sizeof *found.v, by_name); /* the order of a folder must not matter */
    for (size_t i = 0; i < found.n; i++)
        path_list_add(a, out, found.v[i]);
    return true;
}

bool input_time(const char *text, int64_t *out)
{
    static const uint64_t last = 253402300799; /* second of the year 9999 */
    uint64_t seconds;

    if (time_parse(bytes_text(text), out))
        return true;
    bool ok = decimal_parse(bytes_text(text), last, &seconds);
    *out = (int64_t)seconds;
    return ok;
}

int64_t input_now(void)
{
    return time(NULL);
}
