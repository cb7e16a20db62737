/* An exchange with /attest/Tpm without a service: a challenge that is given here, a request of a simulated machine over it, and the
 * judgement of that, sealed and opened with a key that everybody knows. */
#ifndef ASSAY_TESTS_TPM_EXCHANGE_H
#define ASSAY_TESTS_TPM_EXCHANGE_H

#include "base/text.h"
#include "core/context_key.h"
#include "evidence/tpm_challenge.h"
#include "simulate/simulate.h"

#define EXCHANGE_ISSUER BYTES_LIT("https://exchange.example")
enum { EXCHANGE_TIME = 1767225600 /* when the challenge is given */ };

static inline const struct sealer *exchange_sealer(void)
{
    static const uint8_t known[AEAD_KEY_SIZE];
    static struct sealer sealer;

    sealer = context_sealer(known);
    return &sealer;
}

/* Into an exam that judges such requests. */
static inline void exchange_prepare(struct exam *x)
{
    x->issuer = EXCHANGE_ISSUER;
    x->sealer = exchange_sealer();
}

static inline bool exchange_is_for(enum simulate_kind kind)
{
    return kind == SIMULATE_TPM_REQUEST || kind == SIMULATE_VBS;
}

/* A challenge as the service gives it, into the options of the request that answers it. */
static inline bool exchange_begin(struct arena *a, struct simulate_options *o)
{
    static const uint8_t entropy[64] = {1, 2, 3};
    struct exam x = {.arena = a, .trace = trace_new(a), .time = EXCHANGE_TIME, .entropy = BYTES_OF(entropy)};
    const struct json *outer, *inner, *message;
    struct bytes text;

    exchange_prepare(&x);
    o->time = EXCHANGE_TIME;
    if (!challenge_give(&x) || !json_parse(a, x.reply, NULL, &outer, NULL) ||
        !json_text(json_member(outer, "data"), &text) || !base64_decode(a, text, &text, NULL) ||
        !json_parse(a, text, NULL, &inner, NULL))
        return false;
    message = json_member(inner, "payload");
    return json_text(json_member(message, "challenge"), &text) && base64_decode(a, text, &o->challenge, NULL) &&
           json_text(json_member(message, "service_context"), &o->service_context);
}

#endif
