#include "core/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/root_key.h"

#ifndef ASSAY_LIBEXECDIR
#define ASSAY_LIBEXECDIR "/usr/libexec/assay"
#endif

enum { FIRST_FD = 3, SECOND_FD = 4 };

/* The folder of such a program: beside this one, in its place in a build folder, or where it is installed. */
static bool find(const char *name, const char *built, char *out, size_t size, struct fault *fault)
{
    char self[PATH_MAX], *slash, program[2 * PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    if (n <= 0)
        return fault_set(fault, FAULT_SYSTEM, "cannot tell where this program lies: %s", strerror(errno));
    self[n] = 0;
    slash = strrchr(self, '/');
    *slash = 0;
    for (int i = 0; i < 3; i++) {
        int wanted = i == 0   ? snprintf(out, size, "%s", self)
                     : i == 1 ? snprintf(out, size, "%s/%s", self, built)
                              : snprintf(out, size, "%s", ASSAY_LIBEXECDIR);

        snprintf(program, sizeof program, "%s/%s", out, name);
        if (wanted > 0 && (size_t)wanted < size && access(program, X_OK) == 0)
            return true;
    }
    return fault_set(fault, FAULT_SYSTEM, "%s lies neither beside this program nor in %s", name, ASSAY_LIBEXECDIR);
}

bool pair_folder(char *out, size_t size, struct fault *fault)
{
    return find("assay-verifier", "../core", out, size, fault);
}

bool pair_sealer(char *out, size_t size, struct fault *fault)
{
    static const char name[] = "/assay-sealer";

    if (size < sizeof name || !find(name + 1, "../sealer", out, size - sizeof name, fault))
        return false;
    strcat(out, name);
    return true;
}

/* In the child: put the descriptors where the program expects them and become it. */
static _Noreturn void become(const char *folder, const char *name, int first, int second, char *const *arguments,
                             char *const *environment)
{
    char path[PATH_MAX];
    int a = fcntl(first, F_DUPFD, SECOND_FD + 1), b = second >= 0 ? fcntl(second, F_DUPFD, SECOND_FD + 1) : -1;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    /* Standard error stays: the last words of a process that cannot start. */
    if (dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0 || dup2(a, FIRST_FD) < 0 ||
        (b >= 0 && dup2(b, SECOND_FD) < 0))
        _exit(127);
    close(a);
    if (b >= 0)
        close(b);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(path, arguments, environment);
    fprintf(stderr, "assay: cannot start %s: %s\n", path, strerror(errno));
    _exit(127);
}

/* In the child, before it becomes the program; anywhere when the system does not let it. */
static void keep_to_processor(const struct pair_options *o)
{
    cpu_set_t allowed, own;
    size_t before = 0;

    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || (size_t)CPU_COUNT(&allowed) != o->pairs)
        return;
    CPU_ZERO(&own);
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &allowed) && before++ == o->place)
            CPU_SET(i, &own);
    (void)sched_setaffinity(0, sizeof own, &own);
}

/* Does a process need this variable? A verifier nothing of what the service was started with, which may hold a password of the
 * database. A signer's goes on to its sealer, which modules of tokens and the software of TPMs read. */
static bool needs(bool verifier, const char *variable)
{
    static const char *const always[] = {"ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS="};

    for (size_t i = 0; verifier && i < sizeof always / sizeof *always; i++)
        if (strncmp(variable, always[i], strlen(always[i])) == 0)
            return true;
    return !verifier && strncmp(variable, PAIR_SANDBOX "=", strlen(PAIR_SANDBOX "=")) != 0;
}

/* Made before the process is: between fork and exec nothing may be allocated, for another thread may have been at it. */
static char **environment_for(const struct pair_options *options, bool verifier)
{
    static char required[] = PAIR_SANDBOX "=required", available[] = PAIR_SANDBOX "=" PAIR_SANDBOX_AVAILABLE;
    size_t n = 0, count = 0;

    while (environ[n])
        n++;
    char **made = calloc(n + 2, sizeof *made);
    if (!made)
        return NULL;
    made[count++] = options->sandbox_required ? required : available;
    for (size_t i = 0; i < n; i++)
        if (needs(verifier, environ[i]))
            made[count++] = environ[i];
    return made;
}

static pid_t spawn(const struct pair_options *options, const char *name, int first, int second, char *const *arguments)
{
    char **environment = environment_for(options, second >= 0);
    pid_t pid = environment ? fork() : -1;

    if (pid == 0) {
        if (second < 0)
            setpgid(0, 0);
        keep_to_processor(options);
        become(options->folder, name, first, second, arguments, environment);
    }
    int why = errno;
    free(environment);
    errno = why;
    return pid;
}

bool pair_start(const struct pair_options *options, struct pair *out, struct fault *fault)
{
    int host[2] = {-1, -1}, keys[2] = {-1, -1}, why = 0;
    char memory[32], seconds[16],
        *verifier[] = {"assay-verifier", memory, seconds, options->adopts ? "adopt" : NULL, NULL},
        *signer[2 + ROOT_SEALER_ARGUMENTS + 1] = {"assay-signer", (char *)(uintptr_t)options->sealing_key};

    for (size_t i = 0; options->sealer && options->sealer[i] && i < ROOT_SEALER_ARGUMENTS; i++)
        signer[2 + i] = options->sealer[i];

    *out = (struct pair){.verifier = -1, .signer = -1, .fd = -1};
    snprintf(memory, sizeof memory, "%zu", options->request_memory);
    snprintf(seconds, sizeof seconds, "%u", options->request_seconds);
    bool ok = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, host) == 0 &&
              socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, keys) == 0 &&
              (out->verifier = spawn(options, "assay-verifier", host[1], keys[0], verifier)) > 0 &&
              (out->signer = spawn(options, "assay-signer", keys[1], -1, signer)) > 0;
    if (!ok) {
        why = errno;
        fault_set(fault, FAULT_SYSTEM, "cannot start a pair: %s", strerror(why));
    }
    if (host[1] >= 0)
        close(host[1]);
    for (int i = 0; i < 2; i++)
        if (keys[i] >= 0)
            close(keys[i]);
    out->fd = host[0];
    if (ok)
        return true;
    pair_kill(out);
    errno = why;
    return false;
}

/* Its status; 0 when there is none. */
static int end(pid_t *pid)
{
    int status = 0;

    if (*pid > 0) {
        kill(*pid, SIGKILL);
        while (waitpid(*pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    *pid = -1;
    return status;
}

void pair_end_text(int status, char text[PAIR_END_TEXT])
{
    text[0] = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        snprintf(text, PAIR_END_TEXT, " by a system call that its sandbox denies");
    else if (WIFSIGNALED(status))
        snprintf(text, PAIR_END_TEXT, " by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WIFEXITED(status) && WEXITSTATUS(status))
        snprintf(text, PAIR_END_TEXT, " with status %d", WEXITSTATUS(status));
}

int pair_end_verifier(struct pair *p)
{
    return end(&p->verifier);
}

void pair_kill(struct pair *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    end(&p->verifier);
    end(&p->signer);
}
