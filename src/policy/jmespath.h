/* JMESPath (jmespath.org specification) over the one JSON tree, with one function more: equals_ignore_case
 * (policy.md 6.1). A query is compiled once; a search is bounded in steps, and so in time and in what it makes, and in
 * depth. Queries can come from evidence (AppendString), so both are hostile.
 *
 * Where implementations differ, policy.md 6.1 decides: `<` and its kin give null unless both sides are numbers, `true` never
 * equals 1, contains of a non-string in a string is false, text between backticks must be JSON, to_number takes exactly
 * a JSON number, members keep their order. An integer outside 64 bits or a number outside the finite doubles is an error
 * where it is computed with. */
#ifndef ASSAY_POLICY_JMESPATH_H
#define ASSAY_POLICY_JMESPATH_H

#include "base/json.h"

struct jmespath;

/* The compiled query lives in the arena; the text must live as long. Fails with FAULT_SYNTAX (where and why) or
 * FAULT_LIMIT. */
bool jmespath_compile(struct arena *a, struct bytes query, const struct jmespath **out, struct fault *fault);

/* What the search found, never NULL on success (JSON_NULL when nothing). Each step takes one from *budget; at zero the
 * search fails with FAULT_LIMIT. A function given wrong arguments, or a slice step of zero, fails with FAULT_SYNTAX. */
bool jmespath_search(const struct jmespath *query, const struct json *document, struct arena *a, size_t *budget,
                     const struct json **out, struct fault *fault);

/* The compact text of what a search found, members in their order. A result can hold one part many times over, so the
 * text takes from *budget as well, before anything is written. */
bool jmespath_text(const struct json *result, struct arena *a, size_t *budget, struct bytes *out, struct fault *fault);

#endif
