/* A way to the PostgreSQL server of the tests that cuts connections at a chosen step. */
#ifndef ASSAY_TESTS_STORE_PROXY_H
#define ASSAY_TESTS_STORE_PROXY_H

#include "store_case.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The chunk-th message of the client ends the connection: before it gets through, or when its whole answer is there, which then
 * does not. So with that many connections; later ones are left alone. */
struct cut {
    int chunk, connections;
    bool after;
};

struct proxy {
    pid_t pid;
    int told; /* a byte for each cut */
    int port;
};

static inline int unix_socket(int port, bool listening)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%d", server.folder, port);
    if (listening) {
        unlink(address.sun_path);
        return bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0 ? fd : -1;
    }
    return connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

/* ReadyForQuery ends every answer. */
static inline void swallow_answer(int from)
{
    static const char ready[] = {'Z', 0, 0, 0, 5};
    char buffer[65536];
    ssize_t n;

    while ((n = read(from, buffer, sizeof buffer)) > 0)
        if (n >= 6 && memcmp(buffer + n - 6, ready, 5) == 0)
            return;
}

static inline bool pass_on(int from, int to)
{
    char buffer[65536];
    ssize_t n = read(from, buffer, sizeof buffer);

    return n > 0 && write(to, buffer, (size_t)n) == n;
}

/* One connection; true when it was cut. */
static inline bool pump(int client, int upstream, const struct cut *cut)
{
    struct pollfd p[] = {{.fd = client, .events = POLLIN}, {.fd = upstream, .events = POLLIN}};
    int chunks = 0;

    while (poll(p, 2, -1) > 0) {
        if (p[0].revents) {
            bool now = ++chunks == cut->chunk;

            if (now && !cut->after)
                return true;
            if (!pass_on(client, upstream))
                return false;
            if (now) {
                swallow_answer(upstream);
                return true;
            }
        } else if (!pass_on(upstream, client)) {
            return false;
        }
    }
    return false;
}

static inline void proxy_run(int listener, int tell, struct cut cut)
{
    for (;;) {
        int client = accept(listener, NULL, NULL), upstream = unix_socket(server.port, false);
        const struct cut none = {.chunk = -1};

        if (pump(client, upstream, cut.connections ? &cut : &none) && write(tell, "c", 1) == 1)
            cut.connections--;
        close(client);
        close(upstream);
    }
}

static inline struct proxy proxy_start(struct cut cut)
{
    struct proxy p = {.port = server.dead_port};
    int pipes[2], listener = unix_socket(p.port, true);

    assert_true(listener >= 0);
    assert_int_equal(pipe2(pipes, O_NONBLOCK | O_CLOEXEC), 0);
    p.told = pipes[0];
    p.pid = fork();
    if (p.pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        proxy_run(listener, pipes[1], cut);
    }
    close(listener);
    close(pipes[1]);
    return p;
}

static inline int proxy_end(struct proxy *p)
{
    char cuts[16];

    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    ssize_t n = read(p->told, cuts, sizeof cuts);
    close(p->told);
    return n > 0 ? (int)n : 0;
}

#endif
