/* Handing a token on: to a file, to a command, to whoever connects to a socket. A token is a secret until it has expired: nothing
 * here logs it, and only its owner, or what the command makes of it, sees it. The program must ignore
 * SIGPIPE. */
#ifndef ASSAY_AGENT_DELIVER_H
#define ASSAY_AGENT_DELIVER_H

#include "base/arena.h"
#include "base/fault.h"

struct agent_delivery {
    const char *file; /* written whole, mode 0600; NULL: none */
    const char *
        command; /* for /bin/sh: the token on its standard input, ASSAY_URL and ASSAY_EXPIRES in its environment; NULL: none */
    const char *url; /* of the service */
    unsigned
        seconds; /* that the command may take, until it and all that it started in its group are ended; 0: AGENT_COMMAND_SECONDS */
};
enum { AGENT_COMMAND_SECONDS = 60 };

/* expires: seconds since 1970. Every place is tried; false with the first fault. */
bool agent_deliver(const struct agent_delivery *d, struct bytes token, int64_t expires, struct arena *a,
                   struct fault *fault);

/* A listening stream socket that its owner alone can connect to (0600), or -1. One that is left over from an agent that is gone is
 * replaced; any other file at that path is not. */
int agent_socket_open(const char *path, struct fault *fault);
/* Takes one connection and sends the token; nothing where it is empty. */
void agent_socket_serve(int listening, struct bytes token);

#endif
