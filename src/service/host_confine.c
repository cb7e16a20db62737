#include "service/host_confine.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "core/confine.h"
#include "core/root_key.h"
#include "service/log.h"

enum {
    MIB = 1024 * 1024,
    PATH_LONGEST = 4096,
    SEALER_MEMORY = 256 * 1024, /* of a sealer's settings as arguments */
};
#define CAPABILITY(name) (UINT64_C(1) << CAP_##name)

/* The core's user is another than the host's, or there is no border between them. */
static bool check_users(const struct config *c, struct fault *fault)
{
    const struct passwd *user = c->user ? getpwnam(c->user) : NULL;
    uid_t host = user ? user->pw_uid : geteuid();

    if (!user && c->user)
        return fault_set(fault, FAULT_SYSTEM, "[server] user: there is no user %s", c->user);
    if (!c->core_user)
        return true;
    user = getpwnam(c->core_user);
    if (!user)
        return fault_set(fault, FAULT_SYSTEM, "[core] user: there is no user %s", c->core_user);
    if (geteuid() != 0)
        return fault_set(fault, FAULT_SYSTEM, "[core] user: the core becomes %s only when assayd is started as root",
                         c->core_user);
    return (host != 0 && host != user->pw_uid) ||
           fault_set(fault, FAULT_SYSTEM,
                     "[core] user: it must be another than [server] user, which must not be root: the host could read "
                     "the keys of the core");
}

bool host_check(const struct config *c, bool development, struct fault *fault)
{
    struct confinement can = confine_support();

    if (can.built && !can.calls && c->sandbox_required)
        return fault_set(
            fault, FAULT_SYSTEM,
            "this kernel has no filters of system calls (seccomp), behind which verifier and signer run: use one that "
            "has, or set sandbox = available in [core]");
    if (geteuid() == 0 && !c->user && !development)
        return fault_set(fault, FAULT_SYSTEM,
                         "started as root: name the user to become with user in [server] (root, if that is meant)");
    return check_users(c, fault);
}

static unsigned cpu_seconds(int milliseconds)
{
    return (unsigned)milliseconds / 1000 + 1;
}

bool host_keeper(const struct config *c, enum keeper_purpose purpose, struct keeper **out, struct fault *fault)
{
    char folder[PATH_LONGEST], sealer[PATH_LONGEST], index[16];
    struct arena a;

    *out = NULL;
    if (!pair_folder(folder, sizeof folder, fault) || (c->state.counted && !pair_sealer(sealer, sizeof sealer, fault)))
        return false;
    snprintf(index, sizeof index, "0x%x", (unsigned)c->state.index);
    (void)confine_lockable(CONFINE_SIGNER_MEMORY); /* what signers inherit */
    arena_init(&a, SEALER_MEMORY);
    const struct keeper_options options = {
        .pair = {.folder = folder,
                 .sealing_key = c->sealing_key,
                 .sealer = root_sealer_arguments(&a, &c->sealer),
                 .request_memory = c->request_memory,
                 .request_seconds = cpu_seconds(c->request_milliseconds),
                 .pairs = purpose == KEEPER_FOR_ADOPTION ? 0 : (size_t)c->pairs,
                 .sandbox_required = c->sandbox_required},
        .adopts = purpose != KEEPER_FOR_SERVICE,
        .sealer = c->state.counted ? sealer : NULL,
        .counter_tpm = c->state.tpm ? c->state.tpm : "",
        .counter_index = index,
        .user = c->core_user ? c->core_user : c->user,
    };
    bool ok = keeper_begin(&options, out, fault);
    arena_free(&a);
    return ok;
}

/* Once, for all pairs: what is in force, and what the operator could do about the rest. */
static void tell(const struct confinement *can, bool locked)
{
    if (!can->built) {
        log_info("sandbox: none, this build is for tests; releases confine verifier and signer");
        return;
    }
    if (can->calls)
        log_info("sandbox: verifier and signer may make %u and %u system calls, assayd all but %u",
                 verifier_calls.count, signer_calls.count, host_calls.count);
    else
        log_error("sandbox: this kernel has no filters of system calls (seccomp); nothing holds back a verifier that "
                  "is taken over");
    if (can->landlock)
        log_info("sandbox: Landlock version %d takes files and network from verifier and signer", can->landlock);
    else
        log_error("sandbox: this kernel has no Landlock, or it is switched off (lsm=); the filters of system calls "
                  "hold alone");
    if (locked)
        log_info("sandbox: the memory of signers is locked");
    else
        log_error("sandbox: signers may not lock their memory, keys could get into the swap: allow %d MiB "
                  "(LimitMEMLOCK= of systemd, ulimit -l), or use no swap",
                  CONFINE_SIGNER_MEMORY / MIB);
}

/* Where they share one, what holds against a host that was taken over is its list of calls alone. */
static void tell_users(const struct config *c, bool development)
{
    if (c->core_user)
        log_info("users: the core runs as %s, assayd as %s, which cannot reach the core's processes and files",
                 c->core_user, c->user);
    else if (!development)
        log_error("users: assayd and its core share one, so code in an assayd that was taken over can read the key "
                  "file: start it as root, with user in [server] and another user in [core]");
}

bool host_confine(const struct config *c, bool development, struct fault *fault)
{
    bool locked = confine_lockable(CONFINE_SIGNER_MEMORY);
    const struct passwd *user = c->user ? getpwnam(c->user) : NULL;
    bool root = user ? user->pw_uid == 0 : geteuid() == 0;
    struct confinement can = confine_support();

    if (!confine_user(c->user, root ? CAPABILITY(DAC_OVERRIDE) : 0, 0, &host_calls, fault))
        return false;
    tell(&can, locked);
    tell_users(c, development);
    if (can.built && c->private_key && access(c->private_key, R_OK) != 0)
        log_error("%s cannot be read any more: a certificate that is changed takes a new start", c->private_key);
    return true;
}
