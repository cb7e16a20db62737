/* The start of an anchor of the store: is the store the one of the newest checkpoint, or does it go on from it, by the counter, the clock, what
 * is served, and the witness where one is set. */
#ifndef ASSAY_SERVICE_STATE_START_H
#define ASSAY_SERVICE_STATE_START_H

#include "service/state_work.h"

/* `x` has its arena, trace, key and time; the place and the store are opened. False with a fault: the store may not be used; the trace has the
 * check that refused it, if one did. */
bool state_start(struct state_work *w, struct state_exam *x, struct fault *fault);

#endif
