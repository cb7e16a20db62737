/* A verifier that was taken over: put in the place of assay-verifier, it looks for the sealing key of its signer. A file beside
 * it, PROGRAM.told, has three lines: whether to be confined as the verifier is (verifier or none), what to look for (64 hex digits), and
 * the file where that lies. A verifier's environment tells nothing. Prints a line for each way: takeover WAY: found, or what ended it. */
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
enum { TOLD_AS, TOLD_KEY, TOLD_FILE, TOLD };
static char told[TOLD][4096];
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
    int fd = open(told[TOLD_FILE], O_RDONLY);

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
        sandbox_become(told[TOLD_AS]);
        _exit(go() ? 1 : 0);
    }
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        fprintf(stderr, "takeover %s: killed by SIG%s\n", way, sigabbrev_np(WTERMSIG(status)));
    else
        fprintf(stderr, "takeover %s: %s\n", way, WEXITSTATUS(status) == 1 ? "found" : "nothing");
}

static bool read_told(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof ".told");
    bool ok = n > 0;

    if (ok)
        strcpy(path + n, ".told");
    FILE *f = ok ? fopen(path, "r") : NULL;
    for (size_t i = 0; i < TOLD && ok; i++) {
        ok = f && fgets(told[i], sizeof told[i], f);
        told[i][strcspn(told[i], "\n")] = 0;
    }
    if (f)
        fclose(f);
    return ok;
}

int main(void)
{
    struct arena a;
    struct bytes bytes;

    arena_init(&a, 1024 * 1024);
    if (!read_told() || !hex_decode(&a, bytes_text(told[TOLD_KEY]), &bytes) || bytes.n != KEY_SIZE)
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
