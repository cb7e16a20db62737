/* Bodies of requests that change something: read leniently in what the platform is lenient about (letter case of names, null for
 * what is not there, members that are read-only and come back from a GET), strictly in all else. A member that is not known is
 * refused: one misspelt letter must not make a provider without its certificates. */
#ifndef ASSAY_ARM_BODY_H
#define ASSAY_ARM_BODY_H

#include "arm/resource.h"

struct arm_refusal {
    int status;
    const char *code;
    struct bytes message;
};

/* Of a creation (PUT) or an update (PATCH) of a provider. */
struct arm_body {
    struct bytes location; /* empty in an update */
    bool tags_given;
    const struct arm_tag *tags;
    size_t tag_count;
    bool network_known, tpm_known; /* does this version know the switch? */
    enum arm_switch network, tpm;  /* ARM_UNSET: not given */
    bool signers_given;
    size_t signer_count;
    struct bytes signers;      /* {"keys":[{"x5c":[…]}]}, each certificate base64 that decodes; empty: none */
    struct bytes signers_hash; /* SHA-256 over the set of their leaves, whatever their order */
    struct bytes policy_name;  /* attestationPolicy */
    struct bytes trust_model;  /* read-only, but what a caller expects; empty: not given */
};

/* False: *why tells. */
bool arm_body_create(struct arena *a, struct bytes body, enum arm_version version, struct arm_body *out,
                     struct arm_refusal *why);
bool arm_body_update(struct arena *a, struct bytes body, enum arm_version version, struct arm_body *out,
                     struct arm_refusal *why);
/* The name is the path's. */
bool arm_body_connection(struct arena *a, struct bytes body, struct bytes name, struct arm_connection *out,
                         struct arm_refusal *why);

/* Fill *why; always false. */
bool arm_refuse_body(struct arena *a, struct arm_refusal *why, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
