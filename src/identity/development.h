/* The issuer of development mode: its key lies beside everything else that `assayd --dev` makes, and its tokens say themselves
 * what their bearer may. No service but that one knows it. */
#ifndef ASSAY_IDENTITY_DEVELOPMENT_H
#define ASSAY_IDENTITY_DEVELOPMENT_H

#include "crypto/sign.h"
#include "identity/identity.h"

#define DEVELOPMENT_ISSUER  "https://localhost/assay/development"
#define DEVELOPMENT_SUBJECT "developer"
#define DEVELOPMENT_KEY     "issuer.key" /* below the state folder */
#define DEVELOPMENT_JWKS    "issuer.jwks"

/* The claim in which these tokens carry roles: an array of objects with "role" and "scope". */
#define DEVELOPMENT_ROLES "assay_roles"

struct development_token {
    const char *subject, *role; /* the role by name or id */
    const char *const *scopes;
    size_t scope_count;
    int64_t time, lifetime; /* seconds */
};

/* For both planes, signed with ES256: the key must be on P-256. FAULT_USAGE: there is no such role or scope. */
bool development_token(struct arena *a, const struct signing_key *key, const struct development_token *t,
                       struct bytes *token, struct fault *fault);
/* The key set with this one key. */
bool development_jwks(struct arena *a, const struct signing_key *key, struct bytes *jwks, struct fault *fault);

#endif
