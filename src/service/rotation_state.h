/* How the rotation of signing keys stands, for metrics and health. */
#ifndef ASSAY_SERVICE_ROTATION_STATE_H
#define ASSAY_SERVICE_ROTATION_STATE_H

#include "base/bytes.h"

/* What is so, as of the last look at every provider. */
struct rotation_state {
    unsigned long published, switched, failed; /* steps of this node */
    int64_t next;                              /* when the first step of all is due; 0: none will be */
    int64_t oldest;                            /* since when the oldest key that signs does; 0: there is none */
    size_t waiting;                            /* keys that are listed and do not sign yet */
    size_t overdue;                            /* steps that should have been taken ROTATION_OVERDUE ago */
};
enum { ROTATION_OVERDUE = 3600 };

void wr_rotation_metrics(struct writer *w, const struct rotation_state *s, int64_t now);

#endif
