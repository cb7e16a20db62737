/* The service's own evidence by a platform in software: for development and for tests of whoever relies on it. */
#include "service/evidence_source.h"

#include <time.h>

#include "simulate/simulate.h"

bool evidence_simulate(const struct evidence_source *s, struct bytes key_text, struct arena *a,
                       struct key_evidence *out, struct fault *fault)
{
    struct simulate_options options = {.kind = s->choice == EVIDENCE_SIMULATED_SNP   ? SIMULATE_SNP
                                               : s->choice == EVIDENCE_SIMULATED_SGX ? SIMULATE_SGX
                                                                                     : SIMULATE_TDX,
                                       .time = (int64_t)time(NULL),
                                       .seed = s->platform.seed,
                                       .evaluation = s->platform.evaluation,
                                       .runtime_data = key_text};
    struct simulated made;

    if (!simulate(a, &options, &made, fault))
        return false;
    if (options.kind == SIMULATE_SNP)
        *out = (struct key_evidence){.tee = KEY_SNP, .report = made.report, .chain = made.chain};
    else
        *out = (struct key_evidence){.tee = options.kind == SIMULATE_SGX ? KEY_SGX : KEY_TDX, .report = made.evidence};
    return true;
}
