/* How it stands with the service's own evidence, for health and metrics. */
#ifndef ASSAY_SERVICE_OWN_EVIDENCE_STATE_H
#define ASSAY_SERVICE_OWN_EVIDENCE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is so, as of the last look at every provider. */
struct own_evidence_state {
    const char *source;              /* "configfs-tsm at …", "none" */
    bool gives;                      /* there is a source */
    bool fails;                      /* and it, or what follows, failed last time */
    unsigned long collected, failed; /* certificates issued, attempts in vain */
    size_t with, without;            /* keys that sign or will, by whether their certificate carries evidence */
    int64_t oldest;                  /* when the oldest of these certificates was issued; 0: there is none */
};

#endif
