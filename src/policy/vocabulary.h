/* What there is to write policies about: the claims that each kind of evidence offers, the members that tokens have anyhow,
 * and the properties (claims.md, policy.md 5.5). Names alone: nothing here makes or judges a claim. */
#ifndef ASSAY_POLICY_VOCABULARY_H
#define ASSAY_POLICY_VOCABULARY_H

#include "policy/program.h"

/* Attestation types, as a set. */
enum {
    TYPE_SGX = 1,
    TYPE_OE = 2,
    TYPE_SNP = 4,
    TYPE_TDX = 8,
    TYPE_AZURE_GUEST = 16,
    TYPE_TPM = 32, /* with VBS, which has its slot (api.md 2.3) */
    TYPE_ALL = 63,
};

struct known_claim {
    const char *name;
    enum claim_kind kind; /* CLAIM_JSON: an object or array, which conditions do not see */
    unsigned offered;     /* types whose evidence makes it a claim that conditions see */
    unsigned member;      /* types whose tokens have it at top level, or can have it, whatever a policy issues */
    bool since_1_2;       /* for policies of version 1.2 */
};

struct known_property {
    const char *name;
    enum claim_kind kind;
    enum section_kind section;
    unsigned types;
};

/* "SgxEnclave" to its set of one, letter case ignored; 0 when there is no such type. */
unsigned vocabulary_type(struct bytes name);
const char *vocabulary_type_name(size_t i); /* NULL past the end */
const struct known_claim *vocabulary_claim(struct bytes name);
const struct known_claim *vocabulary_claim_at(size_t i); /* NULL past the end */
const struct known_property *vocabulary_property(struct bytes name);
const struct known_property *vocabulary_property_at(size_t i); /* NULL past the end */

#endif
