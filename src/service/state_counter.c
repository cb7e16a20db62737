#include "service/state_counter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

enum { SAID_MOST = 1024 };

/* What it says on standard output and standard error comes to one place: a reading, or why there is none. */
static void listen_to(int fd, char said[SAID_MOST])
{
    size_t n = 0;

    for (ssize_t got; (got = read(fd, said + n, SAID_MOST - 1 - n)) > 0 || (got < 0 && errno == EINTR);)
        n += got > 0 ? (size_t)got : 0;
    said[n] = 0;
}

/* "THERE IN_FORCE VALUE ID" */
static bool parse(const char *said, struct state_reading *out)
{
    char id[2 * STATE_COUNTER_ID + 1];
    unsigned long long value;
    int there, in_force;

    if (sscanf(said, "%d %d %llu %32s", &there, &in_force, &value, id) != 4 ||
        !hex_decode_exact(bytes_text(id), out->counter.id, STATE_COUNTER_ID))
        return false;
    out->there = there == 1;
    out->in_force = in_force == 1;
    out->counter.value = value;
    return out->there == (value > 0);
}

bool state_counter_ask(const struct counting *c, enum keeper_counter verb, uint64_t value, struct state_reading *out,
                       struct fault *fault)
{
    char said[SAID_MOST];
    int fd;

    if (!c->start(c->context, verb, value, &fd, fault))
        return false;
    listen_to(fd, said);
    close(fd);
    if (parse(said, out))
        return true;
    const char *reason = !*said                              ? "assay-sealer waited for it in vain"
                         : strncmp(said, "assayd: ", 8) == 0 ? said + 8
                                                             : said;
    return fault_set(fault, FAULT_SYSTEM, "the counter of the TPM cannot be used: %.*s", (int)strcspn(reason, "\n"),
                     reason);
}
