/* What subcommands read: files within a limit, folders, times. */
#ifndef ASSAY_CLI_INPUT_H
#define ASSAY_CLI_INPUT_H

#include "base/fault.h"
#include "base/json.h"

/* A whole file, "-" for standard input. FAULT_SYSTEM when it cannot be read (a folder cannot), FAULT_LIMIT when it is
 * larger than limit. */
bool input_file(struct arena *a, const char *path, size_t limit, struct bytes *out, struct fault *fault);
/* The paths of the regular files in a folder, by name; at most LIMIT_TOOL_FILES. */
struct path_list {
    const char **v;
    size_t n, cap;
};
bool input_is_folder(const char *path);
bool input_folder(struct arena *a, const char *path, struct path_list *out, struct fault *fault);
void path_list_add(struct arena *a, struct path_list *list, const char *path);
/* RFC 3339 with Z, or seconds since 1970. */
bool input_time(const char *text, int64_t *out);
int64_t input_now(void);

#endif
