#include "collateral/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

/* What is being written, and what was written whole and must move into place. One writer at a time, so one name each. */
#define STAGED    ".staged"
#define COMMITTED ".committed"

static bool failed(const struct folder *f, const char *what, struct fault *fault)
{
    return fault_set(fault, FAULT_SYSTEM, "cannot %s the folder of endorsements %s: %s", what, f->path,
                     strerror(errno));
}

static int open_folder(int at, const char *name)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

typedef bool each_fn(int dir, const char *name, void *context);

/* Every entry of a folder but . and ..; false when one call said so, or it cannot be read. */
static bool for_each(int dir, each_fn *each, void *context)
{
    int own = dir < 0 ? -1 : open_folder(dir, "."); /* a place of its own to read from */
    DIR *d = own < 0 ? NULL : fdopendir(own);
    bool ok = d != NULL;

    if (!d) {
        if (own >= 0)
            close(own);
        return false;
    }
    for (struct dirent *e; ok && (e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            ok = each(dir, e->d_name, context);
    closedir(d);
    return ok;
}

static bool remove_one(int dir, const char *name, void *context)
{
    (void)context;
    return unlinkat(dir, name, 0) == 0;
}

static bool move_one(int dir, const char *name, void *context)
{
    return renameat(dir, name, *(int *)context, name) == 0;
}

/* Left by a writer that died before its commit. */
static bool discard_staged(struct folder *f)
{
    int dir = open_folder(f->fd, STAGED);
    bool ok;

    if (dir < 0)
        return errno == ENOENT;
    ok = for_each(dir, remove_one, NULL) && unlinkat(f->fd, STAGED, AT_REMOVEDIR) == 0;
    close(dir);
    return ok;
}

/* Moves what was committed into place; as often as it takes. */
static bool settle(struct folder *f)
{
    int dir = open_folder(f->fd, COMMITTED);
    bool ok;

    if (dir < 0)
        return errno == ENOENT;
    ok = for_each(dir, move_one, &f->fd) && fsync(f->fd) == 0 && unlinkat(f->fd, COMMITTED, AT_REMOVEDIR) == 0;
    close(dir);
    return ok;
}

static bool lock(struct folder *f)
{
    int kind = f->mode == FOLDER_WRITE ? LOCK_EX : LOCK_SH, r;

    do
        r = flock(f->fd, kind);
    while (r && errno == EINTR);
    /* A file system that cannot lock can still be read: it has no writer of ours. */
    return r == 0 || f->mode == FOLDER_READ;
}

bool folder_open(struct folder *f, const char *path, enum folder_mode mode, struct fault *fault)
{
    *f = (struct folder){.path = path, .fd = -1, .mode = mode};
    if (mode == FOLDER_WRITE && mkdir(path, 0755) && errno != EEXIST)
        return failed(f, "make", fault);
    f->fd = open_folder(AT_FDCWD, path);
    if (f->fd < 0)
        return failed(f, "open", fault);
    if (lock(f) && (mode == FOLDER_READ || (discard_staged(f) && settle(f))))
        return true;
    failed(f, mode == FOLDER_READ ? "lock" : "write", fault);
    folder_close(f);
    return false;
}

void folder_close(struct folder *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

struct listing {
    struct arena *arena;
    struct folder_file *v;
    size_t n, cap, bytes;
};

static bool list_one(int dir, const char *name, void *context)
{
    struct listing *l = context;
    struct stat st;

    if (name[0] == '.' || fstatat(dir, name, &st, 0) || !S_ISREG(st.st_mode))
        return true;
    l->v = ARENA_ROOM(l->arena, l->v, l->n, &l->cap);
    l->v[l->n++] = (struct folder_file){arena_string(l->arena, bytes_text(name)), (size_t)st.st_size};
    l->bytes += (size_t)st.st_size;
    return l->n <= 2 * LIMIT_FOLDER_FILES;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct folder_file *)a)->name, ((const struct folder_file *)b)->name);
}

