#include "core/keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct keeper {
    int fd;
    pid_t pid;
    size_t places; /* that a pair can be in */
    bool gone;
    size_t told;                 /* news that are held */
    struct keeper_answer news[]; /* of each place at most one: its pair is killed before there is another */
};

/* One packet; *fd is what came with it, or -1. */
static bool take(struct keeper *k, struct keeper_answer *a, int *fd, int flags)
{
    union {
        struct cmsghdr header; /* for its alignment */
        char room[CMSG_SPACE(sizeof(int))];
    } with;
    struct iovec into = {a, sizeof *a};
    struct msghdr m = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = &with, .msg_controllen = sizeof with};
    ssize_t n;

    *fd = -1;
    do
        n = recvmsg(k->fd, &m, flags | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return false;
    k->gone = k->gone || n != (ssize_t)sizeof *a;
    const struct cmsghdr *c = k->gone ? NULL : CMSG_FIRSTHDR(&m);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof *fd))
        memcpy(fd, CMSG_DATA(c), sizeof *fd);
    return !k->gone;
}

bool keeper_begin(const struct keeper_options *o, struct keeper **out, struct fault *fault)
{
    size_t places = o->pair.pairs + o->adopts;
    struct keeper *k = calloc(1, sizeof *k + places * sizeof *k->news);
    int ends[2] = {-1, -1}, none;
    struct keeper_answer ready;

    *out = k;
    if (!k)
        return fault_set(fault, FAULT_SYSTEM, "no memory");
    *k = (struct keeper){.fd = -1, .pid = -1, .places = places};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0)
        k->pid = fork();
    if (k->pid == 0) {
        close(ends[0]);
        keeper_process(o, ends[1]);
    }
    int why = errno;
    k->fd = ends[0];
    if (ends[1] >= 0)
        close(ends[1]);
    if (k->pid <= 0)
        return fault_set(fault, FAULT_SYSTEM, "cannot start the keeper of the core: %s", strerror(why));
    return (take(k, &ready, &none, 0) && ready.verb == KEEPER_READY) ||
           fault_set(fault, FAULT_SYSTEM, "the keeper of the core does not start; its reason stands above");
}

void keeper_end(struct keeper *k, char text[PAIR_END_TEXT])
{
    int status = 0;

    text[0] = 0;
    if (!k)
        return;
    if (k->fd >= 0)
        close(k->fd);
    while (k->pid > 0 && waitpid(k->pid, &status, 0) < 0 && errno == EINTR)
        ;
    pair_end_text(status, text);
    free(k);
}

int keeper_fd(const struct keeper *k)
{
    return k->fd;
}

size_t keeper_adopting_place(const struct keeper *k)
{
    return k->places - 1;
}

bool keeper_has_news(const struct keeper *k)
{
    return k->told > 0;
}

static void hold(struct keeper *k, const struct keeper_answer *a)
{
    for (size_t i = 0; i < k->told; i++)
        if (k->news[i].place == a->place) { /* of a pair before this one */
            k->news[i] = *a;
            return;
        }
    if (k->told < k->places)
        k->news[k->told++] = *a;
}

/* Waits for the answer; what is told meanwhile is held. */
static bool ask_value(struct keeper *k, enum keeper_verb verb, size_t place, uint64_t value, struct keeper_answer *a,
                      int *fd)
{
    const struct keeper_request r = {verb, (uint32_t)place, value};

    *fd = -1;
    if (k->gone || send(k->fd, &r, sizeof r, MSG_NOSIGNAL) != (ssize_t)sizeof r) {
        k->gone = true;
        return false;
    }
    while (take(k, a, fd, 0)) {
        if (a->verb == verb && a->place == place)
            return true;
        if (a->verb == KEEPER_SIGNER_ENDED)
            hold(k, a);
    }
    return false;
}

static bool ask(struct keeper *k, enum keeper_verb verb, size_t place, struct keeper_answer *a, int *fd)
{
    return ask_value(k, verb, place, 0, a, fd);
}

bool keeper_count(struct keeper *k, enum keeper_counter verb, uint64_t value, int *fd, struct fault *fault)
{
    struct keeper_answer a;

    if (!ask_value(k, KEEPER_COUNT, verb, value, &a, fd))
        return fault_set(fault, FAULT_SYSTEM, "cannot start assay-sealer: the keeper of the core ended");
    return *fd >= 0 || fault_set(fault, FAULT_SYSTEM, "cannot start assay-sealer: %s", strerror(a.status));
}

bool keeper_pair_start(struct keeper *k, size_t place, struct pair *out, struct fault *fault)
{
    struct keeper_answer a;

    *out = (struct pair){-1, -1, -1};
    if (!ask(k, KEEPER_START, place, &a, &out->fd))
        return fault_set(fault, FAULT_SYSTEM, "cannot start a pair: the keeper of the core ended");
    out->verifier = a.verifier;
    out->signer = a.signer;
    if (out->fd >= 0)
        return true;
    /* It may have started, and no descriptor was free here: the place is to be free, too. */
    keeper_pair_kill(k, place, out);
    return fault_set(fault, FAULT_SYSTEM, "cannot start a pair: %s", strerror(a.status ? a.status : EMFILE));
}

void keeper_pair_end_verifier(struct keeper *k, size_t place, struct pair *p, char text[PAIR_END_TEXT])
{
    struct keeper_answer a;
    int none;

    text[0] = 0;
    if (p->verifier > 0 && ask(k, KEEPER_END_VERIFIER, place, &a, &none))
        pair_end_text(a.status, text);
    p->verifier = -1;
}

void keeper_pair_kill(struct keeper *k, size_t place, struct pair *p)
{
    struct keeper_answer a;
    int none;

    if (p->fd >= 0)
        close(p->fd);
    (void)ask(k, KEEPER_KILL, place, &a, &none); /* one that is gone took its pairs along */
    *p = (struct pair){-1, -1, -1};
}

enum keeper_news keeper_news(struct keeper *k, struct keeper_answer *a)
{
    int none;

    if (k->told) {
        *a = k->news[--k->told];
        return KEEPER_NEWS;
    }
    if (!k->gone && take(k, a, &none, MSG_DONTWAIT))
        return a->verb == KEEPER_SIGNER_ENDED ? KEEPER_NEWS : KEEPER_SILENT;
    return k->gone ? KEEPER_GONE : KEEPER_SILENT;
}
