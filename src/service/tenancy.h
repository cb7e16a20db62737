/* How a provider comes into being and goes: in one transaction each, its key with it. */
#ifndef ASSAY_SERVICE_TENANCY_H
#define ASSAY_SERVICE_TENANCY_H

#include "service/routes.h"

/* What became of it: status 0 when it is done; else an HTTP status with code and message, and nothing is left of it. Views end
 * with the call. */
struct tenancy_result {
    int status;
    struct bytes code, message;
};
typedef void tenancy_done(void *context, const struct tenancy_result *result);

struct tenancy_change {
    struct bytes issuer;
    struct bytes
        signers; /* creation: a JWKS as the caller sent it, or empty; a step of its keys: as core/key_life.h has it */
    struct bytes
        resource; /* body of the record "provider"; empty for providers of the configuration, and for a deletion */
    struct bytes caller;
    int64_t now;
};
/* A key is made by the core, which also judges the signers; then all of it is stored. The change's views, and the arena, must
 * live until done is called. */
void tenancy_create(struct service *s, struct arena *a, const struct tenancy_change *change, tenancy_done *done,
                    void *context);
/* Its policies and signers go, its key retires; what it signed can be verified until it expires. */
void tenancy_delete(struct service *s, struct arena *a, const struct tenant *t, const struct tenancy_change *change,
                    tenancy_done *done, void *context);
/* Its resource changes. */
void tenancy_update(struct service *s, struct arena *a, const struct tenant *t, const struct tenancy_change *change,
                    tenancy_done *done, void *context);
/* A step of its signing keys, one of MANAGE_KEY_…. */
void tenancy_key(struct service *s, struct arena *a, const struct tenant *t, enum manage_what step,
                 const struct tenancy_change *change, tenancy_done *done, void *context);
/* Make what providers of the configuration lack. Calls done once for all. */
void tenancy_fix(struct service *s, tenancy_done *done, void *context);

#endif
