/* Seals the root anew: for another sealer, or for what the machine will boot from now on. */
#ifndef ASSAY_SEALER_RESEAL_H
#define ASSAY_SEALER_RESEAL_H

#include "core/root_key.h"

/* Opens the file by the sealer that it names, seals it by the one that is set, opens that again to be sure, and puts it in the old
 * one's place, whole and durable. Writes one line to standard output. The old file stays when anything fails. */
bool reseal(const char *path, const struct root_sealer *s, struct arena *a, struct fault *fault);

#endif
