#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool put_all(int fd, struct bytes text)
{
    for (size_t put = 0; put < text.n;) {
        ssize_t n = write(fd, text.p + put, text.n - put);

        if (n < 0 && errno != EINTR)
            return false;
        put += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool output_file(const struct cli *cli, const char *path, struct bytes text, mode_t mode)
{
    char *beside = arena_printf(cli->arena, "%s.XXXXXX", path);
    int fd = mkostemp(beside, O_CLOEXEC);
    bool ok = fd >= 0 && fchmod(fd, mode) == 0 && put_all(fd, text) && fsync(fd) == 0 && rename(beside, path) == 0;
    int reason = errno;

    if (fd >= 0) {
        close(fd);
        if (!ok)
            unlink(beside);
    }
    if (!ok)
        cli_error(cli, "%s: %s", path, strerror(reason));
    return ok;
}
