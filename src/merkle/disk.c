#include "merkle/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "merkle/append.h"

enum { FILE_MODE = 0644, FOLDER_MODE = 0755 /* what is in a log is for everybody, as far as the operator lets them */ };

bool disk_fault(const struct disk *d, const char *name, struct fault *fault)
{
    return fault_set(fault, FAULT_SYSTEM, "%s/%s: %s", d->folder, name, strerror(errno));
}

static bool path_of(const struct disk *d, const char *name, const char *end, char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s/%s%s", d->folder, name, end);

    if (n > 0 && n < PATH_MAX)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

static bool sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');

    snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* The folders above a file below the log's folder, each durable before what is in it. */
static bool make_folders(const struct disk *d, char *path)
{
    for (char *slash = path + strlen(d->folder) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = 0;
        bool made = mkdir(path, FOLDER_MODE) == 0, ok = made || errno == EEXIST;

        ok = ok && (!made || !d->sync || sync_folder(path));
        *slash = '/';
        if (!ok)
            return false;
    }
    return true;
}

static bool write_whole(const struct disk *d, const char *path, struct bytes content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    bool ok = fd >= 0;

    while (ok && content.n) {
        ssize_t n = write(fd, content.p, content.n);

        if (n < 0 && errno == EINTR)
            continue;
        ok = n > 0;
        content = bytes_after(content, ok ? (size_t)n : 0);
    }
    ok = ok && (!d->sync || fsync(fd) == 0);
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    return ok;
}

bool disk_put(const struct disk *d, const char *name, struct bytes content, struct fault *fault)
{
    char path[PATH_MAX], beside[PATH_MAX];

    return (path_of(d, name, "", path) && path_of(d, "", "new", beside) && make_folders(d, path) &&
            write_whole(d, beside, content) && rename(beside, path) == 0 && (!d->sync || sync_folder(path))) ||
           disk_fault(d, name, fault);
}

bool disk_put_tile(const struct disk *d, struct arena *a, const struct tile *t, struct bytes content,
                   struct fault *fault)
{
    return disk_put(d, arena_string(a, tile_path(a, t)), content, fault);
}

void disk_drop_partial(const struct disk *d, struct arena *a, const struct tile *t)
{
    char folder[PATH_MAX];
    DIR *dir = path_of(d, arena_string(a, tile_path(a, t)), ".p", folder) ? opendir(folder) : NULL;

    if (!dir)
        return;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(dir), e->d_name, 0);
    closedir(dir);
    rmdir(folder);
}

static bool read_whole(int fd, struct arena *a, size_t limit, struct bytes *out)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return false;
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > limit) {
        errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
        return false;
    }
    uint8_t *p = arena_raw(a, (size_t)st.st_size + 1);
    size_t n = 0;
    for (ssize_t got = 1; n < (size_t)st.st_size && got > 0; n += (size_t)got)
        if ((got = pread(fd, p + n, (size_t)st.st_size - n, (off_t)n)) < 0)
            return false;
    *out = bytes_make(p, n);
    return true;
}

bool disk_read(const struct disk *d, struct arena *a, const char *name, size_t limit, bool optional, struct bytes *out,
               struct fault *fault)
{
    char path[PATH_MAX];
    int fd = path_of(d, name, "", path) ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

    *out = BYTES_NONE;
    if (fd < 0)
        return (optional && errno == ENOENT) || disk_fault(d, name, fault);
    bool ok = read_whole(fd, a, limit, out) || disk_fault(d, name, fault);
    close(fd);
    return ok;
}

bool disk_remove(const struct disk *d, const char *name, struct fault *fault)
{
    char path[PATH_MAX];

    return (path_of(d, name, "", path) && unlink(path) == 0 && (!d->sync || sync_folder(path))) ||
           disk_fault(d, name, fault);
}

bool disk_has(const struct disk *d, const char *name)
{
    char path[PATH_MAX];

    return path_of(d, name, "", path) && access(path, F_OK) == 0;
}

int disk_open(const struct disk *d, const char *name, int flags, struct fault *fault)
{
    char path[PATH_MAX];
    int fd = path_of(d, name, "", path) ? open(path, flags | O_CLOEXEC | O_NOFOLLOW, FILE_MODE) : -1;

    if (fd < 0)
        disk_fault(d, name, fault);
    return fd;
}

/* The folder that a path's last name stands in, on the disk. */
static bool sync_above(const char *path)
{
    char above[PATH_MAX];
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n && path[n - 1] != '/')
        n--;
    int wrote = snprintf(above, sizeof above, "%.*s.", (int)n, path);
    int fd = wrote > 0 && wrote < PATH_MAX ? open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

bool disk_begin(const struct disk *d, int *lock, struct fault *fault)
{
    bool made = mkdir(d->folder, FOLDER_MODE) == 0;

    if ((!made && errno != EEXIST) || (made && d->sync && !sync_above(d->folder)))
        return disk_fault(d, "", fault);
    *lock = disk_open(d, "lock", O_RDWR | O_CREAT, fault);
    if (*lock < 0)
        return false;
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    return fault_set(fault, FAULT_SYSTEM, "%s: another process writes it", d->folder);
}

bool log_folder_read(void *folder, struct arena *a, const char *path, size_t limit, struct bytes *out,
                     struct fault *fault)
{
    const struct disk d = {.folder = folder};

    return disk_read(&d, a, path, limit, false, out, fault);
}
