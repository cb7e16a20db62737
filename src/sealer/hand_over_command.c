#include "sealer/hand_over_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "agent/hardware.h"
#include "core/frame.h"
#include "core/message.h"
#include "sealer/hand_over.h"

enum { HOST_FD = 3, ENDORSEMENTS_MEMORY = 512 * 1024 * 1024, FRAMES_MEMORY = 64 * 1024 * 1024 };

struct hardware {
    enum agent_way way;
    const char *path;
};

static bool ask_hardware(void *context, struct bytes body, struct arena *a, struct key_evidence *out,
                         struct fault *fault)
{
    static const enum key_tee tees[] = {
        [AGENT_NO_TEE] = KEY_NO_TEE, [AGENT_TEE_SGX] = KEY_SGX, [AGENT_TEE_TDX] = KEY_TDX, [AGENT_TEE_SNP] = KEY_SNP};
    const struct hardware *h = context;
    uint8_t data[AGENT_REPORT_DATA] = {0};
    struct agent_evidence found;

    if (h->way == AGENT_WAY_NONE)
        return fault_set(fault, FAULT_USAGE,
                         "this machine is no TEE that could prove what it runs ([keys] evidence), and the root key is "
                         "handed over between two that do; where sealer is file, copy the file over a channel that you "
                         "trust, and reseal it there");
    sha256(body, data);
    if (!agent_evidence_ask(h->way, h->path, data, a, &found, fault))
        return false;
    *out = (struct key_evidence){.tee = tees[found.tee], .report = found.report, .chain = found.certificates};
    return true;
}

/* Up to the end of the host's snapshot. One that cannot be read is left out: it vouches for nothing. */
static bool read_endorsements(struct endorsements *e, struct fault *fault)
{
    static struct frame_reader from_host = {.fd = HOST_FD};
    enum frame_kind kind = FRAME_SNAPSHOT_BEGIN;
    struct arena a;
    bool ok = true;

    arena_init(&a, FRAMES_MEMORY);
    while (kind != FRAME_SNAPSHOT_END) {
        struct named_bytes m;
        struct bytes body;

        ok = frame_read(&from_host, &a, &kind, &body);
        if (!ok)
            break;
        if (kind == FRAME_ENDORSEMENT && read_named(body, &m))
            endorsements_add(e, arena_string(&a, m.name), m.content, NULL);
        arena_reset(&a);
    }
    arena_free(&a);
    endorsements_seal(e);
    return ok || fault_set(fault, FAULT_SYSTEM, "assayd gave no endorsements");
}

static bool read_input(struct arena *a, struct bytes *out, struct fault *fault)
{
    uint8_t *p = arena_alloc(a, HAND_OVER_MAX + 1);
    size_t n = 0;

    for (ssize_t got; n <= HAND_OVER_MAX && (got = read(STDIN_FILENO, p + n, HAND_OVER_MAX + 1 - n)) != 0;) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fault_set(fault, FAULT_SYSTEM, "standard input: %s", strerror(errno));
        n += (size_t)got;
    }
    *out = bytes_make(p, n);
    return true;
}

static bool write_output(struct bytes text, struct fault *fault)
{
    return (fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0) ||
           fault_set(fault, FAULT_SYSTEM, "standard output: %s", strerror(errno));
}

static bool take_step(const char *verb, const struct hand_over_node *n, struct arena *a, struct fault *fault)
{
    struct root_name name;
    struct bytes in, out;

    if (strcmp(verb, "offer") == 0)
        return hand_over_offer(n, a, &out, fault) && write_output(out, fault);
    if (!read_input(a, &in, fault))
        return false;
    if (strcmp(verb, "grant") == 0) {
        if (!hand_over_grant(n, in, a, &out, &name, fault) || !write_output(out, fault))
            return false;
        fprintf(stderr, "assayd: the root key %s goes to the node of this offer\n", name.text);
        return true;
    }
    if (!hand_over_accept(n, in, a, &name, fault))
        return false;
    fprintf(stderr, "assayd: %s holds the root key %s, sealed by %s: the other node must have named the same\n",
            n->key_file, name.text, n->sealer->name);
    return true;
}

bool hand_over_command(const char *verb, char **arguments, struct arena *a, struct fault *fault)
{
    struct settings settings = SETTINGS_DEFAULT;
    struct hardware hardware = {(enum agent_way)atoi(arguments[1]), arguments[2]};
    struct root_sealer sealer;
    struct endorsements *e = endorsements_new(ENDORSEMENTS_MEMORY);
    const struct hand_over_node node = {arguments[0],       &sealer, e, &settings, ask_hardware, &hardware,
                                        (int64_t)time(NULL)};

    if (!e)
        return fault_set(fault, FAULT_SYSTEM, "no memory");
    bool ok = root_sealer_read(arguments + 3, &sealer, fault) && read_endorsements(e, fault) &&
              take_step(verb, &node, a, fault);
    endorsements_free(e);
    return ok;
}
