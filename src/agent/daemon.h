/* An agent that stays: attests at once, and again before the token expires, after errors with growing pauses; hands each token on. */
#ifndef ASSAY_AGENT_DAEMON_H
#define ASSAY_AGENT_DAEMON_H

#include <stdatomic.h>

#include "agent/deliver.h"

struct agent_daemon {
    /* One attestation. False with a fault; *pause is then how many seconds the service wants to be left alone, or 0. Is called in a
     * thread of its own; must end soon when *stop is set. */
    bool (*attest)(void *context, const atomic_bool *stop, struct arena *a, struct bytes *token, unsigned *pause,
                   struct fault *fault);
    void *context;
    void (*log)(bool bad, const char *text); /* of any thread */
    struct agent_delivery delivery;
    const char *socket; /* path, or NULL */
    unsigned interval;  /* seconds between attestations at most (tpm-vbs.md 5) */
};
enum {
    AGENT_INTERVAL = 24 * 3600,
    AGENT_RETRY_LEAST = 5, /* seconds after the first error, then doubled */
    AGENT_RETRY_MOST = 600,
};

/* Until SIGTERM or SIGINT; SIGHUP attests at once. False: it could not start. */
bool agent_daemon_run(const struct agent_daemon *d, struct fault *fault);

/* Seconds from now to the next attestation, given when the token expires: at three quarters of what is left of its life, so that
 * there is time for some errors, but no later than the interval. Never 0. */
unsigned agent_next(int64_t now, int64_t expires, unsigned interval);
/* Seconds to wait after so many errors in a row, of which a half is left to `chance` (any number): machines that were refused
 * together do not come back together. */
unsigned agent_pause(unsigned errors, uint32_t chance);
/* "exp" of a token's payload; false: it has none that can be read. */
bool agent_token_expires(struct arena *a, struct bytes token, int64_t *out);

#endif
