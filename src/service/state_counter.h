/* The counter of a TPM (sealer/counter.h), by assay-sealer, which alone is linked to the software of TPMs and which the core's keeper starts.
 * It waits for the TPM, so never from the event loop. */
#ifndef ASSAY_SERVICE_STATE_COUNTER_H
#define ASSAY_SERVICE_STATE_COUNTER_H

#include "core/keeper.h"
#include "core/state_checkpoint.h"

/* How it is started: keeper_count, by whoever may speak to the keeper. */
struct counting {
    bool (*start)(void *context, enum keeper_counter verb, uint64_t value, int *fd, struct fault *fault);
    void *context;
};

/* Waits for it. What holds then. */
bool state_counter_ask(const struct counting *c, enum keeper_counter verb, uint64_t value, struct state_reading *out,
                       struct fault *fault);

#endif
