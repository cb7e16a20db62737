/* Preloaded into assayd by tests: /dev/sev-guest, whose keys are derived from the file that FAKE_SEV names (one machine, one image) and
 * the fields that were asked for. Of all requests only that of a derived key is known. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DERIVED_KEY = 0x40205301, FILE_BYTES = 32 }; /* without its highest bit, which no enum has */

struct request {
    uint8_t version, padding[7];
    uint64_t ask, answer, status;
};
struct ask {
    uint32_t root, reserved;
    uint64_t fields;
    uint32_t vmpl, svn;
    uint64_t tcb;
};

int open64(const char *path, int flags, ...);
int open(const char *path, int flags, ...);
int ioctl(int fd, unsigned long request, ...);

static int device = -1;

static int open_any(const char *path, int flags, int mode)
{
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    int is_device = strcmp(path, "/dev/sev-guest") == 0, fd;

    fd = real(is_device ? getenv("FAKE_SEV") : path, is_device ? O_RDONLY : flags, mode);
    if (is_device)
        device = fd;
    return fd;
}

int open64(const char *path, int flags, ...)
{
    va_list rest;

    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    return open_any(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list rest;

    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    return open_any(path, flags, mode);
}

int ioctl(int fd, unsigned long number, ...)
{
    int (*real)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    va_list rest;

    va_start(rest, number);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (fd < 0 || fd != device)
        return real(fd, number, argument);

    struct request *r = argument;
    const struct ask *ask = (const struct ask *)(uintptr_t)r->ask;
    uint8_t *answer = (uint8_t *)(uintptr_t)r->answer;

    if ((number & 0x7fffffff) != DERIVED_KEY || r->version != 1) {
        errno = EINVAL;
        return -1;
    }
    memset(answer, 0, 64);
    if (pread(fd, answer + 32, FILE_BYTES, 0) != FILE_BYTES) {
        r->status = 0x16;
        errno = EIO;
        return -1;
    }
    for (int i = 0; i < FILE_BYTES; i++)
        answer[32 + i] ^= (uint8_t)(ask->fields << 1);
    return 0;
}
