#include "core/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_OF(number)  TEXT_AS_IS(number)
#define TEXT_AS_IS(text) #text

struct keeper {
    int fd;
    pid_t pid;
    size_t places; /* that a pair can be in */
    bool gone;
    bool late;                   /* it did not answer, so it is as good as gone */
    size_t told;                 /* news that are held */
    struct keeper_answer news[]; /* of each place at most one: its pair is killed before there is another */
};

/* One packet; *fd is what came with it, or -1: also where this process may open no more (MSG_CTRUNC). Waits at most as long as the
 * socket lets it. */
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
    if (n < 0 && errno == EAGAIN) {
        k->late = k->late || !(flags & MSG_DONTWAIT);
        k->gone = k->gone || k->late;
        return false;
    }
    k->gone = k->gone || n != (ssize_t)sizeof *a;
    const struct cmsghdr *c = k->gone ? NULL : CMSG_FIRSTHDR(&m);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof *fd))
        memcpy(fd, CMSG_DATA(c), sizeof *fd);
    return !k->gone;
}

/* A keeper that is stopped, or waits for a process that the kernel cannot end, must not hold the host for ever. */
static bool limit_waiting(int fd)
{
    const struct timeval most = {KEEPER_ANSWER_SECONDS, 0};

    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) == 0;
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
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0 && limit_waiting(ends[0]))
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
    struct keeper_answer a;
    int status = 0, none;

    text[0] = 0;
    if (!k)
        return;
    /* It ends when it has read the end, and shows that by closing its own; what it tells meanwhile is old news. */
    if (k->fd >= 0 && !k->late && shutdown(k->fd, SHUT_WR) == 0)
        while (take(k, &a, &none, 0))
            ;
    if (k->fd >= 0)
        close(k->fd);
    while (k->pid > 0 && !k->late && waitpid(k->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (k->late)
        snprintf(text, PAIR_END_TEXT, " only after more than %d s, if at all", KEEPER_ANSWER_SECONDS);
    else
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
    return k->told > 0 || k->gone;
}

const char *keeper_gone_text(const struct keeper *k)
{
    return k->late ? "the keeper of the core gave no answer within " TEXT_OF(KEEPER_ANSWER_SECONDS) " s"
                   : "the keeper of the core ended, and its pairs with it";
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
    if (k->gone)
        return false;
    if (send(k->fd, &r, sizeof r, MSG_NOSIGNAL) != (ssize_t)sizeof r) {
        k->late = errno == EAGAIN;
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

static const char *no_descriptor_text(const struct keeper_answer *a)
{
    if (a->status == KEEPER_TOO_OFTEN)
        return "the keeper of the core starts no more in this place for now";
    return a->status ? strerror(a->status) : "this process may have no more files open (LimitNOFILE=, ulimit -n)";
}

bool keeper_count(struct keeper *k, enum keeper_counter verb, uint64_t value, int *fd, struct fault *fault)
{
    struct keeper_answer a;

    if (!ask_value(k, KEEPER_COUNT, verb, value, &a, fd))
        return fault_set(fault, FAULT_SYSTEM, "cannot start assay-sealer: %s", keeper_gone_text(k));
    return *fd >= 0 || fault_set(fault, FAULT_SYSTEM, "cannot start assay-sealer: %s", no_descriptor_text(&a));
}

bool keeper_pair_start(struct keeper *k, size_t place, struct pair *out, struct fault *fault)
{
    struct keeper_answer a;

    *out = (struct pair){-1, -1, -1};
    if (!ask(k, KEEPER_START, place, &a, &out->fd))
        return fault_set(fault, FAULT_SYSTEM, "cannot start a pair: %s", keeper_gone_text(k));
    out->verifier = a.verifier;
    out->signer = a.signer;
    if (out->fd >= 0)
        return true;
    keeper_pair_kill(k, place, out); /* one that started without us */
    return fault_set(fault, FAULT_SYSTEM, "cannot start a pair: %s", no_descriptor_text(&a));
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
