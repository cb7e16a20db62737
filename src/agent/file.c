#include "agent/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/digest.h"

enum { PIECE = 16 * 1024, DRAFT_TAG = 16 };

static bool read_all(int fd, const char *path, size_t limit, struct writer *w, struct fault *fault)
{
    for (;;) {
        ssize_t n = read(fd, wr_room(w, PIECE), PIECE);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fault_set(fault, FAULT_SYSTEM, "%s: %s", path, strerror(errno));
        if (n == 0)
            return true;
        w->n += (size_t)n;
        if (w->n > limit)
            return fault_set(fault, FAULT_LIMIT, "%s: larger than %zu bytes", path, limit);
    }
}

bool agent_read(struct arena *a, const char *path, size_t limit, struct bytes *out, struct fault *fault)
{
    struct writer w = wr_open(a);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok;

    *out = BYTES_NONE;
    if (fd < 0)
        return fault_set(fault, FAULT_SYSTEM, "%s: %s", path, strerror(errno));
    ok = read_all(fd, path, limit, &w, fault);
    close(fd);
    *out = wr_done(&w);
    return ok;
}

bool agent_read_if_there(struct arena *a, const char *path, size_t limit, struct bytes *out, bool *there,
                         struct fault *fault)
{
    *out = BYTES_NONE;
    *there = access(path, R_OK) == 0;
    return !*there || agent_read(a, path, limit, out, fault);
}

bool agent_write_attribute(const char *path, struct bytes content, struct fault *fault)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return fault_set(fault, FAULT_SYSTEM, "%s: %s", path, strerror(errno));
    n = write(fd, content.p, content.n);
    if (n != (ssize_t)content.n)
        fault_set(fault, FAULT_SYSTEM, "%s: %s", path, n < 0 ? strerror(errno) : "not all of it was taken");
    /* configfs gives the verdict on a binary attribute when it is closed. */
    if (close(fd) != 0)
        return fault_set(fault, FAULT_SYSTEM, "%s: %s", path, strerror(errno));
    return n == (ssize_t)content.n;
}

static bool put_all(int fd, struct bytes content)
{
    while (content.n) {
        ssize_t n = write(fd, content.p, content.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        content = bytes_after(content, (size_t)n);
    }
    return fsync(fd) == 0;
}

bool agent_write_secret(struct arena *a, const char *path, struct bytes content, struct fault *fault)
{
    uint8_t tag[DRAFT_TAG];
    char *draft;
    int fd, error;
    bool ok;

    if (!random_bytes(tag, sizeof tag))
        return fault_set(fault, FAULT_SYSTEM, "no random bytes");
    /* Whoever else may write to the folder must not choose the file: nothing that is there is opened. */
    draft = arena_printf(a, "%s.%s.new", path, arena_string(a, hex_encode(a, BYTES_OF(tag))));
    fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fault_set(fault, FAULT_SYSTEM, "%s: %s", draft, strerror(errno));
    ok = fchmod(fd, 0600) == 0 && put_all(fd, content);
    error = errno;
    ok = close(fd) == 0 && ok;
    if (ok && rename(draft, path) == 0)
        return true;
    error = ok ? errno : error;
    unlink(draft);
    return fault_set(fault, FAULT_SYSTEM, "%s: %s", path, strerror(error));
}
