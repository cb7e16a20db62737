#include "identity/roles.h"

#include "base/limits.h"

#define PROVIDERS "Microsoft.Attestation/attestationProviders"

static const struct {
    const char *name;
    enum plane plane;
} actions[ACTIONS] = {
    [ACTION_ATTESTATION_READ] = {PROVIDERS "/attestation/read", PLANE_DATA},
    [ACTION_ATTESTATION_WRITE] = {PROVIDERS "/attestation/write", PLANE_DATA},
    [ACTION_ATTESTATION_DELETE] = {PROVIDERS "/attestation/delete", PLANE_DATA},
    [ACTION_PROVIDER_READ] = {PROVIDERS "/read", PLANE_CONTROL},
    [ACTION_PROVIDER_WRITE] = {PROVIDERS "/write", PLANE_CONTROL},
    [ACTION_PROVIDER_DELETE] = {PROVIDERS "/delete", PLANE_CONTROL},
    [ACTION_CONNECTION_READ] = {PROVIDERS "/privateEndpointConnections/read", PLANE_CONTROL},
    [ACTION_CONNECTION_WRITE] = {PROVIDERS "/privateEndpointConnections/write", PLANE_CONTROL},
    [ACTION_CONNECTION_DELETE] = {PROVIDERS "/privateEndpointConnections/delete", PLANE_CONTROL},
    [ACTION_LINK_READ] = {PROVIDERS "/privateLinkResources/read", PLANE_CONTROL},
};

static const struct role roles[] = {
    {"Owner", NULL, {"*"}},
    {"Contributor", NULL, {"*"}},
    {"Reader", NULL, {"*/read"}},
    {"Attestation Contributor",
     "bbf86eb8-f7b4-4cce-96e4-18cddf81d86e",
     {PROVIDERS "/attestation/read", PROVIDERS "/attestation/write", PROVIDERS "/attestation/delete"}},
    {"Attestation Reader", "fd1bd22b-8476-40bc-a0bc-69b95687b9f3", {PROVIDERS "/attestation/read"}},
};

const char *action_name(enum action action)
{
    return actions[action].name;
}

enum plane action_plane(enum action action)
{
    return actions[action].plane;
}

const struct role *role_find(struct bytes name)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (bytes_is_nocase(name, roles[i].name) || (roles[i].id && bytes_is_nocase(name, roles[i].id)))
            return &roles[i];
    return NULL;
}

/* Our own patterns: what stands before the only star, and behind it. */
static bool matches(const char *pattern, struct bytes name)
{
    const char *star = strchr(pattern, '*');
    size_t before = star ? (size_t)(star - pattern) : 0, behind = star ? strlen(star + 1) : 0;

    if (!star)
        return bytes_is_nocase(name, pattern);
    return name.n >= before + behind && bytes_equal_nocase(bytes_first(name, before), bytes_make(pattern, before)) &&
           bytes_is_nocase(bytes_after(name, name.n - behind), star + 1);
}

bool role_allows(const struct role *role, enum action action)
{
    for (const char *const *pattern = role->actions; *pattern; pattern++)
        if (matches(*pattern, bytes_text(actions[action].name)))
            return true;
    return false;
}

/* The next segment behind a slash; empty when there is none. */
static struct bytes take_segment(struct bytes *rest)
{
    if (rest->n == 0 || rest->p[0] != '/')
        return BYTES_NONE;
    struct bytes text = bytes_after(*rest, 1);
    const uint8_t *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
    struct bytes segment = bytes_first(text, slash ? (size_t)(slash - text.p) : text.n);

    *rest = bytes_after(text, segment.n);
    return segment;
}

/* Nothing that another reader could take for something else: escapes, queries, dots that climb. */
static bool good_name(struct bytes name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] >= 0x7f || strchr("%?#\\*", name.p[i]))
            return false;
    return name.n > 0 && name.n <= LIMIT_CALLER_TEXT && !bytes_is(name, ".") && !bytes_is(name, "..");
}

