/* The machine's clock, for the anchor of the store: set back behind the newest checkpoint it stops the core, set ahead it gets into the next one. Both
 * are told when they happen. */
#ifndef ASSAY_SERVICE_STATE_CLOCK_H
#define ASSAY_SERVICE_STATE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct state_clock {
    int64_t offset; /* of the clock from the time since the machine was started, at the last step */
    int64_t step;   /* the last one, in seconds; 0: none within the hour */
    int64_t until;  /* the end of that hour, in time since the machine was started */
    bool behind;
};

void state_clock_begin(struct state_clock *c);
/* Logs what changed since the last look. `checkpoint`: when the newest one was signed; 0: there is none. */
void state_clock_look(struct state_clock *c, int64_t checkpoint);
/* By how many seconds the present is behind it, where that is more than the core bears; else 0. */
int64_t state_clock_behind(int64_t checkpoint, int64_t now);

#endif
