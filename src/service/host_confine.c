#include "service/host_confine.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/confine.h"
#include "core/privileges.h"
#include "service/log.h"

enum { MIB = 1024 * 1024 };
#define CAPABILITY(name) (UINT64_C(1) << CAP_##name)

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
    if (c->user && !getpwnam(c->user))
        return fault_set(fault, FAULT_SYSTEM, "[server] user: there is no user %s", c->user);
    return true;
}

static bool become_user(const char *name, struct fault *fault)
{
    const struct passwd *user = getpwnam(name);

    if (user && user->pw_uid == geteuid()) /* it was started as the one */
        return true;
    if (user && initgroups(name, user->pw_gid) == 0 && setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0)
        return true;
    return fault_set(fault, FAULT_SYSTEM, "become the user %s: %s", name, user ? strerror(errno) : "there is none");
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

bool host_confine(const struct config *c, struct fault *fault)
{
    const uint64_t changing = CAPABILITY(SETUID) | CAPABILITY(SETGID);
    struct confinement can = confine_support();
    bool locked = confine_lockable(CONFINE_SIGNER_MEMORY);

    if (!can.built) {
        tell(&can, locked);
        return !c->user || become_user(c->user, fault);
    }
    /* In two steps: the bounding set is emptied while that is allowed. Capabilities outlive the change of user that far. */
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fault_set(fault, FAULT_SYSTEM, "give up new privileges: %s", strerror(errno));
    if (!privileges_keep(changing | CAPABILITY(DAC_OVERRIDE) | CONFINE_LOCKING, CONFINE_LOCKING, fault) ||
        (c->user && !become_user(c->user, fault)) ||
        !privileges_keep((geteuid() == 0 ? CAPABILITY(DAC_OVERRIDE) : 0) | CONFINE_LOCKING, CONFINE_LOCKING, fault) ||
        (can.calls && !confine_calls(&host_calls, fault)))
        return false;
    tell(&can, locked);
    if (c->private_key && access(c->private_key, R_OK) != 0)
        log_error("%s cannot be read any more: a certificate that is changed takes a new start", c->private_key);
    return true;
}