static bool take_named(struct bytes *rest, const char *word, struct bytes *name)
{
    if (!bytes_is_nocase(take_segment(rest), word))
        return false;
    *name = take_segment(rest);
    return good_name(*name);
}

bool scope_parse(struct bytes text, struct scope *out)
{
    struct bytes rest = text, namespace;

    *out = (struct scope){0};
    if (bytes_is(text, "/"))
        return true;
    if (!take_named(&rest, "subscriptions", &out->subscription))
        return false;
    if (rest.n == 0)
        return true;
    if (!take_named(&rest, "resourceGroups", &out->group))
        return false;
    if (rest.n == 0)
        return true;
    return take_named(&rest, "providers", &namespace) && bytes_is_nocase(namespace, "Microsoft.Attestation") &&
           take_named(&rest, "attestationProviders", &out->provider) && rest.n == 0;
}

struct bytes scope_print(struct arena *a, const struct scope *scope)
{
    struct writer w = wr_open(a);

    if (scope->subscription.n)
        wr_printf(&w, "/subscriptions/%.*s", (int)scope->subscription.n, (const char *)scope->subscription.p);
    if (scope->group.n)
        wr_printf(&w, "/resourceGroups/%.*s", (int)scope->group.n, (const char *)scope->group.p);
    if (scope->provider.n)
        wr_printf(&w, "/providers/" PROVIDERS "/%.*s", (int)scope->provider.n, (const char *)scope->provider.p);
    if (wr_done(&w).n == 0)
        wr_text(&w, "/");
    return wr_done(&w);
}

bool scope_covers(const struct scope *wide, const struct scope *narrow)
{
    if (wide->subscription.n == 0)
        return wide->group.n == 0 && wide->provider.n == 0;
    return !narrow->shared && bytes_equal_nocase(wide->subscription, narrow->subscription) &&
           (wide->group.n == 0 || bytes_equal_nocase(wide->group, narrow->group)) &&
           (wide->provider.n == 0 || (wide->group.n && bytes_equal_nocase(wide->provider, narrow->provider)));
}

static bool names_have(const struct names *names, struct bytes name)
{
    for (size_t i = 0; i < names->count; i++)
        if (bytes_equal(names->v[i], name))
            return true;
    return false;
}

static bool speaks_for(const struct issuer *issuer, const struct scope *scope)
{
    for (size_t i = 0; i < issuer->subscriptions.count && scope->subscription.n; i++)
        if (bytes_equal_nocase(issuer->subscriptions.v[i], scope->subscription))
            return true;
    return issuer->any_subscription;
}

static bool is_assigned(const struct assignment *a, const struct caller *caller)
{
    if (a->name.n == 0 || !bytes_equal(a->issuer, caller->issuer))
        return false;
    switch (a->to) {
    case ASSIGNED_SUBJECT: return bytes_equal(a->name, caller->subject);
    case ASSIGNED_GROUP: return names_have(&caller->groups, a->name);
    case ASSIGNED_ROLE: return names_have(&caller->roles, a->name);
    }
    return false;
}

static bool allows(const struct role *role, const struct scope *over, enum action action, const struct scope *scope)
{
    return role_allows(role, action) && scope_covers(over, scope);
}

bool caller_may(const struct issuers *issuers, const struct assignments *assignments, const struct caller *caller,
                enum action action, const struct scope *scope)
{
    const struct issuer *issuer = issuer_find(issuers, caller->issuer);

    if (!issuer || caller->subject.n == 0)
        return false;
    if (scope->shared && action == ACTION_ATTESTATION_READ)
        return true;
    if (!speaks_for(issuer, scope))
        return false;
    for (size_t i = 0; i < caller->grant_count; i++)
        if (issuer->carries_roles && allows(caller->grants[i].role, &caller->grants[i].scope, action, scope))
            return true;
    for (size_t i = 0; i < assignments->count; i++) {
        const struct assignment *a = &assignments->v[i];

        if (is_assigned(a, caller) && allows(a->role, &a->scope, action, scope))
            return true;
    }
    return false;
}
