/* Members that both forms of a token have. */
#ifndef ASSAY_TOKEN_MEMBERS_H
#define ASSAY_TOKEN_MEMBERS_H

#include "token/token.h"

/* The signer as management answers name it, and once more inside it as `jwk` (claims.md 1.3). */
struct json *token_signer_member(struct arena *a, const struct json *signer);
/* What the evidence proves, without what a policy's rules added to the same set. */
struct json *token_proven(struct arena *a, const struct claims *incoming);
/* Is it one of the names of which a relying party believes that the service alone gives them (claims.md 7), though not every
 * token has them? */
bool token_service_name(struct bytes name);

#endif
