/* One layout for every policy text: what people compare and review. Comments and strings are kept byte for byte, what the
 * text means does not change; its x-ms-policy-hash does. */
#ifndef ASSAY_POLICY_FORMAT_H
#define ASSAY_POLICY_FORMAT_H

#include "policy/policy.h"

/* The text in its layout, made in the arena: formatting that again gives the same bytes, and it parses to the same
 * program. False, with the place and the reason, where policy_parse refuses the text or would refuse the result. */
bool policy_format(struct arena *a, struct bytes text, struct bytes *out, struct policy_error *error);
/* Do two texts mean the same, wherever their rules stand and however they are spelled? */
bool policy_same(const struct policy *a, const struct policy *b);

#endif
