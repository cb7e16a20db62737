#include "core/root_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/digest.h"

enum { KEY_FILE_MAX = 64 * 1024 };

static bool read_file(const char *path, struct arena *a, struct bytes *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;

    if (fd < 0)
        return false;
    uint8_t *p = arena_alloc(a, KEY_FILE_MAX);
    bool private = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) == 0;
    ssize_t n = private ? read(fd, p, KEY_FILE_MAX) : -1;
    close(fd);
    *out = bytes_make(p, n > 0 ? (size_t)n : 0);
    if (!private)
        errno = EPERM;
    return n > 0;
}

/* A name is durable once its folder is. */
static bool sync_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    int n = slash ? snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path)
                  : snprintf(folder, sizeof folder, ".");
    int fd = n > 0 && (size_t)n < sizeof folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

/* Write to a name of this process's own, then link: whoever is first decides, nobody sees half a key. */
static bool publish_file(const char *path, struct bytes text, struct fault *fault)
{
    char own[4096];
    int n = snprintf(own, sizeof own, "%s.%ld.new", path, (long)getpid());

    unlink(own); /* of an earlier process of this number that was killed here */
    int fd = n > 0 && (size_t)n < sizeof own ? open(own, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    bool ok = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    ok = ok && (link(own, path) == 0 || errno == EEXIST) && sync_folder(path);
    if (!ok)
        fault_set(fault, FAULT_SYSTEM, "cannot write the key file %s: %s", path, strerror(errno));
    if (fd >= 0)
        unlink(own);
    return ok;
}

/* Made by whichever signer comes first. */
static bool make_root(const char *path, struct arena *a, struct bytes *text, struct fault *fault)
{
    uint8_t random[ROOT_KEY_SIZE];

    if (!random_bytes(random, sizeof random))
        return fault_set(fault, FAULT_SYSTEM, "the system gives no random numbers");
    struct bytes hex = hex_encode(a, BYTES_OF(random));
    bool ok = publish_file(path, hex, fault);
    secret_wipe(random, sizeof random);
    secret_wipe((void *)(uintptr_t)hex.p, hex.n);
    return ok && (read_file(path, a, text) ||
                  fault_set(fault, FAULT_SYSTEM, "cannot read the key file %s: %s", path, strerror(errno)));
}

bool root_key_load(const char *path, struct arena *a, uint8_t root[ROOT_KEY_SIZE], struct fault *fault)
{
    struct bytes text;

    if (!read_file(path, a, &text)) {
        if (errno != ENOENT)
            return fault_set(fault, FAULT_SYSTEM, "cannot read the key file %s: %s", path,
                             errno == EPERM ? "it must be a file that its owner alone can read (mode 0600)"
                                            : strerror(errno));
        if (!make_root(path, a, &text, fault))
            return false;
    }
    bool ok = hex_decode_exact(bytes_trim_end(text), root, ROOT_KEY_SIZE);
    secret_wipe((void *)(uintptr_t)text.p, text.n);
    return ok || fault_set(fault, FAULT_SYNTAX, "%s is no sealing key: 64 hex digits", path);
}
