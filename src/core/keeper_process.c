/* The keeper itself. It reads nothing but requests of a fixed size, and is small enough to be read whole. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/confine.h"
#include "core/keeper.h"

enum {
    HOST_FD = 3,
    CHILDREN_FD = 4,
    ADOPTING_SECONDS = 3600,
    SEALER_MILLISECONDS = 60 * 1000 /* at most: it ends itself sooner */
};

struct place {
    struct pair pair;
    bool taken; /* from KEEPER_START to KEEPER_KILL, whatever becomes of the processes */
    pid_t left; /* process group of the signer before, until all of it ended; 0: it did */
    int64_t left_until;
    int64_t due; /* when its starts up to now would be over, had there been one in each interval; milliseconds */
};

struct kept {
    const struct keeper_options *o;
    struct place *places;
    size_t count;
    pid_t counter; /* assay-sealer, at work; or -1 */
    bool alone;    /* the host does not listen any more */
};

static bool tell(struct kept *k, const struct keeper_answer *a, int fd)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof fd)];
    } with = {.room = {0}};
    struct iovec from = {(void *)(uintptr_t)a, sizeof *a};
    struct msghdr m = {.msg_iov = &from, .msg_iovlen = 1};

    if (fd >= 0) {
        m.msg_control = &with;
        m.msg_controllen = sizeof with;
        with.header = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&with.header), &fd, sizeof fd);
    }
    k->alone = sendmsg(HOST_FD, &m, MSG_NOSIGNAL) != (ssize_t)sizeof *a;
    return !k->alone;
}

static int64_t milliseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Its signer ended, and was waited for. */
static void leave(struct place *p, pid_t signer)
{
    p->left = signer;
    p->left_until = milliseconds() + SEALER_MILLISECONDS;
}

/* Does the sealer work still that the last signer of this place started? What it started comes to the keeper when it ends. */
static bool is_left(struct place *p)
{
    pid_t ended = -1;

    if (p->left > 0)
        do
            ended = waitpid(-p->left, NULL, WNOHANG);
        while (ended > 0);
    if (ended < 0)
        p->left = 0; /* the number may be another's from here on */
    return p->left > 0 && milliseconds() < p->left_until;
}

/* Counts this start, where it is not one too many. */
static bool is_due(struct place *p)
{
    int64_t now = milliseconds(), from = p->due > now ? p->due : now;

    if (is_left(p) || from - now > (KEEPER_STARTS_AT_ONCE - 1) * KEEPER_START_MILLISECONDS)
        return false;
    p->due = from + KEEPER_START_MILLISECONDS;
    return true;
}

static bool start(struct kept *k, uint32_t place, struct keeper_answer *a)
{
    struct place *p = &k->places[place];
    struct pair_options options = k->o->pair;

    if (!is_due(p)) {
        a->status = KEEPER_TOO_OFTEN;
        return tell(k, a, -1);
    }
    options.place = place;
    if (place == k->o->pair.pairs) {
        options.adopts = true;
        options.place = 0;
        options.pairs = 1;
        options.request_seconds = ADOPTING_SECONDS;
    }
    p->taken = pair_start(&options, &p->pair, NULL);
    a->status = p->taken ? 0 : errno;
    a->verifier = p->pair.verifier;
    a->signer = p->pair.signer;
    bool told = tell(k, a, p->pair.fd);
    if (p->pair.fd >= 0)
        close(p->pair.fd); /* the host's now */
    p->pair.fd = -1;
    return told;
}

