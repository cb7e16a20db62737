#include "core/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WORDS = _LINUX_CAPABILITY_U32S_3, CAPABILITIES = 32 * WORDS };

static bool failed(struct fault *fault)
{
    return fault_set(fault, FAULT_SYSTEM, "give up privileges: %s", strerror(errno));
}

static bool get(struct __user_cap_data_struct now[WORDS])
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};

    return syscall(SYS_capget, &header, now) == 0;
}

uint64_t privileges_held(uint64_t which)
{
    struct __user_cap_data_struct now[WORDS];

    return get(now) ? which & (now[0].effective | (uint64_t)now[1].effective << 32) : 0;
}

static bool set(const struct __user_cap_data_struct now[WORDS])
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};

    return syscall(SYS_capset, &header, now) == 0;
}

bool privileges_keep(uint64_t kept, uint64_t inherited, struct fault *fault)
{
    struct __user_cap_data_struct now[WORDS];

    if (!get(now))
        return failed(fault);
    /* First what is inherited: what is not in the bounding set cannot become so. The ambient ones that are not in it go with it. */
    for (size_t i = 0; i < WORDS; i++)
        now[i].inheritable = now[i].permitted & (uint32_t)((kept & inherited) >> 32 * i);
    if (!set(now))
        return failed(fault);
    for (unsigned long i = 0; i < CAPABILITIES; i++)
        (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    for (size_t i = 0; i < WORDS; i++)
        now[i].effective = now[i].permitted &= (uint32_t)(kept >> 32 * i);
    if (!set(now))
        return failed(fault);
    for (unsigned long i = 0; i < CAPABILITIES; i++)
        if ((now[i / 32].inheritable >> i % 32 & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) != 0)
            return failed(fault);
    return true;
}

bool privileges_become(const char *name, struct fault *fault)
{
    const struct passwd *user = getpwnam(name);

    if (user && user->pw_uid == geteuid()) /* it was started as the one */
        return true;
    if (user && initgroups(name, user->pw_gid) == 0 && setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0)
        return true;
    return fault_set(fault, FAULT_SYSTEM, "become the user %s: %s", name, user ? strerror(errno) : "there is none");
}
