/* The life of a provider's signing keys (DESIGN 8): published before they sign, listed until their last token has expired, or gone at
 * once when they are not to be believed any more. Three records of the provider tell all of it, so that any node goes on where another
 * one, or an earlier start, was:
 *
 *   "next"     listed, and signs nothing yet; since: when it was published; or empty. Of the same trust model as "key"
 *   "key"      signs; since: when it began to
 *   "rotated"  sign no more, and are listed until their last tokens have expired (as in "retired", which is of a provider that was
 *              deleted)
 *   "revoked"  of a region alone (core/sealed_key.h): which of its keys its providers are to drop, at once
 *
 * When a step is due is the host's business (service/rotation.h). Steps are operations of core/manage.h; the body of their request is
 * a struct key_request. */
#ifndef ASSAY_CORE_KEY_LIFE_H
#define ASSAY_CORE_KEY_LIFE_H

#include "base/arena.h"

struct key_request {
    struct bytes kid; /* which one, or empty */
};
struct bytes write_key_request(struct arena *a, const struct key_request *r);
bool read_key_request(struct bytes body, struct key_request *out);

#endif
