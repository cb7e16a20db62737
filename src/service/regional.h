/* Keys that providers of a region share, where the configuration says so (core/sealed_key.h). A region's key is a record of a tenant that
 * serves nobody, under the region's name; each provider has a certificate of its own for it. */
#ifndef ASSAY_SERVICE_REGIONAL_H
#define ASSAY_SERVICE_REGIONAL_H

#include "service/routes.h"

/* The name of the region whose key a provider is to have, in the arena; empty: it has one of its own. */
struct bytes regional_name(const struct service *s, struct arena *a, struct bytes issuer);
/* The tenant of a provider's region where its records are not what the core sealed, and why, in the arena; NULL: they may be believed. While
 * they may not, which keys the region revoked is not known: the provider lists none, and takes no step with its own. */
struct tenant *regional_refused(const struct service *s, struct arena *a, struct bytes issuer, struct bytes *why);
/* The region's tenant, once it has a key; NULL also where it is refused. */
const struct tenant *regional_tenant(const struct service *s, struct arena *a, struct bytes name);
/* Did the region revoke it? False also for no kid. */
bool regional_revoked(const struct tenant *region, struct bytes kid);
/* The tenant of a provider's region, whether or not the provider is to have its key now: what it revoked stays revoked when the setting
 * changes. NULL as above. */
const struct tenant *regional_revoker(const struct service *s, struct arena *a, struct bytes issuer);
/* The kid of a key of the provider that the region revoked and the provider is to revoke too; empty: none. The one that does not sign
 * yet is the first, so that no other one's revocation puts it in force. Those of before a deletion ("retired") are left as they are, for
 * that record tells where the tenant begins; regional_keys leaves them out. */
struct bytes regional_to_revoke(const struct tenant *region, const struct tenant *t, int64_t now);
/* Is it a key of the region, which signs for it or did? */
bool regional_has(const struct tenant *region, struct bytes kid);
/* The keys that relying parties of a provider must know, without those that its region revoked; none where its region is refused. */
size_t regional_keys(const struct service *s, struct arena *a, const struct tenant *t, int64_t now,
                     struct key_record out[TENANT_KEYS_MAX]);

#endif
