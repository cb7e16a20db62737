/* Claim sets as people write them down: a list of objects {"type", "value", "issuer"?, "valueType"?, "read_only"?},
 * as the command line and the policy vectors have them. */
#ifndef ASSAY_CLAIMS_CLAIMS_JSON_H
#define ASSAY_CLAIMS_CLAIMS_JSON_H

#include "claims/claims.h"

/* Append the claims of a list; issuer is AttestationService when it is not given. Views point into the tree. */
bool claims_from_json(struct claims *out, const struct json *list, struct fault *fault);
/* A string, a 64-bit integer or a Boolean; false for any other value, or none. */
bool claim_value_from_json(const struct json *v, struct claim_value *out);
const char *claim_issuer_name(enum claim_issuer issuer); /* "AttestationService" */
bool claim_issuer_by_name(struct bytes name, enum claim_issuer *out);

#endif
