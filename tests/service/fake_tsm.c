/* Preloaded into `assay` by tests: below FAKE_TSM a plain folder behaves as the kernel's configfs-tsm. An entry holds what the folder
 * FAKE_TSM_ENTRY has, whose outblob is only to be had by who wrote its inblob. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST = 64 * 1024, PATH_LONGEST = 512 };

int mkdir(const char *path, mode_t mode);
int rmdir(const char *path);
int open64(const char *path, int flags, ...);

static const char *const names[] = {"provider", "generation", "inblob", "outblob", "auxblob"};
enum { NAMES = sizeof names / sizeof *names };

static int is_ours(const char *path)
{
    const char *root = getenv("FAKE_TSM");

    return root && strncmp(path, root, strlen(root)) == 0;
}

static size_t get(const char *folder, const char *name, char *out)
{
    char path[PATH_LONGEST];
    size_t n = 0;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "rb");
    if (f) {
        n = fread(out, 1, LARGEST, f);
        fclose(f);
    }
    return n;
}

static void put(const char *folder, const char *name, const char *content, size_t n)
{
    char path[PATH_LONGEST];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "wb");
    if (f) {
        fwrite(content, 1, n, f);
        fclose(f);
    }
}

int mkdir(const char *path, mode_t mode)
{
    int (*real)(const char *, mode_t) = (int (*)(const char *, mode_t))dlsym(RTLD_NEXT, "mkdir");
    static char content[LARGEST];
    int result = real(path, mode);

    for (int i = 0; result == 0 && is_ours(path) && i < NAMES; i++)
        put(path, names[i], content,
            strcmp(names[i], "inblob") == 0 ? 0 : get(getenv("FAKE_TSM_ENTRY"), names[i], content));
    return result;
}

int rmdir(const char *path)
{
    int (*real)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT, "rmdir");
    char name[PATH_LONGEST];

    for (int i = 0; is_ours(path) && i < NAMES; i++) {
        snprintf(name, sizeof name, "%s/%s", path, names[i]);
        unlink(name);
    }
    return real(path);
}

int open64(const char *path, int flags, ...)
{
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    const char *name = strrchr(path, '/');
    static char wanted[LARGEST], given[LARGEST];
    char entry[PATH_LONGEST];
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = va_arg(args, mode_t);
    va_end(args);
    if (is_ours(path) && name && strcmp(name, "/outblob") == 0) {
        snprintf(entry, sizeof entry, "%.*s", (int)(name - path), path);
        size_t n = get(entry, "inblob", given);

        if (n != get(getenv("FAKE_TSM_ENTRY"), "inblob", wanted) || memcmp(given, wanted, n) != 0) {
            errno = EINVAL;
            return -1;
        }
        put(entry, "generation", "2\n", 2);
    }
    return real(path, flags, mode);
}
