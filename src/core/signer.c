/* assay-signer: holds the signing keys and parses nothing but its verifier's canonical message (DESIGN 5). Descriptor 3 leads
 * to the verifier; the host has no way in. Arguments: ISSUER=KEYFILE... */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/confine.h"
#include "core/message.h"

enum {
    VERIFIER_FD = 3,
    KEY_FILE_MAX = 64 * 1024,
    SIGNER_MEMORY = 64 * 1024 * 1024,  /* of one message and its token */
    ADDRESS_SPACE = 4 * SIGNER_MEMORY, /* both arenas, libraries, stack */
    CPU_SECONDS = 60,
    CPU_MESSAGES = 1024, /* a signature takes a millisecond */
};

struct held_key {
    struct key_record record;
    struct signing_key *key;
};

static struct held_key keys[KEYS_MAX];
static size_t key_count;
static struct frame_reader from_verifier = {.fd = VERIFIER_FD};

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
static bool publish_file(const char *path, struct bytes pem, struct fault *fault)
{
    char own[4096];
    int n = snprintf(own, sizeof own, "%s.%ld.new", path, (long)getpid());

    unlink(own); /* of an earlier process of this number that was killed here */
    int fd = n > 0 && (size_t)n < sizeof own ? open(own, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    bool ok = fd >= 0 && write(fd, pem.p, pem.n) == (ssize_t)pem.n && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    ok = ok && (link(own, path) == 0 || errno == EEXIST) && sync_folder(path);
    if (!ok)
        fault_set(fault, FAULT_SYSTEM, "cannot write the key file %s: %s", path, strerror(errno));
    if (fd >= 0)
        unlink(own);
    return ok;
}

static struct signing_key *make_key(const char *path, struct arena *a, struct fault *fault)
{
    struct signing_key *made = signing_key_generate(KEY_RSA, fault);
    struct bytes pem = BYTES_NONE;
    bool ok = made && signing_key_write_pem(made, a, &pem, fault) && publish_file(path, pem, fault) &&
              read_file(path, a, &pem);

    signing_key_free(made);
    struct signing_key *key = ok ? signing_key_read_pem(pem, fault) : NULL; /* another signer may have been first */
    secret_wipe((void *)(uintptr_t)pem.p, pem.n);
    return key;
}

static bool load_key(const char *argument, struct arena *a, struct fault *fault)
{
    const char *equals = strrchr(argument, '=');
    struct held_key *k = &keys[key_count];
    struct bytes pem;

    if (!equals || equals == argument || key_count == KEYS_MAX)
        return fault_set(fault, FAULT_USAGE, "argument '%s' is not ISSUER=KEYFILE", argument);
    if (read_file(equals + 1, a, &pem)) {
        k->key = signing_key_read_pem(pem, fault);
        secret_wipe((void *)(uintptr_t)pem.p, pem.n);
    } else if (errno == ENOENT) {
        k->key = make_key(equals + 1, a, fault);
    } else {
        fault_set(fault, FAULT_SYSTEM, "cannot read the key file %s: %s", equals + 1,
                  errno == EPERM ? "it must be a file that its owner alone can read (mode 0600)" : strerror(errno));
    }
    if (!k->key)
        return false;
    k->record.issuer = bytes_make(argument, (size_t)(equals - argument));
    k->record.kid = key_id(a, signing_key_spki(k->key, a));
    key_count++;
    return key_certificate(k->key, k->record.issuer, BYTES_NONE, a, &k->record.certificate, fault);
}

static bool sign(struct arena *a, struct bytes body, struct bytes *token, struct fault *fault)
{
    struct sign_message m;

    if (!read_sign(body, &m))
        return fault_set(fault, FAULT_SYNTAX, "not the canonical message");
    for (size_t i = 0; i < key_count; i++)
        if (bytes_equal(keys[i].record.issuer, m.issuer))
            return token_sign(a, keys[i].key, m.issuer, keys[i].record.kid, m.payload, token, fault);
    return fault_set(fault, FAULT_USAGE, "no key for this provider");
}

static bool send_keys(struct arena *a)
{
    struct key_record records[KEYS_MAX];

    for (size_t i = 0; i < key_count; i++)
        records[i] = keys[i].record;
    return frame_write(VERIFIER_FD, FRAME_KEYS, write_keys(a, records, key_count));
}

static void serve(struct arena *a)
{
    enum frame_kind kind;
    struct bytes body;

    for (unsigned n = 0; frame_read(&from_verifier, a, &kind, &body) && kind == FRAME_SIGN; arena_reset(a)) {
        struct fault fault = {0};
        struct bytes token;

        if (n++ % CPU_MESSAGES == 0)
            confine_cpu(CPU_SECONDS);
        bool ok = sign(a, body, &token, &fault);

        if (!frame_write(VERIFIER_FD, ok ? FRAME_TOKEN : FRAME_NO_TOKEN, ok ? token : bytes_text(fault.text)))
            return;
    }
}

int main(int argc, char **argv)
{
    struct arena forever, request;
    struct fault fault = {0};

    arena_init(&forever, SIGNER_MEMORY);
    arena_init(&request, SIGNER_MEMORY);
    bool ok = argc > 1 && confine_memory_dumps(&fault);
    for (int i = 1; i < argc && ok; i++)
        ok = load_key(argv[i], &forever, &fault);
    /* Its keys are open: from here on nothing else is. */
    if (!ok || !confine_process(ADDRESS_SPACE, VERIFIER_FD, &fault) || !send_keys(&forever)) {
        fprintf(stderr, "assay-signer: %s\n",
                fault.text[0] ? fault.text : "it is started by assayd, with ISSUER=KEYFILE");
        return EXIT_FAILURE;
    }
    serve(&request);
    for (size_t i = 0; i < key_count; i++)
        signing_key_free(keys[i].key);
    arena_free(&request);
    arena_free(&forever);
    return EXIT_SUCCESS;
}
