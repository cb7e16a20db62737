/* Claim sets as people write them down: a list of objects {"type", "value", "issuer"?, "valueType"?, "read_only"?},
 * as the command line and the policy vectors have them. */
#ifndef ASSAY_CLAIMS_CLAIMS_JSON_H
#define ASSAY_CLAIMS_CLAIMS_JSON_H

#include "claims/claims.h"

/* Append the claims of a list; issuer is AttestationService when it is not given. Views point into the tree. */
bool claims_from_json(struct claims *out, const struct json *list, struct fault *fault);
const char *claim_issuer_name(enum claim_issuer issuer); /* "AttestationService" */

#endif
