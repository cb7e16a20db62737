#include "agent/daemon.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "crypto/digest.h"
#include "crypto/jose.h"

struct kept {
    uint8_t *p; /* malloc'ed; NULL: none */
    size_t n;
    int64_t expires;
};
struct running {
    const struct agent_daemon *d;
    int signals, done, listening; /* descriptors; -1: none */
    pthread_t thread;
    bool working;
    atomic_bool stop;
    /* What the thread leaves: read after it has ended. */
    bool ok;
    unsigned pause;
    struct kept fresh;
    struct kept token; /* the newest; served while the thread works on the next */
    unsigned errors;   /* in a row */
};

unsigned agent_next(int64_t now, int64_t expires, unsigned interval)
{
    int64_t left = expires > now ? expires - now : 0, seconds = left / 4 * 3;

    if (seconds > interval)
        seconds = interval;
    return seconds > 0 ? (unsigned)seconds : 1;
}

unsigned agent_pause(unsigned errors, uint32_t chance)
{
    unsigned whole = AGENT_RETRY_LEAST;

    while (errors-- > 1 && whole < AGENT_RETRY_MOST)
        whole *= 2;
    if (whole > AGENT_RETRY_MOST)
        whole = AGENT_RETRY_MOST;
    return whole - whole / 2 + chance % (whole / 2 + 1);
}

bool agent_token_expires(struct arena *a, struct bytes token, int64_t *out)
{
    const struct json *payload;
    struct jws jws;

    return jws_decode(a, token, false, &jws, NULL) && json_parse(a, jws.payload, NULL, &payload, NULL) &&
           json_integer(json_member(payload, "exp"), out);
}

static void say(const struct agent_daemon *d, bool bad, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(const struct agent_daemon *d, bool bad, const char *format, ...)
{
    char text[FAULT_TEXT_MAX + 128];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    d->log(bad, text);
}

static void drop(struct kept *k)
{
    if (k->p)
        secret_wipe(k->p, k->n);
    free(k->p);
    *k = (struct kept){0};
}

static void keep(struct kept *k, struct bytes token, int64_t expires)
{
    uint8_t *copy = malloc(token.n);

    drop(k);
    if (!copy)
        return;
    memcpy(copy, token.p, token.n);
    *k = (struct kept){copy, token.n, expires};
}

/* One attestation and what follows from it. */
static void *work(void *context)
{
    struct running *r = context;
    const uint64_t one = 1;
    struct fault fault = {0};
    struct bytes token;
    struct arena a;
    int64_t expires;
    char when[32];

    arena_init(&a, LIMIT_TOOL_MEMORY);
    r->pause = 0;
    r->ok = r->d->attest(r->d->context, &r->stop, &a, &token, &r->pause, &fault);
    if (r->ok && !agent_token_expires(&a, token, &expires))
        r->ok = fault_set(&fault, FAULT_SYNTAX, "the token does not say when it expires");
    if (r->ok) {
        keep(&r->fresh, token, expires);
        time_format(expires, when);
        say(r->d, false, "attested; the token expires %s", when);
        r->ok = agent_deliver(&r->d->delivery, token, expires, &a, &fault);
    }
    if (!r->ok && !atomic_load(&r->stop))
        say(r->d, true, "%s", fault.text);
    arena_free(&a);
    if (write(r->done, &one, sizeof one) < 0)
        say(r->d, true, "eventfd: %s", strerror(errno));
    return NULL;
}

static bool begin(struct running *r, struct fault *fault)
{
    int error = pthread_create(&r->thread, NULL, work, r);

    if (error)
        return fault_set(fault, FAULT_SYSTEM, "no thread: %s", strerror(error));
    r->working = true;
    return true;
}

/* Seconds to the next one. */
static unsigned plan(struct running *r)
{
    uint32_t chance = 0;
    unsigned seconds;

    pthread_join(r->thread, NULL);
    r->working = false;
    if (r->fresh.p) {
        drop(&r->token);
        r->token = r->fresh;
        r->fresh = (struct kept){0};
    }
    if (r->ok) {
        r->errors = 0;
        return agent_next((int64_t)time(NULL), r->token.expires, r->d->interval);
    }
    random_bytes((uint8_t *)&chance, sizeof chance);
    seconds = agent_pause(++r->errors, chance);
    if (r->pause > seconds)
        seconds = r->pause;
    say(r->d, false, "trying again in %u seconds", seconds);
    return seconds;
}

static struct bytes valid_token(const struct running *r)
{
    return r->token.p && r->token.expires > (int64_t)time(NULL) ? bytes_make(r->token.p, r->token.n) : BYTES_NONE;
}

static bool open_all(struct running *r, struct fault *fault)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    r->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->signals < 0 || r->done < 0)
        return fault_set(fault, FAULT_SYSTEM, "signalfd, eventfd: %s", strerror(errno));
    if (!r->d->socket)
        return true;
    r->listening = agent_socket_open(r->d->socket, fault);
    return r->listening >= 0;
}

static void close_all(struct running *r)
{
    atomic_store(&r->stop, true);
    if (r->working)
        pthread_join(r->thread, NULL);
    if (r->listening >= 0) {
        unlink(r->d->socket);
        close(r->listening);
    }
    if (r->signals >= 0)
        close(r->signals);
    if (r->done >= 0)
        close(r->done);
    drop(&r->token);
    drop(&r->fresh);
}

/* 0: none is waiting. */
static unsigned next_signal(const struct running *r)
{
    struct signalfd_siginfo info;

    return read(r->signals, &info, sizeof info) == (ssize_t)sizeof info ? info.ssi_signo : 0;
}

static int64_t seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t); /* goes on while the machine sleeps, as tokens age */
    return t.tv_sec;
}

/* Until a signal ends it; *due is when the next attestation begins. */
static bool wait_once(struct running *r, int64_t *due, bool *ended)
{
    struct pollfd waits[] = {{.fd = r->signals, .events = POLLIN},
                             {.fd = r->done, .events = POLLIN},
                             {.fd = r->listening, .events = POLLIN}};
    int64_t left = *due - seconds_now();
    uint64_t count;

    if (left > 60)
        left = 60; /* clocks are set, machines sleep: looked at anew each minute */
    if (poll(waits, 3, r->working ? -1 : left > 0 ? (int)left * 1000 : 0) < 0 && errno != EINTR)
        return false;
    for (unsigned s; (s = next_signal(r)) != 0;) {
        if (s != SIGHUP)
            *ended = true;
        else
            *due = seconds_now();
    }
    if (waits[1].revents && read(r->done, &count, sizeof count) == (ssize_t)sizeof count)
        *due = seconds_now() + plan(r);
    if (waits[2].revents)
        agent_socket_serve(r->listening, valid_token(r));
    return true;
}

bool agent_daemon_run(const struct agent_daemon *d, struct fault *fault)
{
    struct running r = {.d = d, .signals = -1, .done = -1, .listening = -1};
    int64_t due = seconds_now();
    bool ok = open_all(&r, fault), ended = false;

    while (ok && !ended) {
        if (!r.working && seconds_now() >= due)
            ok = begin(&r, fault);
        if (ok)
            ok = wait_once(&r, &due, &ended) || fault_set(fault, FAULT_SYSTEM, "poll: %s", strerror(errno));
    }
    close_all(&r);
    return ok;
}
