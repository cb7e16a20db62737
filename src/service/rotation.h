/* When a provider's signing key changes (DESIGN 8): a new one is listed for a while, then it signs, and the one before stays listed
 * until its last token has expired. The steps are the core's (core/key_life.h); here is the clock. Every node of a store looks, one at a
 * time takes a step, and whoever comes second finds that it is done. */
#ifndef ASSAY_SERVICE_ROTATION_H
#define ASSAY_SERVICE_ROTATION_H

#include "service/rotation_state.h"
#include "service/routes.h"

struct rotation_rules {
    int64_t period; /* seconds for which a key signs at most; 0: until somebody asks for another one */
    int64_t ahead;  /* seconds for which it is listed before it signs */
};
enum rotation_step {
    ROTATION_NONE,
    ROTATION_PUBLISH,
    ROTATION_SWITCH,
    ROTATION_REVOKE, /* it has a key that its region revoked */
    ROTATION_RENEW,  /* a region is to have another key; its providers follow, each with the steps above */
};
/* The next step of a provider that serves and has no key that its region revoked, and when it is due, in seconds since 1970. Keys that were
 * made together do not change together: each is due up to an eighth of the period sooner, by its kid. region: whose key the provider is to
 * have, or NULL. */
enum rotation_step rotation_next(const struct tenant *t, const struct rotation_rules *rules,
                                 const struct tenant *region, int64_t *due);

struct rotation;

/* Looks from now on, when the service is ready. NULL with a fault. */
struct rotation *rotation_new(struct service *s, struct fault *fault);
void rotation_free(struct rotation *r);
void rotation_state(const struct rotation *r, struct rotation_state *out);

#endif
