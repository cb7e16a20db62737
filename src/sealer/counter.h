/* The counter of a TPM that anchors the store's checkpoints (core/state_checkpoint.h): an NV index of the owner that only counts up, and
 * beside it, at the next index, one that is there once a checkpoint was put in force with it. A counter that is deleted and made anew
 * begins above every value that any counter of this TPM ever had (TPM 2.0 Library, part 1, NV counters), and has another id. */
#ifndef ASSAY_SEALER_COUNTER_H
#define ASSAY_SEALER_COUNTER_H

#include "core/state_checkpoint.h"

/* assay-sealer counter read|add|keep TPM INDEX VALUE KEYFILE, for assayd: says on standard output what holds then, as "THERE IN_FORCE VALUE ID".
 * add: counts up by one where it has that VALUE; 0: makes it where it does not count yet. Where it has another value it stays. keep: a
 * checkpoint is in force. TPM: as the setting sealer_tpm, empty for the device that is there. KEYFILE: of the root key, which is there: locked meanwhile, not
 * read. */
bool counter_command(char **arguments, struct fault *fault);

#endif
