/* Seals the root anew: for another sealer, or for what the machine will boot from now on. */
#ifndef ASSAY_SEALER_RESEAL_H
#define ASSAY_SEALER_RESEAL_H

#include "core/root_key.h"

/* Opens the file by the sealer that it names, which must be `from` where that is not empty, and may be "file" only where `from` says so or
 * that is what is set: else whoever can write the folder had a key of his sealed for the service. Seals it by the one that is set, opens that again to be sure, and puts it in the old
 * one's place, whole and durable. Writes one line to standard output. The old file stays when anything fails. */
bool reseal(const char *path, const char *from, const struct root_sealer *s, struct arena *a, struct fault *fault);

#endif
