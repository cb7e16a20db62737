/* The sealer of the root as a process of its own: it gets the envelope, or the secret, gives the other back, and ends. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/frame.h"
#include "core/message.h"
#include "core/pair.h"
#include "core/root_key.h"
#include "crypto/digest.h"

enum { SEALER_FD = 3 };

static _Noreturn void become(const char *program, int fd, char **arguments)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    /* Standard error stays: libraries of tokens and TPMs write there what no error code says. */
    if (dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0)
        _exit(127);
    if (fd == SEALER_FD ? fcntl(fd, F_SETFD, 0) != 0 : dup2(fd, SEALER_FD) < 0)
        _exit(127);
    execv(program, arguments);
    fprintf(stderr, "assay-signer: cannot start %s: %s\n", program, strerror(errno));
    _exit(127);
}

static bool start(const struct root_sealer *s, struct arena *a, pid_t *pid, int *fd, struct fault *fault)
{
    char program[4096], **settings = root_sealer_arguments(a, s),
                        **arguments = ARENA_ARRAY(a, char *, ROOT_SEALER_ARGUMENTS + 3);
    int ends[2];

    if (!pair_sealer(program, sizeof program, fault))
        return false;
    arguments[0] = program;
    arguments[1] = arena_printf(a, "serve");
    for (size_t i = 0; settings[i]; i++)
        arguments[2 + i] = settings[i];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fault_set(fault, FAULT_SYSTEM, "no socket pair for assay-sealer: %s", strerror(errno));
    *pid = fork();
    if (*pid == 0)
        become(program, ends[1], arguments);
    close(ends[1]);
    *fd = ends[0];
    if (*pid > 0)
        return true;
    close(ends[0]);
    return fault_set(fault, FAULT_SYSTEM, "cannot start assay-sealer: %s", strerror(errno));
}

static bool ended(pid_t pid, struct fault *fault)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return fault_set(fault, FAULT_SYSTEM, "assay-sealer waited for the device in vain, and was ended");
    return fault_set(fault, FAULT_SYSTEM, "assay-sealer gave no answer (%s %d)",
                     WIFSIGNALED(status) ? "it was ended by signal" : "it ended with",
                     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* One question, one answer. */
static bool ask(const struct root_sealer *s, enum frame_kind kind, struct bytes body, struct arena *a,
                struct bytes *answer, struct fault *fault)
{
    static struct frame_reader reader;
    pid_t pid;
    int fd;

    if (!start(s, a, &pid, &fd, fault))
        return false;
    reader = (struct frame_reader){.fd = fd};
    bool told = frame_write(fd, kind, body) && frame_read(&reader, a, &kind, answer);
    secret_wipe(&reader, sizeof reader);
    close(fd);
    ended(pid, told ? NULL : fault);
    if (told && kind == FRAME_NOT_SIGNED)
        return fault_set(fault, FAULT_SYSTEM, "%.*s", (int)answer->n, (const char *)answer->p);
    return told && kind == FRAME_SIGNED;
}

static bool open_apart(const struct root_sealer *s, struct bytes text, struct arena *a, uint8_t secret[ROOT_KEY_SIZE],
                       struct fault *fault)
{
    struct bytes answer;

    if (!ask(s, FRAME_UNSEAL, text, a, &answer, fault))
        return false;
    bool ok = answer.n == ROOT_KEY_SIZE;
    if (ok)
        memcpy(secret, answer.p, ROOT_KEY_SIZE);
    secret_wipe((void *)(uintptr_t)answer.p, answer.n);
    return ok || fault_set(fault, FAULT_SYSTEM, "assay-sealer gave %zu bytes", answer.n);
}

static bool seal_apart(const struct root_sealer *s, const uint8_t secret[ROOT_KEY_SIZE], struct arena *a,
                       struct bytes *text, struct fault *fault)
{
    return ask(s, FRAME_SEAL, bytes_make(secret, ROOT_KEY_SIZE), a, text, fault);
}

const struct root_keeper root_keeper_apart = {open_apart, seal_apart};
