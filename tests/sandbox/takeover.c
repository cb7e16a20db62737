/* A verifier that was taken over: put in the place of assay-verifier, it looks for the sealing key of its signer. The environment tells
 * what to look for (TAKEOVER_KEY, 64 hex digits; TAKEOVER_FILE, where it lies) and whether to be confined as the verifier is
 * (TAKEOVER_AS: verifier or none). Prints a line for each way: takeover WAY: found, or what ended it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "sandbox.h"

enum { KEY_SIZE = 32, REGIONS_MAX = 256, REGION_MAX = 8 * 1024 * 1024, SECONDS = 5 };

static struct region {
    unsigned long start, end;
} regions[REGIONS_MAX];
static size_t region_count;
static uint8_t key[KEY_SIZE], found[REGION_MAX];
static const char *key_file;
static pid_t signer;

static bool holds_key(size_t n)
{
    return memmem(found, n, key, sizeof key) != NULL;
}

static bool by_call(void)
{
    for (size_t i = 0; i < region_count; i++) {
        struct iovec here = {found, regions[i].end - regions[i].start},
                     there = {(void *)regions[i].start, here.iov_len};
        ssize_t n = process_vm_readv(signer, &here, 1, &there, 1, 0);

        if (n > 0 && holds_key((size_t)n))
            return true;
    }
    return false;
}

static bool by_file(void)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/mem", signer);
    int fd = open(path, O_RDONLY);
    for (size_t i = 0; fd >= 0 && i < region_count; i++) {
        ssize_t n = pread(fd, found, regions[i].end - regions[i].start, (off_t)regions[i].start);

        if (n > 0 && holds_key((size_t)n))
            return true;
    }
    return false;
}

static bool by_trace(void)
{
    if (ptrace(PTRACE_SEIZE, signer, 0, 0) != 0 || ptrace(PTRACE_INTERRUPT, signer, 0, 0) != 0 ||
        waitpid(signer, NULL, __WALL) != signer)
        return false;
    bool ok = by_call();
    ptrace(PTRACE_DETACH, signer, 0, 0);
    return ok;
}

static bool from_disk(void)
{
    int fd = open(key_file, O_RDONLY);

    return fd >= 0 && read(fd, found, 2 * KEY_SIZE) == 2 * KEY_SIZE;
}

/* What a debugger would look at first; before the confinement, as if it had been guessed. */
static void learn_regions(void)
{
    char path[64], line[512];

    snprintf(path, sizeof path, "/proc/%d/maps", signer);
    FILE *maps = fopen(path, "r");
    while (maps && region_count < REGIONS_MAX && fgets(line, sizeof line, maps)) {
        struct region *r = &regions[region_count];

        if (sscanf(line, "%lx-%lx rw", &r->start, &r->end) == 2 && strstr(line, " rw") &&
            r->end - r->start <= REGION_MAX)
            region_count++;
    }
    if (maps)
        fclose(maps);
}

/* The signer was started by the same host just before. */
static pid_t find_signer(void)
{
    char path[64], text[4096];

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", getppid(), getppid());
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    pid_t last = 0;

    text[n] = 0;
    for (char *at = text, *end; (n = strtoul(at, &end, 10)) != 0 && end != at; at = end)
        if ((pid_t)n != getpid())
            last = (pid_t)n;
    if (f)
        fclose(f);
    return last;
}

static void attempt(const char *way, bool (*go)(void))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        sandbox_become(getenv("TAKEOVER_AS"));
        _exit(go() ? 1 : 0);
    }
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        fprintf(stderr, "takeover %s: killed by SIG%s\n", way, sigabbrev_np(WTERMSIG(status)));
    else
        fprintf(stderr, "takeover %s: %s\n", way, WEXITSTATUS(status) == 1 ? "found" : "nothing");
}

int main(void)
{
    const char *hex = getenv("TAKEOVER_KEY");
    struct arena a;
    struct bytes bytes;

    key_file = getenv("TAKEOVER_FILE");
    arena_init(&a, 1024 * 1024);
    if (!key_file || !hex || !hex_decode(&a, bytes_text(hex), &bytes) || bytes.n != KEY_SIZE)
        return EXIT_FAILURE;
    memcpy(key, bytes.p, KEY_SIZE);
    arena_free(&a);
    char ready;
    if (read(4, &ready, 1) != 1) /* the signer's first frame: its key is open */
        return EXIT_FAILURE;
    signer = find_signer();
    learn_regions();
    attempt("by process_vm_readv", by_call);
    attempt("by /proc/PID/mem", by_file);
    attempt("by ptrace", by_trace);
    attempt("from the key file", from_disk);
    fputs("takeover: end\n", stderr);
    return EXIT_SUCCESS;
}
