#include "service/host_confine.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/confine.h"
#include "core/root_key.h"
#include "service/log.h"

enum {
    MIB = 1024 * 1024,
    PATH_LONGEST = 4096,
    SEALER_MEMORY = 256 * 1024, /* of a sealer's settings as arguments */
    GROUPS_MAX = 65536,         /* of one user, as the kernel has it */
    OTHER_FILES = 512, /* open besides connections: pairs, store, logs, fetches, and what libraries open for a moment */
};
#define CAPABILITY(name) (UINT64_C(1) << CAP_##name)

struct user {
    const char *name;
    uid_t id;
    gid_t group;
};

static bool find_user(const char *section, const char *name, struct user *out, struct fault *fault)
{
    const struct passwd *p = getpwnam(name);

    if (!p)
        return fault_set(fault, FAULT_SYSTEM, "[%s] user: there is no user %s", section, name);
    *out = (struct user){name, p->pw_uid, p->pw_gid};
    return true;
}

/* The files of either that its group may read are then the other's too. */
static bool keeps_out(const struct user *u, const struct user *other, struct fault *fault)
{
    gid_t *groups = calloc(GROUPS_MAX, sizeof *groups);
    int n = GROUPS_MAX;
    bool known = groups && getgrouplist(u->name, u->group, groups, &n) >= 0, in = false;

    for (int i = 0; known && i < n; i++)
        in = in || groups[i] == other->group;
    free(groups);
    if (!known)
        return fault_set(fault, FAULT_SYSTEM, "[core] user: cannot tell the groups of %s", u->name);
    return !in || fault_set(fault, FAULT_SYSTEM,
                            "[core] user: %s is in the group of %s (%u), and may be able to open its files: host and "
                            "core need a group each",
                            u->name, other->name, (unsigned)other->group);
}

bool host_users(const struct config *c, struct fault *fault)
{
    struct user host = {NULL, geteuid(), getegid()}, core = {0};

    if (c->user && !find_user("server", c->user, &host, fault))
        return false;
    if (!c->core_user)
        return true;
    if (!find_user("core", c->core_user, &core, fault))
        return false;
    if (core.id == 0)
        return fault_set(fault, FAULT_SYSTEM,
                         "[core] user: it must not be root, who is kept from nothing on this machine");
    if (host.id == 0 || host.id == core.id)
        return fault_set(fault, FAULT_SYSTEM,
                         "[core] user: it must be another than [server] user, which must not be root: the host could "
                         "read the keys of the core");
    return !host.name || (keeps_out(&host, &core, fault) && keeps_out(&core, &host, fault));
}

static bool check_users(const struct config *c, struct fault *fault)
{
    return host_users(c, fault) &&
           (!c->core_user || geteuid() == 0 ||
            fault_set(fault, FAULT_SYSTEM, "[core] user: the core becomes %s only when assayd is started as root",
                      c->core_user));
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

/* Connections that find no descriptor wait for ever, and so does whatever else needs one. */
static void allow_files(const struct config *c)
{
    size_t listeners = c->administration_port < 0 ? 1 : 2;
    rlim_t needed = (rlim_t)((size_t)c->connections * listeners + OTHER_FILES);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return;
    limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < needed)
        log_error("connections = %d may need %llu open files, and %llu are allowed: raise that (LimitNOFILE= of "
                  "systemd, ulimit -Hn), or lower connections in [server]",
                  c->connections, (unsigned long long)needed, (unsigned long long)limit.rlim_cur);
}

static bool become(const char *name, struct fault *fault)
{
    const struct passwd *user = name ? getpwnam(name) : NULL;
    bool root = user ? user->pw_uid == 0 : geteuid() == 0;

    return confine_user(name, root ? CAPABILITY(DAC_OVERRIDE) : 0, 0, &host_calls, fault);
}

bool host_become(const struct config *c, struct fault *fault)
{
    return become(geteuid() == 0 ? c->user : NULL, fault);
}

bool host_confine(const struct config *c, bool development, struct fault *fault)
{
    bool locked = confine_lockable(CONFINE_SIGNER_MEMORY);
    struct confinement can = confine_support();

    allow_files(c);
    if (!become(c->user, fault))
        return false;
    tell(&can, locked);
    tell_users(c, development);
    if (can.built && c->private_key && access(c->private_key, R_OK) != 0)
        log_error("%s cannot be read any more: a certificate that is changed takes a new start", c->private_key);
    return true;
}
