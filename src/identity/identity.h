/* Who calls the service, and who says so (api.md 4, DESIGN 5): a caller is a subject of an issuer. Issuers and what they may
 * speak for are configured; nothing here does input or output. */
#ifndef ASSAY_IDENTITY_IDENTITY_H
#define ASSAY_IDENTITY_IDENTITY_H

#include "identity/keys.h"

/* What a token is for: the service's own API, or the management of providers. */
enum plane { PLANE_DATA, PLANE_CONTROL, PLANES };

struct names {
    const struct bytes *v;
    size_t count;
};

/* Where something is, or a right holds; a group stands in a subscription, a provider in a group. */
struct scope {
    struct bytes subscription, group, provider; /* empty: every one */
    bool shared; /* a default provider of a region, which belongs to no subscription (api.md 7) */
};

struct issuer {
    struct bytes url;               /* what `iss` must be, byte for byte; "x509:…" for a CA of client certificates */
    struct names audiences[PLANES]; /* besides those that every issuer's tokens may have */
    struct names subscriptions;     /* the only ones it may speak for, unless any_subscription is set */
    bool any_subscription;
    const char *subject_claim; /* the claim that holds the subject */
    bool carries_roles;        /* its tokens say themselves what their bearer may: of development mode alone */
    struct issuer_keys keys;   /* none: its tokens are refused */
};

struct issuers {
    const struct issuer *v;
    size_t count;
};
/* Byte for byte; NULL when there is none. */
const struct issuer *issuer_find(const struct issuers *all, struct bytes url);

struct role;
struct grant {
    const struct role *role;
    struct scope scope;
};

struct caller {
    struct bytes issuer, subject;
    struct bytes name,
        object; /* for people and audit: a user's or application's name, its object id; empty: not told */
    struct names groups, roles;
    const struct grant *grants; /* carried in the token; only ever of an issuer that may */
    size_t grant_count;
};

#endif
