/* Who may do what where (api.md 4, 7): roles, which allow actions by name with wildcards; assignments of a role to a subject, a
 * group or an application role of an issuer, over a scope; and what follows from them. */
#ifndef ASSAY_IDENTITY_ROLES_H
#define ASSAY_IDENTITY_ROLES_H

#include "identity/identity.h"

enum action {
    ACTION_ATTESTATION_READ, /* of policies, certificates, baselines; attesting where a token is needed */
    ACTION_ATTESTATION_WRITE,
    ACTION_ATTESTATION_DELETE,
    ACTION_PROVIDER_READ, /* the control plane */
    ACTION_PROVIDER_WRITE,
    ACTION_PROVIDER_DELETE,
    ACTION_CONNECTION_READ, /* private endpoint connections */
    ACTION_CONNECTION_WRITE,
    ACTION_CONNECTION_DELETE,
    ACTION_LINK_READ, /* private link resources */
    ACTIONS
};
const char *action_name(enum action action); /* "Microsoft.Attestation/attestationProviders/attestation/read" */
enum plane action_plane(enum action action); /* whose tokens it needs */

struct role {
    const char *name;
    const char *id;         /* of the original service; NULL: not among its own */
    const char *actions[4]; /* patterns in which * stands for any text; ended by NULL */
};
const struct role *role_find(struct bytes name); /* by name or id, in any letter case; NULL when there is none */
bool role_allows(const struct role *role, enum action action);

/* "/" (everything), "/subscriptions/S", "/subscriptions/S/resourceGroups/G", or the resource id of a provider below that.
 * Letter case is ignored; parts are views. False for anything else, a slash at the end too. */
bool scope_parse(struct bytes text, struct scope *out);
/* Part by part and whole parts only, so that no spelling reaches beyond its border. Letter case is ignored. */
bool scope_covers(const struct scope *wide, const struct scope *narrow);
/* As scope_parse reads it. */
struct bytes scope_print(struct arena *a, const struct scope *scope);

enum assigned { ASSIGNED_SUBJECT, ASSIGNED_GROUP, ASSIGNED_ROLE };

struct assignment {
    struct bytes issuer; /* its url */
    enum assigned to;
    struct bytes name; /* of the subject, group or application role, as tokens of the issuer have it */
    const struct role *role;
    struct scope scope;
};
struct assignments {
    const struct assignment *v;
    size_t count;
};

/* The caller's issuer may speak for the scope's subscription, and a role of the caller that covers the scope allows the action.
 * A shared provider may be read by every caller; for more it takes an issuer that speaks for all subscriptions. */
bool caller_may(const struct issuers *issuers, const struct assignments *assignments, const struct caller *caller,
                enum action action, const struct scope *scope);

#endif
