/* Keeping what decisions were made of, for a provider that chose so: the inputs that core/replay.h needs and that nobody else has,
 * encrypted for a key of the provider's before they touch a disk (service/kept.h). The choice is a sealed record of the provider,
 * "keeping", so nobody but the core says whom inputs are encrypted for. */
#ifndef ASSAY_CORE_KEEPING_H
#define ASSAY_CORE_KEEPING_H

#include "base/arena.h"

enum {
    KEEP_DAYS_MOST = 3650,             /* ten years: longer than any key of today should be relied on */
    KEPT_FILE_MOST = 16 * 1024 * 1024, /* bytes of one endorsement, of settings, of the inputs of one decision */
};

/* The record's body; an empty one: nothing is kept. */
struct keeping {
    uint32_t days;
    struct bytes recipient; /* SubjectPublicKeyInfo */
};
struct bytes write_keeping(struct arena *a, const struct keeping *k);
bool read_keeping(struct bytes body, struct keeping *out);

/* What the host makes of a caller's request: {"recipient": PEM of a certificate or a public key, "days": N}. */
struct keep_request {
    uint32_t days_most; /* that the operator allows; 0: nothing is kept here */
    struct bytes body;
};
struct bytes write_keep_request(struct arena *a, const struct keep_request *r);
bool read_keep_request(struct bytes body, struct keep_request *out);

/* With the answer of a token whose inputs are to be kept: whom for, and what the host has not itself. */
struct keep_order {
    struct keeping keeping;
    struct bytes payload, policy; /* of the token; text in force */
};
struct bytes write_keep_order(struct arena *a, const struct keep_order *o);
bool read_keep_order(struct bytes body, struct keep_order *out);

/* What is encrypted. */
struct kept_inputs {
    struct bytes request; /* body as it was sent */
    struct bytes payload, policy;
};
struct bytes write_kept_inputs(struct arena *a, const struct kept_inputs *k);
/* The same into room that is wiped after use: how much it takes, and a writer that has it. */
size_t kept_inputs_size(const struct kept_inputs *k);
void put_kept_inputs(struct writer *w, const struct kept_inputs *k);
bool read_kept_inputs(struct bytes content, struct kept_inputs *out);

#endif
