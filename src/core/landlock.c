#include "core/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h, of which distributions carry older versions than the kernels that their users run. */
enum { CREATE_RULESET_VERSION = 1 };

struct ruleset {
    uint64_t files, network, scoped;
};

/* What each version added. */
static const struct {
    int version;
    struct ruleset rights;
    size_t size; /* of the structure */
} added[] = {
    {1, {.files = 0x1fff}, 8},   /* execute, read, write, make and remove files of each kind */
    {2, {.files = 1 << 13}, 8},  /* link or move to another folder */
    {3, {.files = 1 << 14}, 8},  /* truncate */
    {4, {.network = 3}, 16},     /* bind and connect TCP */
    {5, {.files = 1 << 15}, 16}, /* ioctl of devices */
    {6, {.scoped = 3}, 24},      /* abstract Unix sockets, signals */
};

int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

    return version > 0 ? (int)version : 0;
}

bool landlock_deny_all(struct fault *fault)
{
    int version = landlock_version();
    struct ruleset all = {0, 0, 0};
    size_t size = 0;

    if (version == 0)
        return true;
    for (size_t i = 0; i < sizeof added / sizeof *added && added[i].version <= version; i++) {
        all.files |= added[i].rights.files;
        all.network |= added[i].rights.network;
        all.scoped |= added[i].rights.scoped;
        size = added[i].size;
    }
    int fd = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
    bool ok = fd >= 0 && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    return ok || fault_set(fault, FAULT_SYSTEM, "give up the file system: %s", strerror(why));
}
