/* The file of a backup: new, private, whole or absent. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/copy.h"

static bool broken(const char *path, struct fault *fault)
{
    return fault_set(fault, FAULT_SYSTEM, "cannot write %s: %s", path, strerror(errno));
}

/* Never over another file, also where the system cannot promise that in one step. */
static bool rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    return link(from, to) == 0 && unlink(from) == 0;
}

/* Its name is on the disk too. */
static bool sync_folder(struct arena *a, const char *path)
{
    int fd = open(dirname(arena_string(a, bytes_text(path))), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

static bool write_file(struct store *s, int fd, const char *path, struct copy_progress progress, uint64_t *count,
                       struct fault *fault)
{
    FILE *f = fdopen(fd, "wb");
    bool ok = f && backup_stream(s, f, progress, count, fault);

    if (ok || fault->code == FAULT_NONE) /* else it is the store that failed */
        ok = ok && fflush(f) == 0 && fsync(fd) == 0;
    if (f)
        ok = fclose(f) == 0 && ok;
    else
        close(fd);
    return ok || broken(path, fault);
}

bool backup_write(struct store *s, const char *path, struct copy_progress progress, uint64_t *count,
                  struct fault *fault)
{
    struct arena a;
    struct stat st;

    *count = 0;
    if (lstat(path, &st) == 0)
        return fault_set(fault, FAULT_USAGE, "%s exists already; a backup never takes the place of another file", path);
    arena_init(&a, LIMIT_TOOL_MEMORY);
    char *part = arena_printf(&a, "%s.part-XXXXXX", path);
    int fd = mkostemp(part, O_CLOEXEC); /* for its owner alone */
    bool ok = fd >= 0 || broken(part, fault);
    ok = ok && write_file(s, fd, path, progress, count, fault);
    if (ok && !(rename_new(part, path) && sync_folder(&a, path)))
        ok = broken(path, fault);
    if (!ok && fd >= 0)
        unlink(part);
    arena_free(&a);
    return ok;
}

bool backup_restore(struct store *s, const char *path, struct copy_progress progress, uint64_t *count,
                    struct fault *fault)
{
    struct backup_reader reader;
    struct arena a;
    FILE *f = fopen(path, "rbe");

    *count = 0;
    if (!f)
        return fault_set(fault, FAULT_SYSTEM, "cannot read %s: %s", path, strerror(errno));
    arena_init(&a, LIMIT_TOOL_MEMORY);
    bool ok = backup_open(&reader, f, path, &a, fault);
    reader.progress = progress;
    ok = ok && store_import(s, backup_next, &reader, count, fault);
    backup_close(&reader);
    arena_free(&a);
    fclose(f);
    return ok;
}
