/* The first exchange of the protocol of TPMs: a challenge, and the service context that brings it back, so that no node has to
 * remember it (tpm-vbs.md 1.2). */
#ifndef ASSAY_EVIDENCE_TPM_CHALLENGE_H
#define ASSAY_EVIDENCE_TPM_CHALLENGE_H

#include "base/json.h"
#include "endorsement/exam.h"

enum {
    CHALLENGE_SIZE = 16,
    CHALLENGE_SECONDS = 300,        /* how long it can be answered */
    CONTEXT_GENERATION = 24 * 3600, /* seconds that one generation of keys seals for; the one before still opens */
};

/* What a service context holds. */
struct service_context {
    struct bytes challenge;
    int64_t issued, expires;
};

/* Sets x->reply to the message that holds a challenge; false, with ATTREQ_CONTEXT, where nobody seals. Of x->entropy it takes
 * the first 28 bytes. */
bool challenge_give(struct exam *x);
/* Opens what a client brought back, and states ATTREQ_CONTEXT. */
bool challenge_open(struct exam *x, struct bytes context, struct service_context *out);
/* The service context in such a message, decoded: what a client sends back. Empty where there is none. */
struct bytes challenge_context_of(struct arena *a, struct bytes reply);
/* A message of the service in its envelope: {"data": base64url of {"payload": message}}. */
struct bytes challenge_envelope(struct arena *a, struct json *message);

#endif