/* assay-sealer, whose standard output and standard error lead to `to`; an error number. */
static int spawn_counter(struct kept *k, const struct keeper_request *r, int to)
{
    static const char *const verbs[COUNTER_VERBS] = {"read", "add", "keep"};
    const struct keeper_options *o = k->o;
    char value[24];
    char *arguments[] = {"assay-sealer",
                         "counter",
                         (char *)(uintptr_t)verbs[r->place],
                         (char *)(uintptr_t)o->counter_tpm,
                         (char *)(uintptr_t)o->counter_index,
                         value,
                         (char *)(uintptr_t)o->pair.sealing_key,
                         NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;

    snprintf(value, sizeof value, "%llu", (unsigned long long)r->value);
    sigemptyset(&none);
    int error = posix_spawn_file_actions_init(&actions);
    if (error == 0 && (error = posix_spawnattr_init(&attributes)) != 0)
        posix_spawn_file_actions_destroy(&actions);
    if (error)
        return error;
    if ((error = posix_spawnattr_setsigmask(&attributes, &none)) == 0 &&
        (error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK)) == 0 &&
        (error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)) == 0 &&
        (error = posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO)) == 0 &&
        (error = posix_spawn_file_actions_adddup2(&actions, to, STDERR_FILENO)) == 0)
        error = posix_spawn(&k->counter, o->sealer, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* The one before has said all that it had to: the host reads it to its end. */
static bool count(struct kept *k, const struct keeper_request *r, struct keeper_answer *a)
{
    int ends[2] = {-1, -1};

    if (k->counter > 0)
        waitpid(k->counter, NULL, 0);
    k->counter = -1;
    a->status = pipe2(ends, O_CLOEXEC) == 0 ? spawn_counter(k, r, ends[1]) : errno;
    if (ends[1] >= 0)
        close(ends[1]);
    bool told = tell(k, a, a->status ? -1 : ends[0]);
    if (ends[0] >= 0)
        close(ends[0]);
    return told;
}

/* False ends the keeper: what it was asked makes no sense, or nobody listens. */
static bool answer(struct kept *k, const struct keeper_request *r)
{
    struct keeper_answer a = {.verb = r->verb, .place = r->place, .verifier = -1, .signer = -1};

    if (r->verb == KEEPER_COUNT)
        return k->o->sealer && r->place < COUNTER_VERBS && count(k, r, &a);
    if (r->place >= k->count)
        return false;
    struct place *p = &k->places[r->place];
    pid_t signer;
    switch (r->verb) {
    case KEEPER_START: return !p->taken && start(k, r->place, &a);
    case KEEPER_END_VERIFIER: a.status = pair_end_verifier(&p->pair); return tell(k, &a, -1);
    case KEEPER_KILL:
        signer = p->pair.signer;
        pair_kill(&p->pair);
        if (signer > 0)
            leave(p, signer);
        p->taken = false;
        return tell(k, &a, -1);
    default: return false;
    }
}

/* Of a verifier the host learns by its channel; it is waited for when the host asks. */
static bool tell_ended(struct kept *k)
{
    struct signalfd_siginfo drained;
    bool told = read(CHILDREN_FD, &drained, sizeof drained) == (ssize_t)sizeof drained;

    for (uint32_t i = 0; told && i < k->count; i++) {
        struct pair *p = &k->places[i].pair;
        (void)is_left(&k->places[i]);
        struct keeper_answer a = {.verb = KEEPER_SIGNER_ENDED, .place = i, .verifier = -1, .signer = p->signer};

        if (p->signer <= 0 || waitpid(p->signer, &a.status, WNOHANG) != p->signer)
            continue;
        leave(&k->places[i], p->signer);
        p->signer = -1;
        told = tell(k, &a, -1);
    }
    return told;
}

/* True when the host ended: it closes its end when it is done. */
static bool serve(struct kept *k)
{
    struct pollfd watched[] = {{.fd = HOST_FD, .events = POLLIN}, {.fd = CHILDREN_FD, .events = POLLIN}};
    struct keeper_request r;

    for (;;) {
        if (poll(watched, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        if (watched[1].revents && !tell_ended(k))
            return k->alone;
        if (!watched[0].revents)
            continue;
        ssize_t n = recv(HOST_FD, &r, sizeof r, MSG_TRUNC);
        if (n == 0)
            return true;
        if (n != (ssize_t)sizeof r || !answer(k, &r))
            return k->alone;
    }
}

/* The host ends it by closing its end; Ctrl-C and a service manager's SIGTERM reach it as well, and must not do so sooner. */
static bool watch(struct fault *fault)
{
    static const int ignored[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP};
    sigset_t children;

    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    int fd = sigprocmask(SIG_BLOCK, &children, NULL) == 0 ? signalfd(-1, &children, SFD_CLOEXEC) : -1;
    return (fd >= 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 &&
            (fd == CHILDREN_FD || dup3(fd, CHILDREN_FD, O_CLOEXEC) == CHILDREN_FD) &&
            close_range(CHILDREN_FD + 1, ~0u, 0) == 0) ||
           fault_set(fault, FAULT_SYSTEM, "watch the core: %s", strerror(errno));
}

_Noreturn void keeper_process(const struct keeper_options *o, int host)
{
    struct kept k = {.o = o, .count = o->pair.pairs + o->adopts, .counter = -1};
    struct fault fault = {0};

    prctl(PR_SET_NAME, "assayd: keeper");
    k.places = calloc(k.count, sizeof *k.places);
    for (size_t i = 0; k.places && i < k.count; i++)
        k.places[i].pair = (struct pair){-1, -1, -1};
    bool ok = k.places && (host == HOST_FD || dup3(host, HOST_FD, O_CLOEXEC) == HOST_FD) && watch(&fault) &&
              confine_user(o->user, CONFINE_LOCKING, CONFINE_LOCKING, &keeper_calls, &fault);
    if (!ok)
        fprintf(stderr, "assayd: the keeper of the core does not start: %s\n", fault.text);
    else if (!tell(&k, &(struct keeper_answer){.verb = KEEPER_READY}, -1) || !serve(&k)) {
        ok = false;
        fprintf(stderr, "assayd: the keeper of the core was asked for what there is not, and ends\n");
    }
    for (size_t i = 0; k.places && i < k.count; i++)
        pair_kill(&k.places[i].pair);
    _exit(ok ? EXIT_SUCCESS : EXIT_FAILURE);
}
