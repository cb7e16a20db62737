#include "core/root_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/digest.h"

enum { KEY_FILE_MAX = 64 * 1024 }; /* an offer with its evidence is the longest file beside a key */

static void wipe(struct bytes b)
{
    secret_wipe((void *)(uintptr_t)b.p, b.n);
}

static const char *const names[ROOT_SEALER_ARGUMENTS] = {"sealer", "tpm", "pcrs", "pkcs11", "pin_file"};

static const char **setting(struct root_sealer *s, size_t i)
{
    const char **const places[ROOT_SEALER_ARGUMENTS] = {&s->name, &s->tpm, &s->pcrs, &s->pkcs11, &s->pin_file};

    return places[i];
}

char **root_sealer_arguments(struct arena *a, const struct root_sealer *s)
{
    char **arguments = ARENA_ARRAY(a, char *, ROOT_SEALER_ARGUMENTS + 1);
    struct root_sealer copy = *s;
    size_t n = 0;

    for (size_t i = 0; i < ROOT_SEALER_ARGUMENTS; i++)
        if (*setting(&copy, i))
            arguments[n++] = arena_printf(a, "%s=%s", names[i], *setting(&copy, i));
    return arguments;
}

static bool read_argument(char *argument, struct root_sealer *out)
{
    for (size_t i = 0; i < ROOT_SEALER_ARGUMENTS; i++) {
        size_t n = strlen(names[i]);

        if (strncmp(argument, names[i], n) == 0 && argument[n] == '=') {
            *setting(out, i) = argument + n + 1;
            return true;
        }
    }
    return false;
}

bool root_sealer_read(char **arguments, struct root_sealer *out, struct fault *fault)
{
    *out = (struct root_sealer){.name = "file"};
    for (; *arguments; arguments++)
        if (!read_argument(*arguments, out))
            return fault_set(fault, FAULT_USAGE, "%s is no setting of a sealer", *arguments);
    return true;
}

static bool read_private(int fd, struct arena *a, struct bytes *text)
{
    struct stat st;
    uint8_t *p = arena_alloc(a, KEY_FILE_MAX);
    bool private = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) == 0;
    ssize_t n = private ? read(fd, p, KEY_FILE_MAX) : -1;

    *text = bytes_make(p, n > 0 ? (size_t)n : 0);
    if (!private)
        errno = EPERM;
    return n >= 0;
}

bool key_file_read(const char *path, struct arena *a, bool *there, struct bytes *text, struct fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    *there = fd >= 0 || errno != ENOENT;
    *text = BYTES_NONE;
    if (!*there)
        return true;
    bool ok = fd >= 0 && read_private(fd, a, text);
    if (!ok)
        fault_set(fault, FAULT_SYSTEM, "cannot read the key file %s: %s", path,
                  errno == EPERM || errno == ELOOP ? "it must be a file that its owner alone can read (mode 0600)"
                                                   : strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
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

/* Written whole to a name of this process's own, then given the name that counts by `place`: nobody sees half a key. */
static bool publish(const char *path, struct bytes text, int (*place)(const char *own, const char *path),
                    struct fault *fault)
{
    char own[4096];
    int n = snprintf(own, sizeof own, "%s.%ld.new", path, (long)getpid());

    unlink(own); /* of an earlier process of this number that was killed here */
    int fd = n > 0 && (size_t)n < sizeof own ? open(own, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    bool ok = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    ok = ok && place(own, path) == 0 && sync_folder(path);
    if (!ok)
        fault_set(fault, FAULT_SYSTEM, "cannot write the key file %s: %s", path, strerror(errno));
    if (fd >= 0)
        unlink(own);
    return ok;
}

static int link_first(const char *own, const char *path)
{
    return link(own, path) == 0 || errno == EEXIST ? 0 : -1;
}

bool key_file_create(const char *path, struct bytes text, struct fault *fault)
{
    return publish(path, text, link, fault);
}

bool key_file_replace(const char *path, struct bytes text, struct fault *fault)
{
    return publish(path, text, rename, fault);
}

static bool is_file_sealer(const struct root_sealer *s)
{
    return strcmp(s->name, "file") == 0;
}

/* Made by whichever signer comes first; the text is that one's. */
static bool make_root(const char *path, const struct root_sealer *s, const struct root_keeper *keeper, struct arena *a,
                      struct bytes *text, struct fault *fault)
{
    uint8_t random[ROOT_KEY_SIZE];
    struct bytes made = BYTES_NONE;
    bool there, ok = true;

    if (!random_bytes(random, sizeof random))
        return fault_set(fault, FAULT_SYSTEM, "the system gives no random numbers");
    if (is_file_sealer(s))
        made = key_envelope_plain(a, KEY_HOLDS_ROOT, random);
    else
        ok = keeper->seal(s, random, a, &made, fault);
    secret_wipe(random, sizeof random);
    ok = ok && publish(path, made, link_first, fault);
    wipe(made);
    if (!ok || !key_file_read(path, a, &there, text, fault))
        return false;
    return there || fault_set(fault, FAULT_SYSTEM, "the key file %s was taken away as soon as it was made", path);
}

static bool open_text(const struct root_sealer *s, const struct root_keeper *keeper, struct arena *a, struct bytes text,
                      uint8_t root[ROOT_KEY_SIZE], struct fault *fault)
{
    struct key_envelope e;

    if (!key_envelope_read(a, text, &e, fault))
        return false;
    if (!bytes_is(e.holds, KEY_HOLDS_ROOT))
        return fault_set(fault, FAULT_USAGE, "what it holds is no root key");
    if (!bytes_is(e.sealer, s->name))
        return fault_set(
            fault, FAULT_USAGE,
            "it is sealed by %.*s, and [keys] sealer is %s: where you changed that setting, set it back or "
            "run `assayd reseal --from %.*s --config FILE`; else the file was replaced: restore it",
            (int)bytes_first(e.sealer, 32).n, (const char *)e.sealer.p, s->name, (int)bytes_first(e.sealer, 32).n,
            (const char *)e.sealer.p);
    return is_file_sealer(s) ? key_envelope_open(a, &e, NULL, root, fault) : keeper->open(s, text, a, root, fault);
}

bool root_key_load(const char *path, const struct root_sealer *s, const struct root_keeper *keeper, struct arena *a,
                   uint8_t root[ROOT_KEY_SIZE], struct fault *fault)
{
    struct fault reason = {0};
    struct bytes text;
    bool there;

    if (!key_file_read(path, a, &there, &text, fault))
        return false;
    if (!there && !make_root(path, s, keeper, a, &text, fault))
        return false;
    bool ok = open_text(s, keeper, a, text, root, &reason);
    wipe(text);
    return ok || fault_set(fault, reason.code, "the key file %s: %s", path, reason.text);
}
