#include "arm/route.h"

#include "arm/names.h"

#define SUBSCRIPTION "/subscriptions/{s}"
#define GROUP        SUBSCRIPTION "/resourceGroups/{g}"
#define SPACE        "/providers/Microsoft.Attestation"
#define PROVIDERS    "/providers/" ARM_PROVIDER_TYPE
#define PROVIDER     GROUP PROVIDERS "/{n}"

struct method {
    const char *name; /* NULL ends the list */
    enum arm_operation operation;
    enum arm_action action;
};
enum { METHODS_MOST = 4 };

/* A segment in braces is any, and named by its letter. */
static const struct {
    const char *path;
    struct method methods[METHODS_MOST + 1];
    const char *allowed;
} paths[] = {
    {SPACE "/operations", {{"GET", ARM_OPERATIONS_LIST, ARM_ACTION_NONE}}, "GET"},
    {SUBSCRIPTION PROVIDERS, {{"GET", ARM_PROVIDERS_LIST, ARM_ACTION_READ}}, "GET"},
    {GROUP PROVIDERS, {{"GET", ARM_PROVIDERS_LIST_BY_GROUP, ARM_ACTION_READ}}, "GET"},
    {PROVIDER,
     {{"GET", ARM_PROVIDER_GET, ARM_ACTION_READ},
      {"PUT", ARM_PROVIDER_CREATE, ARM_ACTION_WRITE},
      {"PATCH", ARM_PROVIDER_UPDATE, ARM_ACTION_WRITE},
      {"DELETE", ARM_PROVIDER_DELETE, ARM_ACTION_DELETE}},
     "GET, PUT, PATCH, DELETE"},
    {SUBSCRIPTION SPACE "/defaultProviders", {{"GET", ARM_DEFAULTS_LIST, ARM_ACTION_NONE}}, "GET"},
    {SUBSCRIPTION SPACE "/locations/{l}/defaultProvider", {{"GET", ARM_DEFAULT_GET, ARM_ACTION_NONE}}, "GET"},
    {PROVIDER "/privateEndpointConnections", {{"GET", ARM_CONNECTIONS_LIST, ARM_CONNECTION_READ}}, "GET"},
    {PROVIDER "/privateEndpointConnections/{c}",
     {{"GET", ARM_CONNECTION_GET, ARM_CONNECTION_READ},
      {"PUT", ARM_CONNECTION_CREATE, ARM_CONNECTION_WRITE},
      {"DELETE", ARM_CONNECTION_DELETE, ARM_CONNECTION_REMOVE}},
     "GET, PUT, DELETE"},
    {PROVIDER "/signingKeys", {{"GET", ARM_KEYS_LIST, ARM_ACTION_READ}}, "GET"},
    {PROVIDER "/rotateSigningKey", {{"POST", ARM_KEY_ROTATE, ARM_ACTION_WRITE}}, "POST"},
    {PROVIDER "/revokeSigningKey", {{"POST", ARM_KEY_REVOKE, ARM_ACTION_WRITE}}, "POST"},
    {PROVIDER "/privateLinkResources", {{"GET", ARM_LINK_RESOURCES_LIST, ARM_LINK_READ}}, "GET"},
};
enum { PATHS = sizeof paths / sizeof *paths };

const char *arm_operation_name(enum arm_operation o)
{
    static const char *const names[ARM_OPERATION_COUNT] = {
        [ARM_OPERATIONS_LIST] = "Operations_List",
        [ARM_PROVIDERS_LIST] = "AttestationProviders_List",
        [ARM_PROVIDERS_LIST_BY_GROUP] = "AttestationProviders_ListByResourceGroup",
        [ARM_PROVIDER_GET] = "AttestationProviders_Get",
        [ARM_PROVIDER_CREATE] = "AttestationProviders_Create",
        [ARM_PROVIDER_UPDATE] = "AttestationProviders_Update",
        [ARM_PROVIDER_DELETE] = "AttestationProviders_Delete",
        [ARM_DEFAULTS_LIST] = "AttestationProviders_ListDefault",
        [ARM_DEFAULT_GET] = "AttestationProviders_GetDefaultByLocation",
        [ARM_CONNECTIONS_LIST] = "PrivateEndpointConnections_List",
        [ARM_CONNECTION_GET] = "PrivateEndpointConnections_Get",
        [ARM_CONNECTION_CREATE] = "PrivateEndpointConnections_Create",
        [ARM_CONNECTION_DELETE] = "PrivateEndpointConnections_Delete",
        [ARM_LINK_RESOURCES_LIST] = "PrivateLinkResources_ListByProvider",
        [ARM_KEYS_LIST] = "AttestationProviders_ListSigningKeys",
        [ARM_KEY_ROTATE] = "AttestationProviders_RotateSigningKey",
        [ARM_KEY_REVOKE] = "AttestationProviders_RevokeSigningKey",
    };

    return names[o];
}

/* The next segment behind a slash; false when there is none. */
static bool segment(struct bytes *path, struct bytes *out)
{
    size_t n = 0;

    if (path->n == 0 || path->p[0] != '/')
        return false;
    *path = bytes_after(*path, 1);
    while (n < path->n && path->p[n] != '/')
        n++;
    *out = bytes_first(*path, n);
    *path = bytes_after(*path, n);
    return n > 0 && !bytes_is(*out, ".") && !bytes_is(*out, "..");
}

static struct bytes *named(struct arm_route *r, uint8_t letter)
{
    switch (letter) {
    case 's': return &r->subscription;
    case 'g': return &r->group;
    case 'n': return &r->name;
    case 'c': return &r->connection;
    default: return &r->location;
    }
}

static bool matches(const char *pattern, struct bytes path, struct arm_route *out)
{
    struct bytes wanted = bytes_text(pattern), w, given;

    *out = (struct arm_route){0};
    while (segment(&wanted, &w)) {
        if (!segment(&path, &given))
            return false;
        if (w.p[0] == '{')
            *named(out, w.p[1]) = given;
        else if (!bytes_equal_nocase(w, given))
            return false;
    }
    return path.n == 0;
}

enum arm_found arm_route(const char *method, struct bytes path, struct arm_route *out, const char **allowed)
{
    *allowed = NULL;
    for (size_t i = 0; i < PATHS; i++) {
        if (!matches(paths[i].path, path, out))
            continue;
        for (const struct method *m = paths[i].methods; m->name; m++)
            if (strcmp(m->name, method) == 0) {
                out->operation = m->operation;
                out->action = m->action;
                return ARM_FOUND;
            }
        *allowed = paths[i].allowed;
        return ARM_WRONG_METHOD;
    }
    *out = (struct arm_route){0};
    return ARM_NO_PATH;
}
