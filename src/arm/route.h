/* Method and path of a request to the control plane -> which operation, on what, and which right it needs (api.md 7). */
#ifndef ASSAY_ARM_ROUTE_H
#define ASSAY_ARM_ROUTE_H

#include "base/bytes.h"

enum arm_operation {
    ARM_OPERATIONS_LIST,
    ARM_PROVIDERS_LIST,
    ARM_PROVIDERS_LIST_BY_GROUP,
    ARM_PROVIDER_GET,
    ARM_PROVIDER_CREATE,
    ARM_PROVIDER_UPDATE,
    ARM_PROVIDER_DELETE,
    ARM_DEFAULTS_LIST,
    ARM_DEFAULT_GET,
    ARM_CONNECTIONS_LIST,
    ARM_CONNECTION_GET,
    ARM_CONNECTION_CREATE,
    ARM_CONNECTION_DELETE,
    ARM_LINK_RESOURCES_LIST,
    /* Ours: the signing keys of a provider. */
    ARM_KEYS_LIST,
    ARM_KEY_ROTATE,
    ARM_KEY_REVOKE,
    ARM_OPERATION_COUNT,
};
const char *arm_operation_name(enum arm_operation o); /* operationId, "AttestationProviders_Create" */

/* What the caller must be allowed, in the scope of subscription, group and name, as far as the path has them. */
enum arm_action {
    ARM_ACTION_NONE, /* to be a caller at all: the answer is the same for everybody */
    ARM_ACTION_READ,
    ARM_ACTION_WRITE,
    ARM_ACTION_DELETE,
    ARM_CONNECTION_READ, /* of its private endpoint connections */
    ARM_CONNECTION_WRITE,
    ARM_CONNECTION_REMOVE,
    ARM_LINK_READ, /* of its private link resources */
};

struct arm_route {
    enum arm_operation operation;
    enum arm_action action;
    struct bytes subscription, group, name, connection, location; /* views of the path; empty where it has none */
};

enum arm_found {
    ARM_FOUND,
    ARM_NO_PATH,
    ARM_WRONG_METHOD, /* *allowed tells which there are: "GET, PUT" */
};

/* path: from its first slash, percent-decoded once, without the query. Segments are what lies between slashes, so a caller of
 * this must refuse paths with an encoded slash. Letter case of fixed segments is ignored. An empty segment is none: no path
 * has two slashes in a row or one at its end; nor has one a segment "." or "..". */
enum arm_found arm_route(const char *method, struct bytes path, struct arm_route *out, const char **allowed);

#endif
