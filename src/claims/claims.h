/* Claim sets: ordered multisets of named values (policy.md 3). One set is what the evidence proves (incoming), one what
 * the policy issues (outgoing), one the properties it sets. */
#ifndef ASSAY_CLAIMS_CLAIMS_H
#define ASSAY_CLAIMS_CLAIMS_H

#include "base/json.h"

enum claim_kind { CLAIM_STRING, CLAIM_INTEGER, CLAIM_BOOLEAN, CLAIM_JSON };
enum claim_issuer {
    ISSUER_SERVICE,
    ISSUER_POLICY,
    ISSUER_CUSTOM
}; /* AttestationService, AttestationPolicy, CustomClaim */

/* Where a claim goes. Evidence makes most for both; policies see `$is-debuggable`, tokens hold x-ms-sgx-collateral. */
enum claim_flags {
    CLAIM_POLICY = 1,    /* conditions can match it */
    CLAIM_TOKEN = 2,     /* a member of the token */
    CLAIM_READ_ONLY = 4, /* its value cannot be issued (policy.md 3) */
    /* JmesPath found a JSON string: the text never turns into a number or a Boolean (policy.md 6.1). */
    CLAIM_WAS_JSON_STRING = 8,
};

struct claim_value {
    enum claim_kind kind;
    struct bytes text;       /* STRING: UTF-8 */
    int64_t integer;         /* INTEGER; BOOLEAN as 0 or 1 */
    const struct json *json; /* JSON: objects and arrays; policies do not see them */
};

struct claim {
    struct bytes type;
    struct claim_value value;
    enum claim_issuer issuer;
    unsigned flags;
};

struct claims {
    struct arena *arena;
    struct claim *v;
    size_t n, cap;
};

void claims_init(struct claims *c, struct arena *a);
/* Names and texts are not copied. */
void claims_add(struct claims *c, struct claim claim);
void claims_text(struct claims *c, const char *type, struct bytes text, unsigned flags);
void claims_hex(struct claims *c, const char *type, struct bytes b, unsigned flags); /* lower-case hexadecimal */
void claims_integer(struct claims *c, const char *type, int64_t v, unsigned flags);
void claims_boolean(struct claims *c, const char *type, bool v, unsigned flags);
void claims_json(struct claims *c, const char *type, const struct json *v, unsigned flags);
/* The first claim of that type, or NULL. */
const struct claim *claims_find(const struct claims *c, struct bytes type);
bool claim_value_equal(const struct claim_value *a, const struct claim_value *b);
/* As a JSON value, made in the arena. */
struct json *claim_value_json(struct arena *a, const struct claim_value *v);

/* One object: each claim that has all `flags` becomes a member; several distinct values of one type become an array in
 * order, equal values are folded into one (policy.md 5.3). Members ascend by name. */
struct json *claims_object(struct arena *a, const struct claims *c, unsigned flags);
/* The same of properties: one that is set again counts with its last value (policy.md 5.5). */
struct json *claims_object_last(struct arena *a, const struct claims *c);

#endif
