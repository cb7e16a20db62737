/* The claims of a set by their type, in the order of the set, kept up with it as it grows. Without it a policy of n rules that
 * issue n claims looks at n * n of them. */
#ifndef ASSAY_POLICY_TYPE_INDEX_H
#define ASSAY_POLICY_TYPE_INDEX_H

#include "claims/claims.h"

struct type_index;

enum { TYPE_INDEX_END = UINT32_MAX };

/* In the arena, of an empty set. */
struct type_index *type_index_new(struct arena *a);
/* Place in the set of the first claim that may have this type, then of those behind it; TYPE_INDEX_END past the last. None that
 * has it is left out, but some that have another type can be among them. _first first takes in what was added to the set
 * (claims only ever join at its end); between the two calls nothing may be added. */
uint32_t type_index_first(struct type_index *t, const struct claims *set, struct bytes type);
uint32_t type_index_next(const struct type_index *t, uint32_t place);

#endif