bool folder_list(struct folder *f, struct arena *a, const struct folder_file **out, size_t *count, struct fault *fault)
{
    struct listing l = {.arena = a};
    int committed = open_folder(f->fd, COMMITTED);
    bool ok = (committed < 0 || for_each(committed, list_one, &l)) && for_each(f->fd, list_one, &l);
    size_t n = 0;

    if (committed >= 0)
        close(committed);
    if (l.n)
        qsort(l.v, l.n, sizeof *l.v, by_name);
    for (size_t i = 0; i < l.n; i++)
        if (n == 0 || strcmp(l.v[n - 1].name, l.v[i].name) != 0) /* else it waits to be replaced */
            l.v[n++] = l.v[i];
    *out = l.v;
    *count = n;
    if (n > LIMIT_FOLDER_FILES || l.n > 2 * LIMIT_FOLDER_FILES)
        return fault_set(fault, FAULT_LIMIT, "%s: more than %d files", f->path, LIMIT_FOLDER_FILES);
    if (l.bytes > 2 * (size_t)LIMIT_FOLDER_BYTES)
        return fault_set(fault, FAULT_LIMIT, "%s: more than %d MiB of files", f->path,
                         2 * (LIMIT_FOLDER_BYTES / (1024 * 1024)));
    return ok || failed(f, "read", fault);
}

static bool read_all(int fd, struct arena *a, size_t most, struct bytes *out)
{
    struct stat st;
    size_t got = 0;

    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (uintmax_t)st.st_size > most) {
        errno = EFBIG;
        return false;
    }
    uint8_t *p = arena_raw(a, (size_t)st.st_size);
    while (got < (size_t)st.st_size) {
        ssize_t n = read(fd, p + got, (size_t)st.st_size - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    *out = bytes_make(p, got);
    return true;
}

bool folder_read(struct folder *f, struct arena *a, const char *name, size_t most, struct bytes *out,
                 struct fault *fault)
{
    int committed = open_folder(f->fd, COMMITTED), fd = -1;

    *out = BYTES_NONE;
    if (committed >= 0) {
        fd = openat(committed, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        close(committed);
    }
    if (fd < 0)
        fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT && name[0] == '.')
        return true;
    bool ok = fd >= 0 && read_all(fd, a, most, out);
    if (!ok)
        fault_set(fault, FAULT_SYSTEM, "cannot read %s/%s: %s", f->path, name, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

bool folder_load(struct folder *f, struct catalogue *c, struct fault *fault)
{
    const struct folder_file *files;
    struct bytes content;
    size_t n;

    if (!folder_list(f, c->arena, &files, &n, fault))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!folder_read(f, c->arena, files[i].name, LIMIT_BUNDLE, &content, fault))
            return false;
        catalogue_add(c, files[i].name, content);
    }
    return true;
}

static bool write_one(int dir, const struct folder_entry *e)
{
    int fd = openat(dir, e->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    size_t put = 0;

    while (fd >= 0 && put < e->content.n) {
        ssize_t n = write(fd, e->content.p + put, e->content.n - put);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        put += (size_t)n;
    }
    bool ok = fd >= 0 && put == e->content.n && fsync(fd) == 0;
    int reason = errno;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return ok;
}

static bool stage(struct folder *f, const struct folder_entry *entries, size_t count)
{
    int dir;
    bool ok = true;

    if (mkdirat(f->fd, STAGED, 0755))
        return false;
    dir = open_folder(f->fd, STAGED);
    for (size_t i = 0; i < count && ok; i++)
        ok = dir >= 0 && write_one(dir, &entries[i]);
    ok = ok && dir >= 0 && fsync(dir) == 0;
    int reason = errno;
    if (dir >= 0)
        close(dir);
    errno = reason;
    return ok;
}

bool folder_write(struct folder *f, const struct folder_entry *entries, size_t count, struct fault *fault)
{
    if (f->mode != FOLDER_WRITE)
        return fault_set(fault, FAULT_USAGE, "%s: not open for writing", f->path);
    for (size_t i = 0; i < count; i++)
        if (strchr(entries[i].name, '/') || entries[i].name[0] == 0)
            return fault_set(fault, FAULT_USAGE, "%s: no name of a file", entries[i].name);
    if (count == 0)
        return true;
    if (!stage(f, entries, count)) {
        failed(f, "write", fault);
        discard_staged(f);
        return false;
    }
    /* The commit: from here on readers see all of it. */
    if (renameat(f->fd, STAGED, f->fd, COMMITTED) || fsync(f->fd)) {
        failed(f, "write", fault);
        discard_staged(f);
        return false;
    }
    return settle(f) || failed(f, "write", fault);
}
