/* Preloaded into assayd by tests: /dev/sev-guest of the machine and guest in the file that FAKE_SEV names: a secret of 32 bytes, then the
 * guest's report. Keys are derived from the secret, the VMPL and the fields that were asked for; reports come as they stand there. */
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

enum { GET_REPORT = 0x40205300, DERIVED_KEY, GET_EXTENDED_REPORT }; /* without their highest bit, which no enum has */
enum { SECRET = 32, REPORT = 1184, INVALID_PARAMETER = 0x16 };

/* Of the report: what each bit of guest_field_select mixes in. */
static const struct {
    int offset, size;
} fields[] = {{8, 8}, {32, 16}, {16, 16}, {0x90, 48}};

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

/* No cryptography: another value of a field is another key, and that is all. */
static void derive(const uint8_t *guest, const struct ask *ask, uint8_t key[SECRET])
{
    const uint8_t *report = guest + SECRET;

    for (int i = 0; i < SECRET; i++)
        key[i] = guest[i] ^ (uint8_t)(ask->fields << 1) ^ (uint8_t)(ask->vmpl + ask->root);
    for (unsigned f = 0; f < sizeof fields / sizeof *fields; f++)
        for (int i = 0; ask->fields >> f & 1 && i < fields[f].size; i++)
            key[(i + 5 * (int)f) % SECRET] ^= report[fields[f].offset + i];
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
    uint8_t *answer = (uint8_t *)(uintptr_t)r->answer, guest[SECRET + REPORT];

    if (r->version != 1 || pread(fd, guest, sizeof guest, 0) != sizeof guest) {
        r->status = INVALID_PARAMETER;
        errno = EIO;
        return -1;
    }
    switch (number & 0x7fffffff) {
    case DERIVED_KEY:
        memset(answer, 0, 64);
        derive(guest, ask, answer + 32);
        return 0;
    case GET_REPORT:
    case GET_EXTENDED_REPORT: /* with no certificate in its table */
        memset(answer, 0, 32);
        answer[4] = REPORT & 0xff;
        answer[5] = REPORT >> 8;
        memcpy(answer + 32, guest + SECRET, REPORT);
        return 0;
    default: errno = EINVAL; return -1;
    }
}
