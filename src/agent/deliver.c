#include "agent/deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/file.h"

extern char **environ;

enum { TICK_MILLISECONDS = 20, SEND_SECONDS = 5 };

static char **environment(struct arena *a, const char *url, int64_t expires)
{
    size_t n = 0, kept = 0;
    char **made;

    while (environ[n])
        n++;
    made = ARENA_ARRAY(a, char *, n + 3);
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "ASSAY_URL=", 10) != 0 && strncmp(environ[i], "ASSAY_TOKEN=", 12) != 0)
            made[kept++] = environ[i]; /* the bearer token is not the command's */
    made[kept++] = arena_printf(a, "ASSAY_URL=%s", url);
    made[kept] = arena_printf(a, "ASSAY_EXPIRES=%lld", (long long)expires);
    return made;
}

/* Starts it with the reading end as its standard input, no signal blocked, and in a group of its own, whose id is *pid. */
static bool start(const char *command, int input, char **env, pid_t *pid)
{
    char *const arguments[] = {(char *)(uintptr_t) "/bin/sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)command,
                               NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    int error;

    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    error = posix_spawn(pid, "/bin/sh", &actions, &attributes, arguments, env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    errno = error;
    return error == 0;
}

static int64_t milliseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A command that does not read must not hold the agent up. */
static void feed(int fd, struct bytes token, int64_t until)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (token.n && milliseconds() < until) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        ssize_t n = write(fd, token.p, token.n);

        if (n > 0)
            token = bytes_after(token, (size_t)n);
        else if (n < 0 && errno == EAGAIN)
            poll(&p, 1, TICK_MILLISECONDS);
        else if (errno != EINTR)
            return; /* it closed its standard input: its own affair */
    }
}

static bool wait_for(pid_t pid, int64_t until, int *status)
{
    const struct timespec tick = {.tv_nsec = TICK_MILLISECONDS * 1000000L};

    for (;;) {
        pid_t ended = waitpid(pid, status, WNOHANG);

        if (ended == pid)
            return true;
        if (ended < 0 && errno != EINTR)
            return false;
        if (milliseconds() >= until) {
            kill(-pid, SIGKILL); /* what the shell started reads the token too */
            waitpid(pid, status, 0);
            return false;
        }
        nanosleep(&tick, NULL);
    }
}

static bool run_command(const struct agent_delivery *d, struct bytes token, int64_t expires, struct arena *a,
                        struct fault *fault)
{
    unsigned seconds = d->seconds ? d->seconds : AGENT_COMMAND_SECONDS;
    int64_t until = milliseconds() + (int64_t)seconds * 1000;
    int ends[2], status = 0;
    pid_t pid;
    bool ended;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return fault_set(fault, FAULT_SYSTEM, "no pipe: %s", strerror(errno));
    if (!start(d->command, ends[0], environment(a, d->url, expires), &pid)) {
        fault_set(fault, FAULT_SYSTEM, "/bin/sh: %s", strerror(errno));
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    close(ends[0]);
    feed(ends[1], token, until);
    close(ends[1]);
    ended = wait_for(pid, until, &status);
    if (!ended)
        return fault_set(fault, FAULT_SYSTEM, "the command took more than %u seconds, and was ended", seconds);
    if (WIFSIGNALED(status))
        return fault_set(fault, FAULT_SYSTEM, "the command was ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status) == 0 || fault_set(fault, FAULT_SYSTEM, "the command ended with %d", WEXITSTATUS(status));
}

bool agent_deliver(const struct agent_delivery *d, struct bytes token, int64_t expires, struct arena *a,
                   struct fault *fault)
{
    bool ok = !d->file || agent_write_secret(a, d->file, token, fault);

    return (!d->command || run_command(d, token, expires, a, fault)) && ok;
}

/* Does somebody listen there? */
static bool in_use(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;

    if (fd >= 0)
        close(fd);
    return answers;
}

int agent_socket_open(const char *path, struct fault *fault)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    mode_t mask;
    int fd;

    if (strlen(path) >= sizeof address.sun_path) {
        fault_set(fault, FAULT_USAGE, "%s: too long for the name of a socket", path);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode) || in_use(&address)) {
            fault_set(fault, FAULT_USAGE, "%s: %s", path,
                      S_ISSOCK(st.st_mode) ? "another agent serves there" : "is there, and no socket");
            return -1;
        }
        unlink(path);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mask = umask(0177);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, SOMAXCONN) != 0) {
        fault_set(fault, FAULT_SYSTEM, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    umask(mask);
    return fd;
}

void agent_socket_serve(int listening, struct bytes token)
{
    const struct timeval limit = {.tv_sec = SEND_SECONDS};
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    while (token.n) {
        ssize_t n = send(fd, token.p, token.n, MSG_NOSIGNAL);

        if (n <= 0)
            break;
        token = bytes_after(token, (size_t)n);
    }
    close(fd);
}
