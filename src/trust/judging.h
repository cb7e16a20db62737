/* One key in judgement; for the files of this floor. */
#ifndef ASSAY_TRUST_JUDGING_H
#define ASSAY_TRUST_JUDGING_H

#include "crypto/jose.h"
#include "trust/trust.h"

struct judging {
    struct trace *trace; /* of the key: what check_that and its like write to */
    const struct trust_question *q;
    struct trust_key *key;
    const struct jws *token; /* NULL: none */
    const struct json *payload;
    struct public_key public_key; /* of the certificate; of a short one too */
    struct bytes key_text;        /* its PEM and one NUL: what the evidence is bound to */
    bool has_claims;              /* the evidence has custom claims */
    struct bytes claims;
    int64_t moment; /* for which measurements must hold: when the token was issued, else the time of the judgement */
};

/* The steps; each false when it refuses. */
bool trust_step_signed(struct judging *j, const struct json *entry);
bool trust_step_evidence(struct judging *j);
bool trust_step_binding(struct judging *j);
bool trust_step_measurement(struct judging *j);

#endif
