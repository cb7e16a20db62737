/* The state of a search for warnings, and its parts. For lint.c, lint_claims.c and lint_logic.c alone. */
#ifndef ASSAY_POLICY_LINT_PARTS_H
#define ASSAY_POLICY_LINT_PARTS_H

#include "policy/lint.h"
#include "policy/vocabulary.h"

struct lint {
    struct arena *arena;
    const struct policy *policy;
    unsigned types;
    const struct rule *rule; /* the one being read */
    enum section_kind section;
    struct bytes *added; /* names of claims that earlier rules add to what conditions see */
    size_t added_count, added_cap;
    bool permits, denies; /* so far: a rule that can fire, a rule that always does */
    bool added_unnamed;   /* an earlier rule adds claims whose names the text does not tell */
    struct policy_warnings *out;
};

/* What can be said of a condition without seeing any claim. */
enum verdict { OPEN, NEVER_HOLDS, ALWAYS_HOLDS };

enum { LINT_ACTION = -1 };     /* instead of a condition */
#define LINT_NAME ((size_t)-1) /* instead of a comparison: the name that the condition binds */

/* A warning at a comparison of a condition of the rule, or at the rule's action. */
void lint_warn(struct lint *x, const char *id, int condition, size_t comparison, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* ", so the rule never fires": what it means that no claim satisfies the bracket. */
const char *lint_so(const struct condition *c);
/* A name in quotes, made short, for messages. */
const char *lint_name(struct arena *a, struct bytes name);
/* "; did you mean "svn"?": the nearest of the candidates tried, or nothing when none is near. */
struct lint_hint {
    struct bytes word, best;
    size_t least;
};
struct lint_hint lint_hint_for(struct bytes word);
void lint_hint_try(struct lint_hint *h, struct bytes candidate);
const char *lint_hint_text(struct arena *a, const struct lint_hint *h);

/* The comparisons alone: is there a claim that satisfies them all? */
enum verdict lint_logic(struct lint *x, int index);
/* Only Strings, Integers or Booleans satisfy the comparison; false when it does not tell. */
bool lint_kind_wanted(const struct comparison *k, enum claim_kind *kind);
/* Does a positive condition of the rule demand what a negated one excludes? */
bool lint_excluded(const struct rule *r, int index);

/* The claims that a condition is about: are there any? */
enum verdict lint_claims(struct lint *x, int index);
/* The literal that a property must equal; NULL: none. */
const struct claim_value *lint_wanted(const struct condition *c, enum property property);
/* Note what a rule adds for later ones. */
void lint_note_added(struct lint *x);

#endif
